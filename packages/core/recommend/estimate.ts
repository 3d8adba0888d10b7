import { type Amount, type Resource, amountOf } from '../amount.ts'
import type { SampleSpan } from '../history/aggregate.ts'
import { type DurationMs, MINUTE } from '../time.ts'

/** Flags, per resource. Percentiles are parts of one: 0.9. */
export interface EstimateOptions {
  readonly targetPercentile: number
  readonly lowerBoundPercentile: number
  readonly upperBoundPercentile: number
  /** A history this long, with a sample per minute, has confidence 1. */
  readonly confidenceInterval: DurationMs
  /** Added on top of everything: 0.15 is 15 %. */
  readonly marginFraction: number
}

export interface Estimate {
  readonly target: Amount
  readonly lowerBound: Amount
  readonly upperBound: Amount
}

/**
 * How much history there is: its length and its number of samples, the smaller of both, in confidence intervals.
 * An hour with a sample per minute is 59 / 1440 of a day.
 */
export function confidenceOf({ first = 0, last = 0, count }: SampleSpan, interval: DurationMs): number {
  return Math.min((last - first) / interval, count / (interval / MINUTE))
}

/**
 * Percentiles of past usage with a margin, the bounds wide apart while there is little history.
 *
 * With 59 / 1440 of a day of history the upper bound is 25.4 times its percentile and the lower 0.95 times;
 * after a day 2.0 and 0.998 times. Without any history they are the largest amount and 0
 * (upstream: recommender/logic/recommender.go, so that both make the same recommendation).
 *
 * @param usageAt the amount that usage stays below for that part of the time
 * @param minimum what each of the three is at least
 */
export function estimate(usageAt: (percentile: number) => Amount, confidence: number, minimum: Amount, options: EstimateOptions): Estimate {
  const withMargin = (percentile: number) => usageAt(percentile) + amountOf(usageAt(percentile) * options.marginFraction)
  const narrowing = 1 + 0.001 / confidence
  return {
    target: Math.max(minimum, withMargin(options.targetPercentile)),
    lowerBound: Math.max(minimum, amountOf(withMargin(options.lowerBoundPercentile) * (1 / (narrowing * narrowing)))),
    upperBound: Math.max(minimum, amountOf(withMargin(options.upperBoundPercentile) * (1 + 1 / confidence))),
  }
}

export type EstimateOptionsByResource = Readonly<Record<Resource, EstimateOptions>>
