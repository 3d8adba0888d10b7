import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DAY, MINUTE } from '../time.ts'
import { confidenceOf, estimate } from './estimate.ts'

const OPTIONS = { targetPercentile: 0.9, lowerBoundPercentile: 0.5, upperBoundPercentile: 0.95, confidenceInterval: DAY, marginFraction: 0 }
const T = Date.UTC(2026, 2, 1)

test.for([
  ['9 samples 2 min apart are few for a day (upstream: estimator_test.go)', { first: T, last: T + 16 * MINUTE, count: 9 }, DAY, 0.00625],
  ['and half of what 18 min want', { first: T, last: T + 16 * MINUTE, count: 9 }, 18 * MINUTE, 0.5],
  ['a sample per minute for an hour', { first: T, last: T + 59 * MINUTE, count: 60 }, DAY, 59 / 1440],
  ['a long time with few samples', { first: T, last: T + 7 * DAY, count: 14 }, DAY, 14 / 1440],
  ['no samples', { first: undefined, last: undefined, count: 0 }, DAY, 0],
] as const)('confidence: %s', ([, span, interval, expected]) => {
  expect(confidenceOf(span, interval)).toBeCloseTo(expected, 12)
})

describe('bounds', () => {
  test.for([
    ['after 5 minutes', 5 / 1440, { lowerBound: 602, target: 1000, upperBound: 289_000 }],
    ['after an hour', 59 / 1440, { lowerBound: 952, target: 1000, upperBound: 25_406 }],
    ['after a day', 1, { lowerBound: 998, target: 1000, upperBound: 2000 }],
    ['after a week', 7, { lowerBound: 999, target: 1000, upperBound: 1142 }],
    ['without history', 0, { lowerBound: 25, target: 1000, upperBound: 1e14 }],
  ] as const)('of a usage of 1000 %s', ([, confidence, expected]) => {
    expect(estimate(() => 1000, confidence, 25, OPTIONS)).toEqual(expected)
  })

  test('no usage and no history is the minimum', () => {
    expect(estimate(() => 0, 0, 25, OPTIONS)).toEqual({ lowerBound: 25, target: 25, upperBound: 25 })
  })

  test('the margin is added to each, its fraction cut off', () => {
    const usage = new Map([[0.5, 1016], [0.9, 2093], [0.95, 4124]])
    expect(estimate((percentile) => usage.get(percentile) ?? 0, Infinity, 0, { ...OPTIONS, marginFraction: 0.15 })).toEqual({ lowerBound: 1168, target: 2406, upperBound: 4742 })
  })

  test('the target lies within them, and history draws them closer', () => {
    const confidences = fc.tuple(fc.double({ min: 0.001, max: 30, noNaN: true }), fc.double({ min: 0.001, max: 30, noNaN: true }))
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e12 }), confidences, (usage, unsorted) => {
        const [little, much] = unsorted.toSorted((a, b) => a - b).map((confidence) => estimate(() => usage, confidence, 25, OPTIONS))
        expect(much!.lowerBound).toBeLessThanOrEqual(much!.target)
        expect(much!.upperBound).toBeGreaterThanOrEqual(much!.target)
        expect(much!.lowerBound).toBeGreaterThanOrEqual(little!.lowerBound)
        expect(much!.upperBound).toBeLessThanOrEqual(little!.upperBound)
      }),
    )
  })
})
