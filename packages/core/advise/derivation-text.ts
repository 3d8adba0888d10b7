import type { Resource } from '../amount.ts'
import type { SampleSpan } from '../history/aggregate.ts'
import type { BoundDerivation, Derivation } from './derivation.ts'
import { ageText, amountText, countText, percentText } from './words.ts'

/** `2,160 samples of usage in 35h` */
export function samplesText({ first, last, count }: SampleSpan): string {
  if (first === undefined || last === undefined) return 'no sample of usage yet'
  return `${countText(count, 'sample')} of usage in ${ageText(last - first)}`
}

/**
 * The steps of a derivation, a line each; the first one begins with its percentile.
 *
 * @param whyOther what may be behind a recommendation that is not what was derived
 */
export function derivationLines(resource: Resource, derivation: Derivation, whyOther: string): readonly string[] {
  const { percentile, usage, marginFraction, withMargin, minimum, estimate, uncapped, target, cappedBy, confidence, lowerBound, upperBound } = derivation
  const amount = (value: number | undefined) => amountText(resource, value)
  const what = resource === 'cpu' ? 'usage' : 'peaks of usage'
  const bound = ({ percentile, usage, factor }: BoundDerivation) => `${ordinal(percentile)} percentile ${amount(usage)} + ${percentText(marginFraction)}, ×${Number(factor.toPrecision(3))}`
  return [
    `${ordinal(percentile)} percentile of ${what} ${amount(usage)} + ${percentText(marginFraction)} margin = ${amount(withMargin)}`,
    ...(minimum > withMargin ? [`raised to ${amount(minimum)}, its part of the least that a pod gets`] : []),
    ...(differs(uncapped, estimate) ? [`the recommender says ${amount(uncapped)} before caps: ${whyOther}`] : []),
    ...(cappedBy === undefined ? [] : [`capped to ${amount(target)} by ${cappedBy === 'other' ? "the recommender's flags" : cappedBy}; without that ${amount(uncapped)}`]),
    `bounds: ${bound(lowerBound)}; ${bound(upperBound)}; by a confidence of ${Number(confidence.toPrecision(2))} (1 is a day of samples)`,
  ]
}

/** Checkpoints keep weights in ten thousandths, so a bucket's edge may be missed. */
function differs(published: number | undefined, derived: number): boolean {
  return published !== undefined && Math.abs(published - derived) > 0.06 * derived
}

/** `90th`, `99.5th`. */
function ordinal(part: number): string {
  const number = Number((100 * part).toFixed(2))
  const suffix = { 1: 'st', 2: 'nd', 3: 'rd' }[number % 100 > 10 && number % 100 < 14 ? 0 : number % 10] ?? 'th'
  return `${number}${suffix}`
}
