/**
 * Where we answer better than the Go implementation, on purpose: classes of inputs, each with its reason and with what is expected instead.
 * docs/differences.md lists them. Everything outside these classes must match.
 */
import type { CapInput } from '@vpa/core/policy/cap-to-pod.ts'
import type { EffectiveLimits } from '@vpa/core/policy/limit-range.ts'
import { policyFor, scalingModeOf } from '@vpa/core/policy/container-policy.ts'
import { parseQuantity } from '@vpa/core/quantity.ts'
import type { Resources } from '@vpa/core/api/pod.ts'
import { type Vector, type Verdict, compare } from './verdict.ts'

interface Difference {
  readonly reason: string
  applies(vector: Vector, input?: CapInput): boolean
}

const DIFFERENCES: readonly Difference[] = [
  {
    reason: 'Go crashes',
    applies: ({ expected }) => (expected as { panic?: boolean }).panic === true,
  },
  {
    reason: 'a LimitRange of type Pod must not resize a container whose mode is Off',
    applies: (_, input) => input?.podLimits !== undefined && input.pod.containers.some(({ name }) => isOptedOut(input.vpa, name)),
  },
  {
    reason: 'a LimitRange of type Pod must not write amounts that were not recommended, or negative ones',
    applies: ({ expected }, input) => input?.podLimits !== undefined && (hasNegativeAmount(expected) || recommendations(input.vpa).some((recommendation) => lacksLimited(recommendation, input.podLimits))),
  },
  {
    reason: 'amounts that do not fit int64 (in thousandths) are computed exactly; Go wraps them around or takes them to be zero',
    applies: ({ input }) => hasHugeAmount(input),
  },
]

/**
 * Judges an answer about a pod.
 *
 * @param resources what the pod's containers would have
 */
export function judgePod(actual: unknown, vector: Vector, input: CapInput, resources: readonly Resources[]): Verdict {
  return judge(actual, vector, input, () => problemOf(input, resources))
}

/** Judges an answer that consists of amounts. */
export function judgeAmounts(actual: unknown, vector: Vector): Verdict {
  return judge(actual, vector, undefined, () => (hasNegativeAmount(actual) ? 'negative amount' : undefined))
}

function judge(actual: unknown, vector: Vector, input: CapInput | undefined, problem: () => string | undefined): Verdict {
  const verdict = compare(actual, withoutZeroExponents(vector))
  if (verdict === 'pass' || !DIFFERENCES.some(({ applies }) => applies(vector, input))) return verdict
  const fail = problem()
  return fail === undefined ? 'pass' : { fail }
}

/** What an answer must be in any case; undefined when it is. */
function problemOf({ vpa, pod, podLimits }: CapInput, resources: readonly Resources[]): string | undefined {
  for (const [index, { name, requests: own }] of pod.containers.entries()) {
    const { requests = {}, limits = {} } = resources[index] ?? {}
    for (const [resource, amount] of [...Object.entries(requests), ...Object.entries(limits)]) {
      if (amount.nanos < 0n) return `${name}: negative ${resource}`
    }
    if (isOptedOut(vpa, name) && Object.keys(requests).length > 0) return `${name}: resized in mode Off`
    const target = recommendations(vpa).find(({ containerName }) => containerName === name)?.target ?? (podLimits && own) ?? {}
    const surplus = Object.keys(requests).find((resource) => !(resource in target) && !(resource === 'cpu' && vpa.spec.startupBoost))
    if (surplus !== undefined) return `${name}: ${surplus} was not recommended`
  }
  return undefined
}

/** Go prints `3e0` where it has parsed it, and `3` where it has computed it; ours is always `3`. */
export function withoutZeroExponents(vector: Vector): Vector {
  return { ...vector, expected: JSON.parse(JSON.stringify(vector.expected).replaceAll(/"(\d+)e0"/g, '"$1"')) }
}

function hasHugeAmount(json: unknown): boolean {
  if (typeof json === 'object' && json !== null) return Object.values(json).some(hasHugeAmount)
  const parsed = typeof json === 'string' ? parseQuantity(json) : undefined
  return parsed !== undefined && parsed.nanos >= 2n ** 63n * 1_000_000n
}

function hasNegativeAmount(json: unknown): boolean {
  if (typeof json === 'object' && json !== null) return Object.values(json).some(hasNegativeAmount)
  return typeof json === 'string' && /^-\d/.test(json)
}

function isOptedOut(vpa: CapInput['vpa'], name: string): boolean {
  const isRecommended = recommendations(vpa).some(({ containerName }) => containerName === name)
  return !isRecommended && scalingModeOf(policyFor(vpa.spec.resourcePolicy?.containerPolicies, name)) === 'Off'
}

/** Whether the pod's total of a resource is limited for which nothing is recommended. */
function lacksLimited({ target, lowerBound, upperBound }: ReturnType<typeof recommendations>[number], limits: EffectiveLimits = {}): boolean {
  const limited = Object.keys({ ...limits.min, ...limits.max })
  return [target, lowerBound, upperBound].some((amounts) => amounts && limited.some((resource) => amounts[resource] === undefined))
}

function recommendations({ status }: CapInput['vpa']) {
  return status.recommendation?.containerRecommendations ?? []
}
