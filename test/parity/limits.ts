import { containerResources } from '@vpa/core/admit/resources.ts'
import { projectLimitRange } from '@vpa/core/api/limit-range.ts'
import { projectPod, projectResourceList } from '@vpa/core/api/pod.ts'
import { type ContainerRecommendation, VpaStatus, projectVpa, resourceListJson } from '@vpa/core/api/vpa.ts'
import { capToPod } from '@vpa/core/policy/cap-to-pod.ts'
import { capToPolicy } from '@vpa/core/policy/cap.ts'
import { type EffectiveLimits, effectiveLimits } from '@vpa/core/policy/limit-range.ts'
import { type ScaledResource, boundaryRequest, proportionalLimits } from '@vpa/core/policy/proportional-limit.ts'
import { type Quantity, type ResourceList, formatQuantity, milliValue, quantity, wholeValue } from '@vpa/core/quantity.ts'
import { judgeAmounts, judgePod } from './differences.ts'
import { type Vector, type Verdict, compare } from './verdict.ts'

type RawList = Record<string, string> | null

/** Runs one vector of kind `limits`. */
export function runLimits(vector: Vector): Verdict {
  const { type } = vector.input as { type: string }
  switch (type) {
    case 'proportional':
      return judgeAmounts(proportional(vector.input as Proportional), vector)
    case 'boundary':
      return judgeAmounts(boundary(vector.input as Boundary), vector)
    case 'limitRange':
      return compare(limitRange(vector.input as { limitRanges: unknown[] }), vector)
    case 'policy':
      return compare(policy(vector.input as Policy), vector)
    case 'pod':
      return podVerdict(vector)
    default:
      return { skip: `type ${type} is not handled yet` }
  }
}

interface Proportional {
  readonly originalLimit: RawList
  readonly originalRequest: RawList
  readonly recommendation: RawList
  readonly defaultLimit: RawList
}

function proportional({ originalLimit, originalRequest, recommendation, defaultLimit }: Proportional): unknown {
  const original = { requests: projectResourceList(originalRequest ?? {}), limits: projectResourceList(originalLimit ?? {}) }
  const { limits, notes } = proportionalLimits(original, projectResourceList(recommendation ?? {}), projectResourceList(defaultLimit ?? {}))
  return { limit: limits ? Object.fromEntries(Object.entries(limits).map(([resource, limit]) => [resource, details(limit)])) : null, annotations: notes }
}

interface Boundary {
  readonly resource: ScaledResource
  readonly originalRequest: string | null
  readonly originalLimit: string | null
  readonly boundaryLimit: string | null
  readonly defaultLimit: string | null
}

function boundary({ resource, originalRequest, originalLimit, boundaryLimit, defaultLimit }: Boundary): unknown {
  const original = { request: optional(originalRequest), limit: optional(originalLimit), defaultLimit: optional(defaultLimit) }
  const request = boundaryRequest(resource, original, optional(boundaryLimit))
  return { request: request ? details(request) : { string: '0', value: '0', milliValue: '0', format: '' } }
}

function optional(text: string | null): Quantity | undefined {
  return text === null ? undefined : quantity(text)
}

function limitRange({ limitRanges }: { limitRanges: unknown[] }): unknown {
  const ranges = limitRanges.map(projectLimitRange)
  return { container: effectiveJson(effectiveLimits(ranges, 'Container')), pod: effectiveJson(effectiveLimits(ranges, 'Pod')) }
}

interface Policy {
  readonly recommendation: unknown
  readonly resourcePolicy: unknown
  readonly globalMaxAllowed: RawList
}

function policy({ recommendation, resourcePolicy, globalMaxAllowed }: Policy): unknown {
  const { spec } = projectVpa({ spec: { resourcePolicy } })
  const recommended = VpaStatus.parse({ recommendation }).recommendation?.containerRecommendations
  if (recommended === undefined) return { recommendation: recommendation ?? null }
  return { recommendation: capToPolicy(recommended, spec.resourcePolicy?.containerPolicies, projectResourceList(globalMaxAllowed ?? {})).map(recommendationJson) }
}

function podVerdict(vector: Vector): Verdict {
  const raw = vector.input as { vpa: unknown; pod: unknown; limitRanges: unknown[] }
  const ranges = raw.limitRanges.map(projectLimitRange)
  const input = { vpa: projectVpa(raw.vpa), pod: projectPod(raw.pod), containerLimits: effectiveLimits(ranges, 'Container'), podLimits: effectiveLimits(ranges, 'Pod') }
  const processed = capToPod(input)
  const resources = containerResources(input)
  const actual = {
    processed: processed ? processed.recommendation.map(recommendationJson) : null,
    annotations: processed ? Object.fromEntries(processed.notes) : null,
    error: null,
    containerResources: input.pod.containers.map(({ name }, index) => ({ container: name, requests: listJson(resources[index]?.requests), limits: listJson(resources[index]?.limits) })),
    providerAnnotations: input.vpa.status.recommendation === undefined ? null : Object.fromEntries(input.pod.containers.flatMap(({ name }, index) => (resources[index]?.notes.length ? [[name, resources[index].notes]] : []))),
  }
  return judgePod(actual, vector, input, resources)
}

function recommendationJson({ containerName, target, lowerBound, upperBound, uncappedTarget }: ContainerRecommendation): unknown {
  return { containerName, target: listJson(target), lowerBound: listJson(lowerBound), upperBound: listJson(upperBound), uncappedTarget: listJson(uncappedTarget) }
}

function effectiveJson(limits: EffectiveLimits | undefined): unknown {
  return limits === undefined ? null : { min: listJson(limits.min), max: listJson(limits.max), default: listJson(limits.default) }
}

function listJson(list: ResourceList | undefined): unknown {
  return list === undefined ? null : resourceListJson(list)
}

/** Go's MilliValue keeps the lower 64 bits where the value has more. */
function details(amount: Quantity): unknown {
  return { string: formatQuantity(amount), value: `${wholeValue(amount)}`, milliValue: `${BigInt.asIntN(64, milliValue(amount))}`, format: amount.format }
}
