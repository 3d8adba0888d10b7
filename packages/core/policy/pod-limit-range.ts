import type { ContainerRecommendation, Recommendation } from '../api/vpa.ts'
import type { Quantity } from '../quantity.ts'
import type { EffectiveLimits } from './limit-range.ts'
import { type Ratio, SCALED_RESOURCES, type ScaledResource, ofUnits, originalOf, proportionalLimit, scaledUnits } from './proportional-limit.ts'
import type { Resources } from '../api/pod.ts'

/** A container as it is in the pod now. */
export interface CurrentContainer {
  readonly name: string
  readonly current: Resources
  /** The user does not want it changed: it counts, but keeps what it has. */
  readonly fixed: boolean
}

/** The order matters to nobody but is upstream's. */
const FIELDS = ['upperBound', 'target', 'lowerBound'] as const
type Field = (typeof FIELDS)[number]

/**
 * Scales all containers by one factor so that the pod's total fits the namespace's LimitRange of type Pod
 * (upstream: capProportionallyToPodLimitRange). With max 1Gi, 1Gi and 2Gi become 357913941 and 715827882 bytes.
 *
 * Containers without a recommendation take part with what they request now, unless they are `fixed`.
 */
export function fitPodLimits(recommendation: Recommendation, containers: readonly CurrentContainer[], limits: EffectiveLimits): Recommendation {
  let fitted = [...recommendation, ...containers.flatMap((container) => ownRequests(container, recommendation))]
  for (const field of FIELDS) {
    for (const resource of SCALED_RESOURCES) fitted = fit(fitted, containers, limits, { field, resource })
  }
  return fitted
}

function ownRequests({ name, current, fixed }: CurrentContainer, recommendation: Recommendation): ContainerRecommendation[] {
  const has = recommendation.some(({ containerName }) => containerName === name)
  if (has || fixed || current.requests === undefined || Object.keys(current.requests).length === 0) return []
  return [{ containerName: name, target: current.requests, lowerBound: undefined, upperBound: undefined, uncappedTarget: undefined }]
}

function fit(
  recommendation: ContainerRecommendation[],
  containers: readonly CurrentContainer[],
  limits: EffectiveLimits,
  { field, resource }: { readonly field: Field; readonly resource: ScaledResource },
): ContainerRecommendation[] {
  const firsts = containers.map(({ name }) => recommendation.find(({ containerName }) => containerName === name))
  const total = { movable: NOTHING, fixed: NOTHING }
  for (const [index, { current, fixed }] of containers.entries()) {
    const request = (firsts[index] ? firsts[index][field] : current.requests)?.[resource]
    const { limit } = proportionalLimit(resource, originalOf(resource, current, limits.default), request)
    const kind = fixed && !firsts[index] ? 'fixed' : 'movable'
    total[kind] = { request: total[kind].request + (request?.nanos ?? 0n), limit: total[kind].limit + (limit?.nanos ?? 0n) }
  }

  const factor = factorOf(total, { min: limits.min?.[resource]?.nanos ?? 0n, max: limits.max?.[resource]?.nanos ?? 0n })
  if (factor === undefined) return recommendation
  return recommendation.map((container) => {
    const amounts = container[field]
    const amount = amounts?.[resource]
    // Upstream crashes without the bounds, and writes 0 or even -1 for a resource that has no recommendation.
    if (amount === undefined || !firsts.includes(container)) return container
    return { ...container, [field]: { ...amounts, [resource]: ofUnits(resource, scaledUnits(resource, amount, factor, factor.up && resource === 'cpu'), amount.format) } }
  })
}

/** Sums over containers, in billionths. */
interface Total {
  readonly request: bigint
  readonly limit: bigint
}
const NOTHING: Total = { request: 0n, limit: 0n }

interface Factor extends Ratio {
  /** Millicores are rounded up on the way up; a byte too few does not matter. */
  readonly up: boolean
}

/**
 * What the requests of the movable containers are multiplied with; undefined to leave them as they are.
 * Requests below min come first, then limits above max, then limits below min. Pods without limits are left alone. All as upstream does.
 */
function factorOf({ movable, fixed }: { movable: Total; fixed: Total }, { min, max }: { min: bigint; max: bigint }): Factor | undefined {
  const request = movable.request + fixed.request
  const limit = movable.limit + fixed.limit
  if (movable.limit === 0n) return undefined
  if (min > request) return { numerator: plain(min - fixed.request), denominator: plain(movable.request), up: true }
  if (max !== 0n && limit > max) return max > fixed.limit ? { numerator: plain(max - fixed.limit), denominator: plain(movable.limit), up: false } : undefined
  if (min > limit) return { numerator: plain(min - fixed.limit), denominator: plain(movable.limit), up: false }
  return undefined
}

function plain(nanos: bigint): Quantity {
  return { nanos, format: 'DecimalSI' }
}
