import { expect, test } from 'vitest'
import { CPU_BUCKETS, MEMORY_BUCKETS, exponentialBuckets } from './buckets.ts'

test('buckets up to 500, the first 40 wide, each half as wide again (upstream: histogram_options_test.go)', () => {
  const buckets = exponentialBuckets({ max: 500, first: 40, ratio: 1.5 })
  expect([...buckets.starts]).toEqual([0, 40, 100, 190, 325, 527.5])
  expect([-1, 39.99, 40, 100, 900].map((value) => buckets.indexOf(value))).toEqual([0, 0, 1, 2, 5])
})

test.for([
  ['CPU', CPU_BUCKETS, 1021.109408904865],
  ['memory', MEMORY_BUCKETS, 1.021109408904865e12],
] as const)('%s has 176 buckets', ([, { starts }, last]) => {
  expect(starts).toHaveLength(176)
  expect(starts.at(-1)).toBeCloseTo(last, -1)
})

test.for([
  [0, 0],
  [0.0099, 0],
  [0.01, 1],
  [0.02, 1],
  [1, 36],
  [1e9, 175],
])('%d cores fall in bucket %d', ([cores, bucket]) => {
  expect(CPU_BUCKETS.indexOf(cores!)).toBe(bucket)
})
