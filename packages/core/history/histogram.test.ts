import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DAY, HOUR } from '../time.ts'
import { type Buckets, CPU_BUCKETS } from './buckets.ts'
import { Histogram } from './histogram.ts'

const T = Date.UTC(2026, 2, 1)

/** Eleven buckets of width 1; percentiles are whole numbers that way. */
const LINEAR: Buckets = { starts: Float64Array.from({ length: 11 }, (_, index) => index), indexOf: (value) => Math.min(Math.floor(value), 10) }

function linear(...samples: readonly (readonly [value: number, weight: number, at?: number])[]): Histogram {
  const histogram = new Histogram(LINEAR, HOUR)
  for (const [value, weight, at = T] of samples) histogram.add(value, weight, at)
  return histogram
}

describe('percentiles are upper edges of buckets (upstream: histogram_test.go, decaying_histogram_test.go)', () => {
  const byWeight = linear([1, 1], [2, 2], [3, 3], [4, 4])
  const oneHourApart = linear([1, 1, T], [2, 2, T + HOUR], [3, 3, T + 2 * HOUR], [4, 4, T + 3 * HOUR])
  test.for([
    ['values weigh 1 to 4', byWeight, [[0, 2], [0.1, 2], [0.2, 3], [0.3, 3], [0.4, 4], [0.6, 4], [0.7, 5], [1, 5]]],
    ['beyond 0 and 1', byWeight, [[-0.1, 2], [1.1, 5]]],
    ['values 1 to 4, one half-life apart', oneHourApart, [[0, 2], [0.02, 2], [0.03, 3], [0.1, 3], [0.11, 4], [0.34, 4], [0.35, 5], [1, 5]]],
    ['a light sample after 20 half-lives outweighs 1000 old ones', linear([2, 1000, T], [1, 1, T + 20 * HOUR]), [[0.999, 2], [1, 3]]],
    ['after 101 half-lives the old sample is gone', linear([2, 1, T], [1, 1, T + 101 * HOUR]), [[1, 2]]],
    ['nothing', linear(), [[0.5, 0]]],
  ] as const)('%s', ([, histogram, expected]) => {
    expect(expected.map(([fraction]) => [fraction, histogram.percentile(fraction)])).toEqual(expected)
  })
})

test('what is subtracted was never there', () => {
  const histogram = linear([1, 1], [2, 2], [3, 3])
  histogram.subtract(3, 3, T)
  expect(histogram.save()).toEqual(linear([1, 1], [2, 2]).save())
  histogram.subtract(1, 1, T)
  histogram.subtract(2, 2, T)
  expect(histogram.isEmpty()).toBe(true)
})

describe('checkpoints', () => {
  test.for([
    ['a bucket far lighter than another is left out', linear([1, 1], [2, 100_000]), { 2: 10_000 }, 100_001],
    ['the heaviest bucket weighs 10,000', linear([1, 1], [2, 10_000], [3, 50]), { 1: 1, 2: 10_000, 3: 50 }, 10_051],
    ['one sample', linear([1, 1]), { 1: 10_000 }, 1],
    ['nothing', linear(), {}, 0],
  ] as const)('%s', ([, histogram, bucketWeights, totalWeight]) => {
    expect(histogram.save()).toMatchObject({ bucketWeights, totalWeight })
  })

  test('weights are shares of the total', () => {
    const histogram = linear()
    histogram.load({ referenceTimestamp: T, bucketWeights: { 0: 1, 1: 2 }, totalWeight: 6 })
    expect(histogram.save()).toEqual({ referenceTimestamp: T, bucketWeights: { 0: 5000, 1: 10_000 }, totalWeight: 6 })
  })

  test.for([
    ['none', undefined, 'cannot load from empty checkpoint'],
    ['a negative total', { totalWeight: -1, bucketWeights: {} }, 'cannot load checkpoint with negative weight -1'],
    ['a bucket too high', { totalWeight: 1, bucketWeights: { 11: 1 } }, 'checkpoint has bucket 11 that is exceeding histogram buckets 11'],
    ['a bucket too low', { totalWeight: 1, bucketWeights: { '-1': 1 } }, 'checkpoint has a negative bucket -1'],
  ] as const)('%s is refused', ([, checkpoint, message]) => {
    expect(() => linear().load(checkpoint && { referenceTimestamp: undefined, ...checkpoint })).toThrow(message)
  })
})

describe('whatever the samples', () => {
  const sample = fc.record({ value: fc.double({ min: 0, max: 2000, noNaN: true }), weight: fc.double({ min: 0.01, max: 10, noNaN: true }), at: fc.integer({ min: T, max: T + 8 * DAY }) })
  const samples = fc.array(sample, { minLength: 1, maxLength: 30 })
  test('a higher percentile is not lower', () => {
    fc.assert(
      fc.property(samples, (list) => {
        expect(percentiles(cpu(list))).toEqual(percentiles(cpu(list)).toSorted((a, b) => a - b))
      }),
    )
  })

  test('merging commutes, and merging nothing changes nothing', () => {
    fc.assert(
      fc.property(samples, samples, (a, b) => {
        const [ab, ba, alone] = [cpu(a), cpu(b), cpu(a)]
        ab.merge(cpu(b))
        ba.merge(cpu(a))
        alone.merge(cpu([]))
        // Sums of the same weights in another order differ in their last digit, which may tip the rounding of a stored weight.
        const [one, other] = [ab.save(), ba.save()]
        for (const bucket of new Set([...Object.keys(one.bucketWeights), ...Object.keys(other.bucketWeights)])) {
          expect(Math.abs((one.bucketWeights[bucket] ?? 0) - (other.bucketWeights[bucket] ?? 0))).toBeLessThanOrEqual(1)
        }
        expect(one.totalWeight).toBeCloseTo(other.totalWeight, 9)
        expect(one.referenceTimestamp).toBe(other.referenceTimestamp)
        expect(alone.save()).toEqual(cpu(a).save())
      }),
    )
  })

  test('a checkpoint keeps every percentile within one bucket, where usage leaves no gap between buckets', () => {
    const { starts } = CPU_BUCKETS
    const usage = fc.record({ lowest: fc.integer({ min: 0, max: 100 }), weights: fc.array(fc.double({ min: 1, max: 50, noNaN: true }), { minLength: 1, maxLength: 70 }) })
    fc.assert(
      fc.property(usage, ({ lowest, weights }) => {
        const saved = cpu(weights.map((weight, index) => ({ value: (starts[lowest + index]! + starts[lowest + index + 1]!) / 2, weight, at: T })))
        const loaded = new Histogram(CPU_BUCKETS, DAY)
        loaded.load(saved.save())
        for (let percent = 0; percent <= 100; percent += 1) {
          const [before, after] = [saved, loaded].map((histogram) => starts.indexOf(histogram.percentile(percent / 100)))
          expect(Math.abs(after! - before!)).toBeLessThanOrEqual(1)
        }
      }),
    )
  })

  test('a checkpoint shifts percentiles by less than one hundredth', () => {
    fc.assert(
      fc.property(samples, (list) => {
        const saved = cpu(list)
        const loaded = new Histogram(CPU_BUCKETS, DAY)
        loaded.load(saved.save())
        // 176 buckets, each rounded by at most half of a ten-thousandth.
        for (const fraction of [0.1, 0.5, 0.9, 0.95]) {
          expect(loaded.percentile(fraction)).toBeGreaterThanOrEqual(saved.percentile(fraction - 0.01))
          expect(loaded.percentile(fraction)).toBeLessThanOrEqual(saved.percentile(fraction + 0.01))
        }
      }),
    )
  })
})

interface Sample {
  readonly value: number
  readonly weight: number
  readonly at: number
}

function cpu(samples: readonly Sample[]): Histogram {
  const histogram = new Histogram(CPU_BUCKETS, DAY)
  for (const { value, weight, at } of samples) histogram.add(value, weight, at)
  return histogram
}

function percentiles(histogram: Histogram): number[] {
  return [0, 0.1, 0.5, 0.9, 0.95, 1].map((fraction) => histogram.percentile(fraction))
}
