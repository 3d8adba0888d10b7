import { expect, test } from 'vitest'
import { Aggregate } from '../history/aggregate.ts'
import { ASSUMED_HALF_LIVES, ASSUMED_RECOMMENDER } from './assumption.ts'
import { distributionOf } from './distribution.ts'

const AT = Date.UTC(2026, 2, 1)

function distribution(resource: 'cpu' | 'memory', ...amounts: readonly number[]) {
  const usage = new Aggregate(ASSUMED_HALF_LIVES)
  for (const amount of amounts) {
    if (resource === 'cpu') usage.addCpu(amount, AT)
    else usage.addMemoryPeak(amount, AT)
  }
  return distributionOf(resource, usage, ASSUMED_RECOMMENDER.estimates[resource])
}

test('nothing is spread over no buckets', () => {
  expect(distribution('cpu')).toBeUndefined()
})

test.for([
  ['cpu', 100, 300],
  ['memory', 100e6, 300e6],
] as const)('%s: from the first bucket that has any to the last, with those between; all of it is one', ([resource, low, high]) => {
  const { buckets, percentiles } = distribution(resource, low, low, low, high)!
  expect(buckets.reduce((sum, { part }) => sum + part, 0)).toBeCloseTo(1)
  expect(buckets[0]).toMatchObject({ part: expect.closeTo(0.75, 3) })
  expect(buckets.at(-1)).toMatchObject({ part: expect.closeTo(0.25, 3) })
  expect(buckets.every(({ from, to }, index) => from < to && (index === 0 || buckets[index - 1]!.to === from))).toBe(true)
  expect([buckets[0]!.from <= low, buckets[0]!.to > low, buckets.at(-1)!.from <= high, buckets.at(-1)!.to > high]).toEqual([true, true, true, true])
  expect(percentiles.map(({ of, percentile, amount }) => [of, percentile, amount])).toEqual([['lowerBound', 0.5, buckets[0]!.to], ['target', 0.9, buckets.at(-1)!.to], ['upperBound', 0.95, buckets.at(-1)!.to]])
})
