import type { Pod } from '../api/pod.ts'
import type { EvictionRequirement, Recommendation } from '../api/vpa.ts'
import { type ResourceList, milliValue } from '../quantity.ts'
import { currentResources } from '../policy/current-resources.ts'

/**
 * Whether the change is one that `spec.updatePolicy.evictionRequirements` allow: all of them must hold for some container,
 * each for at least one of its resources (KEP 4831; upstream: scalingDirectionPodEvictionAdmission).
 *
 * A container without cpu or memory request is always worth an update.
 */
export function meetsEvictionRequirements(pod: Pod, recommendation: Recommendation, requirements: readonly EvictionRequirement[]): boolean {
  return pod.containers.some(({ name }) => {
    const recommended = recommendation.find(({ containerName }) => containerName === name)
    if (recommended === undefined) return false
    const { requests = {} } = currentResources(pod, name)
    if (requests['cpu'] === undefined || requests['memory'] === undefined) return true
    return requirements.every((requirement) => holds(requirement, requests, recommended.target ?? {}))
  })
}

function holds({ resources, changeRequirement }: EvictionRequirement, requests: ResourceList, targets: ResourceList): boolean {
  return resources.some((resource) => {
    const change = milliOf(targets, resource) - milliOf(requests, resource)
    return changeRequirement === 'TargetHigherThanRequests' ? change > 0n : change < 0n
  })
}

function milliOf(list: ResourceList, resource: string): bigint {
  const quantity = list[resource]
  return quantity === undefined ? 0n : milliValue(quantity)
}
