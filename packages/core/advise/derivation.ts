import { type Amount, type Resource, amountOf } from '../amount.ts'
import type { ContainerPolicy, ContainerRecommendation } from '../api/vpa.ts'
import type { Aggregate } from '../history/aggregate.ts'
import { policyFor } from '../policy/container-policy.ts'
import { confidenceOf } from '../recommend/estimate.ts'
import type { RecommendOptions } from '../recommend/recommendation.ts'
import { amountIn } from './container-advice.ts'

/** How one target came about, step by step. Millicores or bytes; percentiles and margin are parts of one. */
export interface Derivation {
  readonly percentile: number
  /** Usage stays below this for that part of the time; of memory, the peaks of its intervals do. */
  readonly usage: Amount
  readonly marginFraction: number
  readonly withMargin: Amount
  /** What the container gets at least: its part of what its pod gets. */
  readonly minimum: Amount
  /** What comes of it before the policy's caps. */
  readonly estimate: Amount
  /** As published. Differs from the estimate where the recommender runs with other flags, or knows more by now. */
  readonly uncapped: Amount | undefined
  readonly target: Amount | undefined
  readonly cappedBy: 'minAllowed' | 'maxAllowed' | 'other' | undefined
  /** Days of history with a sample a minute, at most one; what widens the bounds. */
  readonly confidence: number
  readonly lowerBound: BoundDerivation
  readonly upperBound: BoundDerivation
}

export interface BoundDerivation {
  readonly percentile: number
  readonly usage: Amount
  /** By which lack of confidence moves the bound: 0.95 and 25.4 after an hour. */
  readonly factor: number
  readonly published: Amount | undefined
}

export interface DerivationFacts {
  readonly usage: Aggregate
  /** Containers among which the pod's minimum is shared out. */
  readonly containerCount: number
  readonly policies: readonly ContainerPolicy[] | undefined
  readonly recommended: ContainerRecommendation
  readonly options: RecommendOptions
}

/** The steps of recommend and capToPolicy, kept apart. */
export function derivationOf(resource: Resource, { usage, containerCount, policies, recommended, options }: DerivationFacts): Derivation {
  const estimates = options.estimates[resource]
  const usageAt = (percentile: number) => (resource === 'cpu' ? amountOf(usage.cpu.percentile(percentile) * 1000) : amountOf(usage.memoryPeaks.percentile(percentile)))
  const confidence = confidenceOf(usage.span, estimates.confidenceInterval)
  const atTarget = usageAt(estimates.targetPercentile)
  const withMargin = atTarget + amountOf(atTarget * estimates.marginFraction)
  const minimum = amountOf(options.podMinimum[resource] * (1 / containerCount))
  const uncapped = amountIn(recommended.uncappedTarget, resource)
  const target = amountIn(recommended.target, resource)
  const bound = (percentile: number, factor: number, published: Amount | undefined): BoundDerivation => ({ percentile, usage: usageAt(percentile), factor, published })
  return {
    percentile: estimates.targetPercentile,
    usage: atTarget,
    marginFraction: estimates.marginFraction,
    withMargin,
    minimum,
    estimate: Math.max(minimum, withMargin),
    uncapped,
    target,
    cappedBy: cappedBy(resource, policyFor(policies, recommended.containerName), { uncapped, target }),
    confidence,
    lowerBound: bound(estimates.lowerBoundPercentile, (1 + 0.001 / confidence) ** -2, amountIn(recommended.lowerBound, resource)),
    upperBound: bound(estimates.upperBoundPercentile, 1 + 1 / confidence, amountIn(recommended.upperBound, resource)),
  }
}

function cappedBy(resource: Resource, policy: ContainerPolicy | undefined, { uncapped, target }: Pick<Derivation, 'uncapped' | 'target'>): Derivation['cappedBy'] {
  if (uncapped === undefined || target === undefined || uncapped === target) return undefined
  if (target === amountIn(policy?.maxAllowed, resource)) return 'maxAllowed'
  return target === amountIn(policy?.minAllowed, resource) ? 'minAllowed' : 'other'
}
