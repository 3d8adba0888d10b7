import type { Resources } from '../api/pod.ts'
import { NANOS_PER_UNIT, type Quantity, type QuantityFormat, type ResourceList, milliValue, wholeValue } from '../quantity.ts'

/** The resources whose limits follow the requests. */
export const SCALED_RESOURCES = ['cpu', 'memory'] as const
export type ScaledResource = (typeof SCALED_RESOURCES)[number]

export interface ProportionalLimits {
  /** undefined: no limit is set. */
  readonly limits: ResourceList | undefined
  /** Words for the pod's `vpaUpdates` annotation. */
  readonly notes: readonly string[]
}

/** What {@link proportionalLimit} and {@link boundaryRequest} need to know of a container, for one resource. */
export interface Original {
  readonly limit: Quantity | undefined
  readonly request: Quantity | undefined
  /** The limit that a LimitRange gives to a container without one. */
  readonly defaultLimit: Quantity | undefined
}

const MAX_INT64 = 2n ** 63n - 1n
const NANOS_PER: Readonly<Record<ScaledResource, bigint>> = { cpu: NANOS_PER_UNIT / 1000n, memory: NANOS_PER_UNIT }

/**
 * Limits that keep the container's ratio of limit to request (upstream: GetProportionalLimit).
 * With request 100m and limit 200m, a recommended 548m has the limit 1096m.
 */
export function proportionalLimits(original: Resources, recommended: ResourceList, defaults: ResourceList | undefined): ProportionalLimits {
  const limits: Record<string, Quantity> = {}
  const notes: string[] = []
  for (const resource of SCALED_RESOURCES) {
    const { limit, note } = proportionalLimit(resource, originalOf(resource, original, defaults), recommended[resource])
    if (limit) limits[resource] = limit
    if (note) notes.push(note)
  }
  return Object.keys(limits).length === 0 ? { limits: undefined, notes: [] } : { limits, notes }
}

export function originalOf(resource: ScaledResource, { requests, limits }: Resources, defaults: ResourceList | undefined): Original {
  return { limit: limits?.[resource], request: requests?.[resource], defaultLimit: defaults?.[resource] }
}

/**
 * The limit that goes with a recommended request; without a note it keeps the ratio.
 * It is rounded down to millicores or bytes, and at most the largest int64 of them.
 */
export function proportionalLimit(resource: ScaledResource, original: Original, recommended: Quantity | undefined): { limit?: Quantity; note?: string } {
  const limit = present(original.limit) ?? present(original.defaultLimit)
  if (limit === undefined) return { note: `${resource}: limit NOT set since originalLimit is nil or 0` }
  const newRequest = present(recommended)
  if (newRequest === undefined) return { note: `${resource}: limit NOT set since recommendedRequest is nil or 0` }
  const request = present(original.request)
  // Kubernetes takes a missing request to be equal to the limit.
  if (request === undefined || milliValue(request) === milliValue(limit)) return { limit: newRequest }
  const scaled = scaledUnits(resource, limit, { numerator: newRequest, denominator: request })
  if (scaled <= MAX_INT64) return { limit: ofUnits(resource, scaled, limit.format) }
  return { limit: ofUnits(resource, MAX_INT64, limit.format), note: `${resource}: failed to keep limit to request ratio; capping limit to int64` }
}

/**
 * The request whose proportional limit is the boundary that a LimitRange sets (upstream: GetBoundaryRequest).
 *
 * @returns undefined when there is no boundary
 */
export function boundaryRequest(resource: ScaledResource, original: Original, boundary: Quantity | undefined): Quantity | undefined {
  const limit = present(original.limit) ?? present(original.defaultLimit)
  if (limit === undefined || boundary === undefined) return undefined
  const request = present(original.request)
  if (request === undefined) return boundary
  const scaled = scaledUnits(resource, request, { numerator: boundary, denominator: limit })
  return ofUnits(resource, scaled <= MAX_INT64 ? scaled : MAX_INT64, request.format)
}

/** A factor, as the quotient of two amounts of the same resource. */
export interface Ratio {
  readonly numerator: Quantity
  readonly denominator: Quantity
}

/** All three amounts are taken in whole millicores or bytes, rounded up; so is the result, which is rounded down unless `up`. */
export function scaledUnits(resource: ScaledResource, quantity: Quantity, { numerator, denominator }: Ratio, up = false): bigint {
  const product = toUnits(resource, quantity) * toUnits(resource, numerator)
  const divisor = toUnits(resource, denominator)
  return up && product % divisor !== 0n ? product / divisor + 1n : product / divisor
}

export function ofUnits(resource: ScaledResource, units: bigint, format: QuantityFormat): Quantity {
  return { nanos: units * NANOS_PER[resource], format }
}

function toUnits(resource: ScaledResource, quantity: Quantity): bigint {
  return resource === 'cpu' ? milliValue(quantity) : wholeValue(quantity)
}

/** Zero means the same as nothing. */
function present(quantity: Quantity | undefined): Quantity | undefined {
  return quantity?.nanos === 0n ? undefined : quantity
}
