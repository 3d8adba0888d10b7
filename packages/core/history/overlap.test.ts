import { expect, test } from 'vitest'
import type { SampleSpan } from './aggregate.ts'
import { countingOf, endsBefore } from './overlap.ts'

const NONE: SampleSpan = { first: undefined, last: undefined, count: 0 }
/** A sample at each of these times. */
const span = (first: number, last: number): SampleSpan => ({ first, last, count: last - first + 1 })

test.for<[string, readonly SampleSpan[], SampleSpan, string]>([
  ['we have seen nothing yet', [NONE], span(1, 100), 'both'],
  ['the checkpoint tells of no sample', [span(1, 100)], NONE, 'both'],
  ['the checkpoint ends before we begin', [span(101, 110)], span(1, 100), 'both'],
  ['the checkpoint goes further back', [span(90, 100)], span(1, 100), 'saved'],
  ['we go further back', [span(1, 100)], span(90, 100), 'own'],
  ['both have seen the same', [span(1, 100)], span(1, 100), 'own'],
  ['several of our groups together have seen more', [span(1, 60), span(50, 100)], span(1, 100), 'own'],
  ['the checkpoint has ended soon after we began, and there is more in it', [span(90, 180)], span(1, 100), 'both'],
])('where %s', ([, own, saved, expected]) => {
  expect(countingOf(own, saved)).toBe(expected)
})

test.for<[string, SampleSpan, SampleSpan, boolean]>([
  ['the former has no sample', NONE, span(1, 10), true],
  ['the former ends before the next begins', span(1, 10), span(11, 20), true],
  ['they overlap', span(1, 11), span(11, 20), false],
  ['nothing is told of when the former ends', { ...NONE, count: 10 }, span(11, 20), false],
  ['neither has a sample', NONE, NONE, false],
])('one ends before another, where %s', ([, former, next, expected]) => {
  expect(endsBefore(former, next)).toBe(expected)
})
