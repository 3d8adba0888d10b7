import type { CheckpointStatus } from '@vpa/core/api/checkpoint.ts'
import { DAY, type EpochMs } from '@vpa/core/time.ts'

/** What a CPU sample adds to its bucket at the reference time of the histogram; twice as much a half-life later. */
const SAMPLE_WEIGHT = 0.1
const HALF_LIFE = DAY

/** By bucket of the CPU histogram. */
export type SampleCounts = ReadonlyMap<number, number>

/**
 * How many samples each bucket has got between two checkpoints of one histogram, minutes apart.
 *
 * @param at when they were measured, about
 */
export function samplesBetween(before: CheckpointStatus | undefined, after: CheckpointStatus | undefined, at: EpochMs): SampleCounts {
  const had = weightsAt(before, at)
  return new Map([...weightsAt(after, at)].map(([bucket, weight]) => [bucket, Math.round((weight - (had.get(bucket) ?? 0)) / SAMPLE_WEIGHT)]))
}

/** In samples of that time. */
function weightsAt(status: CheckpointStatus | undefined, at: EpochMs): SampleCounts {
  const { bucketWeights = {}, totalWeight = 0, referenceTimestamp = at } = status?.cpuHistogram ?? {}
  const sum = Object.values(bucketWeights).reduce((sum, weight) => sum + weight, 0)
  const age = 2 ** ((at - referenceTimestamp) / HALF_LIFE)
  return new Map(Object.entries(bucketWeights).map(([bucket, weight]) => [Number(bucket), (weight * totalWeight) / sum / age]))
}

export interface Comparison {
  /** Measured, and not counted. */
  readonly lost: number
  /** Of those, the ones that could have been read. */
  readonly lostThoughReadable: number
  /** Counted more often than measured. */
  readonly countedTwice: number
}

/** Bucket by bucket: one sample lost and another counted twice are seen as such, unless they fall into the same bucket. */
export function compareSamples(measured: SampleCounts, unreadable: SampleCounts, counted: SampleCounts): Comparison {
  let [lost, lostThoughReadable, countedTwice] = [0, 0, 0]
  for (const bucket of new Set([...measured.keys(), ...counted.keys()])) {
    const missing = (measured.get(bucket) ?? 0) - (counted.get(bucket) ?? 0)
    lost += Math.max(0, missing)
    lostThoughReadable += Math.max(0, missing - (unreadable.get(bucket) ?? 0))
    countedTwice += Math.max(0, -missing)
  }
  return { lost, lostThoughReadable, countedTwice }
}

export function countBy(times: readonly EpochMs[], bucketOf: (at: EpochMs) => number): SampleCounts {
  const counts = new Map<number, number>()
  for (const at of times) counts.set(bucketOf(at), (counts.get(bucketOf(at)) ?? 0) + 1)
  return counts
}
