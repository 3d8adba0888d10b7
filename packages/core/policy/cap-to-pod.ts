import type { Pod, Resources } from '../api/pod.ts'
import type { ContainerPolicy, ContainerRecommendation, Recommendation, Vpa } from '../api/vpa.ts'
import { type Quantity, type ResourceList, compareQuantities, milliValue } from '../quantity.ts'
import { controlledValuesOf, policyFor, scalingModeOf } from './container-policy.ts'
import { currentResources } from './current-resources.ts'
import type { EffectiveLimits, NamespaceLimits } from './limit-range.ts'
import { fitPodLimits } from './pod-limit-range.ts'
import { SCALED_RESOURCES, boundaryRequest, originalOf } from './proportional-limit.ts'

/** With the limits of the pod's namespace. */
export interface CapInput extends NamespaceLimits {
  readonly vpa: Vpa
  readonly pod: Pod
}

export interface CappedRecommendation {
  /** Of containers that the pod has. */
  readonly recommendation: Recommendation
  /** Per container, what was changed and why, such as `cpu capped to minAllowed`. Containers without changes are left out. */
  readonly notes: ReadonlyMap<string, readonly string[]>
}

/**
 * A VPA's recommendation as this pod may have it: within the namespace's LimitRanges, then within the VPA's own policy
 * (which wins), then, where only requests are controlled, within the container's limits.
 * Upstream: cappingRecommendationProcessor.Apply.
 *
 * @returns undefined when the VPA has neither a recommendation nor a policy
 */
export function capToPod({ vpa, pod, containerLimits, podLimits }: CapInput): CappedRecommendation | undefined {
  const policies = vpa.spec.resourcePolicy?.containerPolicies
  if (vpa.status.recommendation === undefined && vpa.spec.resourcePolicy === undefined) return undefined
  const recommended = vpa.status.recommendation?.containerRecommendations ?? []
  const containers = pod.containers.map(({ name }) => ({
    name,
    current: currentResources(pod, name),
    fixed: scalingModeOf(policyFor(policies, name)) === 'Off',
  }))

  const capped: ContainerRecommendation[] = []
  const notes = new Map<string, readonly string[]>()
  for (const recommendation of podLimits ? fitPodLimits(recommended, containers, podLimits) : recommended) {
    const container = containers.find(({ name }) => name === recommendation.containerName)
    if (container === undefined) continue
    const policy = policyFor(policies, container.name)
    const phases = [limitRangeCaps(container.current, containerLimits), policyCaps(policy), containerLimitCaps(container.current, policy)].filter((caps) => caps.length > 0)
    const { target, lowerBound, upperBound } = recommendation
    const cappedTarget = target && applyCaps(target, phases)
    capped.push({
      ...recommendation,
      target: cappedTarget?.amounts,
      lowerBound: lowerBound && applyCaps(lowerBound, phases).amounts,
      upperBound: upperBound && applyCaps(upperBound, phases).amounts,
    })
    if (cappedTarget && cappedTarget.notes.length > 0) notes.set(container.name, cappedTarget.notes)
  }
  return { recommendation: capped, notes }
}

/** Replaces an amount by the bound that it breaks. */
interface Cap {
  readonly bounds: ResourceList | undefined
  readonly breaks: (amount: Quantity, bound: Quantity) => boolean
  readonly note: string
}

/** A LimitRange's bounds are about limits; these are the requests that lead to such limits. Its min binds requests as well. */
function limitRangeCaps(current: Resources, limits: EffectiveLimits | undefined): readonly Cap[] {
  if (limits === undefined) return []
  const min: Record<string, Quantity> = {}
  const max: Record<string, Quantity> = {}
  for (const resource of SCALED_RESOURCES) {
    const original = originalOf(resource, current, limits.default)
    const lowest = higher(boundaryRequest(resource, original, limits.min?.[resource]), limits.min?.[resource])
    const highest = boundaryRequest(resource, original, limits.max?.[resource])
    if (lowest) min[resource] = lowest
    if (highest) max[resource] = highest
  }
  return [
    { bounds: min, breaks: isBelow, note: 'capped to fit Min in container LimitRange' },
    { bounds: max, breaks: isAbove, note: 'capped to fit Max in container LimitRange' },
  ]
}

function policyCaps(policy: ContainerPolicy | undefined): readonly Cap[] {
  if (policy === undefined) return []
  return [
    { bounds: policy.minAllowed, breaks: isBelow, note: 'capped to minAllowed' },
    { bounds: policy.maxAllowed, breaks: isAbove, note: 'capped to maxAllowed' },
  ]
}

function containerLimitCaps({ limits }: Resources, policy: ContainerPolicy | undefined): readonly Cap[] {
  if (controlledValuesOf(policy) !== 'RequestsOnly') return []
  return [{ bounds: limits, breaks: (amount, limit) => milliValue(amount) > milliValue(limit), note: 'capped to container limit' }]
}

/** @param phases each goes through all resources before the next begins, which decides the order of the notes */
function applyCaps(amounts: ResourceList, phases: readonly (readonly Cap[])[]): { amounts: ResourceList; notes: readonly string[] } {
  if (phases.length === 0) return { amounts, notes: [] }
  const capped: Record<string, Quantity> = { ...amounts }
  const notes: string[] = []
  for (const caps of phases) {
    for (const resource of Object.keys(amounts).toSorted()) {
      for (const { bounds, breaks, note } of caps) {
        const amount = capped[resource]
        const bound = bounds?.[resource]
        if (amount === undefined || bound === undefined || !breaks(amount, bound)) continue
        capped[resource] = bound
        notes.push(`${resource} ${note}`)
      }
    }
  }
  return { amounts: capped, notes }
}

/** A bound of zero is none. */
function isBelow(amount: Quantity, bound: Quantity): boolean {
  return bound.nanos !== 0n && compareQuantities(amount, bound) < 0
}

function isAbove(amount: Quantity, bound: Quantity): boolean {
  return bound.nanos !== 0n && compareQuantities(amount, bound) > 0
}

function higher(a: Quantity | undefined, b: Quantity | undefined): Quantity | undefined {
  return a === undefined || (b !== undefined && isAbove(b, a)) ? b : a
}
