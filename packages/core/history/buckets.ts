import { powerOf } from './power.ts'

/** Where a histogram puts values: bucket i holds the values from `starts[i]` up to `starts[i + 1]`. */
export interface Buckets {
  readonly starts: Float64Array
  indexOf(value: number): number
}

/** CPU usage, in cores: 176 buckets from 0.01 to 1000, each 5 % wider than the one before (upstream: CPUHistogramOptions). */
export const CPU_BUCKETS = exponentialBuckets({ max: 1000, first: 0.01, ratio: 1.05 })
/** Memory peaks, in bytes: 176 buckets from 10 MB to 1 TB (upstream: MemoryHistogramOptions). */
export const MEMORY_BUCKETS = exponentialBuckets({ max: 1e12, first: 1e7, ratio: 1.05 })

/**
 * Bucket 0 is `first` wide, every other one `ratio` times as wide as the one before; the last one begins at `max` or above.
 * With max 500, first 40 and ratio 1.5 they start at 0, 40, 100, 190, 325 and 527.5 (upstream: NewExponentialHistogramOptions).
 */
export function exponentialBuckets({ max, first, ratio }: { max: number; first: number; ratio: number }): Buckets {
  // The order of operations is upstream's: another one moves values that lie on a boundary to the bucket beside it.
  const logarithm = (value: number) => Math.log((value * (ratio - 1)) / first + 1) / Math.log(ratio)
  const last = Math.ceil(logarithm(max))
  const starts = Float64Array.from({ length: last + 1 }, (_, index) => (first * (powerOf(ratio, index) - 1)) / (ratio - 1))
  return { starts, indexOf: (value) => (value < first ? 0 : Math.min(Math.trunc(logarithm(value)), last)) }
}
