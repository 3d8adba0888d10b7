import type { HorizontalAutoscaler } from '../api/horizontal-autoscaler.ts'
import type { LimitRange } from '../api/limit-range.ts'
import type { Pod } from '../api/pod.ts'
import type { ResourceQuota } from '../api/resource-quota.ts'
import { type Vpa, isOlder, updateModeOf } from '../api/vpa.ts'
import { capToPod } from '../policy/cap-to-pod.ts'
import { controlledResourcesOf, policyFor, scalingModeOf } from '../policy/container-policy.ts'
import { currentResources } from '../policy/current-resources.ts'
import { NO_LIMITS, namespaceLimits } from '../policy/limit-range.ts'
import { type ResourceList, compareQuantities, formatQuantity } from '../quantity.ts'
import type { Explanation } from './explanation.ts'

export interface Surroundings {
  /** With the recommendation that is about to be published. */
  readonly vpa: Vpa
  /** All VPAs with the same target, this one among them. */
  readonly sameTarget: readonly Vpa[]
  /** Those that scale the VPA's target. */
  readonly horizontalAutoscalers: readonly HorizontalAutoscaler[]
  /** The VPA's pods that have not ended, always in the same order. */
  readonly pods: readonly Pod[]
  /** Of the largest nodes; empty when they are not known. */
  readonly allocatable: readonly ResourceList[]
  /** Of the VPA's namespace, as the quotas. */
  readonly limitRanges: readonly LimitRange[]
  readonly quotas: readonly ResourceQuota[]
}

const RESOURCES = ['cpu', 'memory'] as const

/** Everything that keeps a recommendation from having its effect. */
export function obstaclesTo(surroundings: Surroundings): readonly Explanation[] {
  const { vpa, pods: [pod] } = surroundings
  const found = [olderVpa(surroundings), horizontalAutoscaler(surroundings)]
  if (pod !== undefined && vpa.status.recommendation !== undefined) found.push(tooLarge(surroundings, pod), limitRange(surroundings, pod), quota(surroundings))
  return found.filter((each) => each !== undefined)
}

/**
 * Of the VPAs with one target that act, the oldest one does (see VpaIndex). One in mode Off that names another recommender is
 * there to compare, which is no conflict.
 */
function olderVpa({ vpa, sameTarget }: Surroundings): Explanation | undefined {
  const older = sameTarget.filter((each) => isOlder(each, vpa) && ((acts(each) && acts(vpa)) || recommenderOf(each) === recommenderOf(vpa))).toSorted((a, b) => (isOlder(a, b) ? -1 : 1))
  const conflicting = older.find(acts) ?? older[0]
  if (conflicting === undefined) return undefined
  const outcome = acts(conflicting) ? 'its recommendation is applied, and not this one' : acts(vpa) ? 'it only recommends, and this one is applied' : 'both only recommend'
  return { type: 'TargetConflict', reason: 'OlderVerticalPodAutoscaler', message: `VerticalPodAutoscaler ${conflicting.name} is older and has the same target: ${outcome}.` }
}

function acts(vpa: Vpa): boolean {
  return updateModeOf(vpa) !== 'Off'
}

function recommenderOf({ spec: { recommenders = [] } }: Vpa): string {
  return recommenders[0]?.name ?? 'default'
}

/** More requests make the same usage a smaller share of them, and so fewer pods; fewer pods use more each, and so on. */
function horizontalAutoscaler({ vpa, horizontalAutoscalers, pods }: Surroundings): Explanation | undefined {
  if (!acts(vpa)) return undefined
  const policies = vpa.spec.resourcePolicy?.containerPolicies
  const names = new Set(pods.flatMap(({ containers }) => containers.map(({ name }) => name)))
  const controls = (container: string, resource: string) => {
    const policy = policyFor(policies, container)
    return scalingModeOf(policy) !== 'Off' && controlledResourcesOf(policy).includes(resource)
  }
  for (const { name, utilizations } of horizontalAutoscalers) {
    const shared = utilizations.filter(({ resource, container }) => (container === undefined ? [...names] : [container]).some((each) => controls(each, resource)))
    if (shared.length === 0) continue
    const resources = [...new Set(shared.map(({ resource }) => resource))].join(' and ')
    return { type: 'ScalingConflict', reason: 'HorizontalPodAutoscaler', message: `HorizontalPodAutoscaler ${name} scales the same pods by how much of their ${resources} request they use, which this VerticalPodAutoscaler changes.` }
  }
  return undefined
}

function tooLarge({ vpa, allocatable }: Surroundings, pod: Pod): Explanation | undefined {
  if (allocatable.length === 0) return undefined
  const wanted = podTotal(pod, targets(vpa))
  if (allocatable.some((node) => RESOURCES.every((resource) => isWithin(wanted[resource], node[resource])))) return undefined
  return { type: 'TargetExceedsNodes', reason: 'LargerThanAllocatable', message: `A pod would request ${inWords(wanted)}, which no node can hold: the largest have ${allocatable.map(inWords).join(' or ')}.` }
}

/** A LimitRange changes what pods get; a policy that demands more than it allows has the API server refuse them. */
function limitRange({ vpa, limitRanges }: Surroundings, pod: Pod): Explanation | undefined {
  if (limitRanges.length === 0) return undefined
  const limits = namespaceLimits(limitRanges)
  const [free, limited] = [NO_LIMITS, limits].map((each) => capToPod({ vpa, pod, ...each })?.recommendation ?? [])
  const changed: string[] = []
  const refused: string[] = []
  for (const { containerName, target = {} } of limited ?? []) {
    const wanted = free?.find((container) => container.containerName === containerName)?.target ?? {}
    for (const resource of RESOURCES) {
      const [amount, before, max] = [target[resource], wanted[resource], limits.containerLimits?.max?.[resource]]
      if (amount === undefined || before === undefined) continue
      if (!isWithin(amount, max ?? amount)) refused.push(`${containerName} would request ${formatQuantity(amount)} ${resource}`)
      else if (amount.nanos !== before.nanos) changed.push(`${containerName} gets ${formatQuantity(amount)} ${resource} instead of ${formatQuantity(before)}`)
    }
  }
  const names = `LimitRange ${limitRanges.map(({ name }) => name).toSorted().join(', ')}`
  if (refused.length > 0) return { type: 'LimitedByLimitRange', reason: 'PodsRefused', message: `${names} allows less than this policy demands: ${refused.join(', ')}, and its pod would be refused.` }
  return changed.length > 0 ? { type: 'LimitedByLimitRange', reason: 'TargetCut', message: `Because of ${names}, ${changed.join(', ')}.` } : undefined
}

/** Quotas for some pods of a namespace only are left out: whether these pods are among them is not known here. */
function quota({ vpa, pods, quotas }: Surroundings): Explanation | undefined {
  const unscoped = quotas.filter(({ isScoped }) => !isScoped)
  if (unscoped.length === 0) return undefined
  const [current, wanted] = [sum(pods.map((pod) => podTotal(pod, {}))), sum(pods.map((pod) => podTotal(pod, targets(vpa))))]
  for (const { name, hard, used } of unscoped) {
    for (const resource of RESOURCES) {
      const key = hard[`requests.${resource}`] ? `requests.${resource}` : resource
      const [limit, inUse, more, less] = [hard[key], used[key], wanted[resource], current[resource]]
      if (limit === undefined || inUse === undefined || more === undefined) continue
      const needed = { nanos: inUse.nanos - (less?.nanos ?? 0n) + more.nanos, format: limit.format }
      if (needed.nanos <= inUse.nanos || compareQuantities(needed, limit) <= 0) continue
      return { type: 'LimitedByQuota', reason: 'ResourceQuota', message: `ResourceQuota ${name} allows ${key} of ${formatQuantity(limit)}; with this target the ${pods.length === 1 ? 'pod' : `${pods.length} pods`} here would bring them to ${formatQuantity(needed)}.` }
    }
  }
  return undefined
}

type Targets = Readonly<Record<string, ResourceList | undefined>>

function targets({ status }: Vpa): Targets {
  return Object.fromEntries((status.recommendation?.containerRecommendations ?? []).map(({ containerName, target }) => [containerName, target]))
}

/** What a pod would request: its containers' targets where they have one, what they request now otherwise. */
function podTotal(pod: Pod, targets: Targets): ResourceList {
  return sum(pod.containers.map(({ name }) => ({ ...currentResources(pod, name).requests, ...targets[name] })))
}

function sum(lists: readonly ResourceList[]): ResourceList {
  return lists.reduce((total, list) => {
    const both = RESOURCES.flatMap((resource) => {
      const [a, b] = [total[resource], list[resource]]
      return a || b ? [[resource, { nanos: (a?.nanos ?? 0n) + (b?.nanos ?? 0n), format: (b ?? a)?.format ?? 'DecimalSI' }] as const] : []
    })
    return Object.fromEntries(both)
  }, {})
}

function isWithin(amount: ResourceList[string] | undefined, limit: ResourceList[string] | undefined): boolean {
  return amount === undefined || (limit !== undefined && compareQuantities(amount, limit) <= 0)
}

function inWords(amounts: ResourceList): string {
  return RESOURCES.flatMap((resource) => (amounts[resource] ? [`${formatQuantity(amounts[resource])} ${resource}`] : [])).join(' and ')
}

/** The nodes that none is at least as large as in both CPU and memory: what does not fit on these fits on none. */
export function largestOf(nodes: Iterable<ResourceList>): readonly ResourceList[] {
  const largest: ResourceList[] = []
  for (const node of nodes) {
    if (largest.some((other) => RESOURCES.every((resource) => isWithin(node[resource], other[resource])))) continue
    const rest = largest.filter((other) => !RESOURCES.every((resource) => isWithin(other[resource], node[resource])))
    largest.splice(0, largest.length, ...rest, node)
  }
  return largest
}
