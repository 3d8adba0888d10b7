import type { Resources } from '../api/pod.ts'
import { updateModeOf } from '../api/vpa.ts'
import { type CapInput, type CappedRecommendation, capToPod } from '../policy/cap-to-pod.ts'
import { controlledValuesOf, policyFor } from '../policy/container-policy.ts'
import { currentResources } from '../policy/current-resources.ts'
import { proportionalLimits } from '../policy/proportional-limit.ts'
import type { ResourceList } from '../quantity.ts'

/** What a container should have; undefined requests or limits: those it has are left as they are. */
export interface ContainerResources extends Resources {
  /** Words for the pod's `vpaUpdates` annotation: what was capped and why. */
  readonly notes: readonly string[]
}

/**
 * What each container of a pod should have by its VPA's recommendation, in the order of `pod.containers`.
 * Used for new pods and for the resize of running ones (upstream: recommendation.Provider).
 */
export function containerResources(input: CapInput): readonly ContainerResources[] {
  const { vpa, pod, containerLimits } = input
  const capped = vpa.status.recommendation && capToPod(input)
  // In mode Off nothing but a startup boost is applied, to which the policy has nothing to say.
  const policies = updateModeOf(vpa) === 'Off' ? undefined : vpa.spec.resourcePolicy?.containerPolicies
  return pod.containers.map(({ name }) => {
    const notes = capped?.notes.get(name) ?? []
    const requests = targetOf(capped, name)
    if (requests === undefined) return { notes }
    if (controlledValuesOf(policyFor(policies, name)) === 'RequestsOnly') return { requests, notes }
    const proportional = proportionalLimits(currentResources(pod, name), requests, containerLimits?.default)
    return { requests, ...(proportional.limits && { limits: proportional.limits }), notes: [...notes, ...proportional.notes] }
  })
}

/** A recommendation that names a resource '' would make the whole patch invalid. */
function targetOf(capped: CappedRecommendation | undefined, containerName: string): ResourceList | undefined {
  const target = capped?.recommendation.find((container) => container.containerName === containerName)?.target
  if (target === undefined || !('' in target)) return target
  return Object.fromEntries(Object.entries(target).filter(([resource]) => resource !== ''))
}
