import type { SampleSpan } from './aggregate.ts'

/**
 * What is to count of a container whose usage two have recorded side by side, as when a VPA comes from another recommender: samples of one
 * time must count once, and distributions cannot be taken apart. Who has more samples knows more; where most of the others came later, all
 * are kept, or they would be lost.
 *
 * @param own of our aggregates
 * @param saved of a checkpoint
 */
export function countingOf(own: readonly SampleSpan[], saved: SampleSpan): 'own' | 'saved' | 'both' {
  const count = own.reduce((sum, span) => sum + span.count, 0)
  const first = Math.min(...own.map((span) => span.first ?? Infinity))
  const last = Math.max(...own.map((span) => span.last ?? -Infinity))
  if (count === 0 || saved.last === undefined || first > saved.last) return 'both'
  if (count >= saved.count) return 'own'
  return saved.last - first >= last - saved.last ? 'saved' : 'both'
}

/** Whether there are samples in `next`, and none of `former` is as late: it has none, or they end before. Where times are not told, they may be. */
export function endsBefore(former: SampleSpan, next: SampleSpan): boolean {
  return next.count > 0 && (former.count === 0 || (former.last ?? Infinity) < (next.first ?? -Infinity))
}
