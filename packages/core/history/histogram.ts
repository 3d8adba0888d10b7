import type { HistogramCheckpoint } from '../api/checkpoint.ts'
import { DAY, type DurationMs, type EpochMs } from '../time.ts'
import type { Buckets } from './buckets.ts'
import { powerOfTwo } from './power.ts'

/** A bucket that weighs less counts as empty: a thousandth of the lightest sample (0.1). */
const EPSILON = 0.001 * 0.1
/** 2^100 keeps every weight far inside a double's range; a younger sample moves the reference first. */
const MAX_EXPONENT = 100
/** In a checkpoint the heaviest bucket has this weight. */
const CHECKPOINT_SCALE = 10_000
/** By so many buckets the kept ones grow. A typed array of eight numbers is the largest that V8 keeps with its object. */
const STEP = 8
const NO_WEIGHTS = new Float64Array(0)
/** 0001-01-01T00:00:00Z: Go's zero time, the reference of an empty histogram; references are multiples of the half-life from here. */
const YEAR_ONE: EpochMs = -719_162 * DAY

/**
 * Weighted values of which older ones count less: a sample loses half its weight with every half-life
 * (upstream: decayingHistogram over histogram, recommender/util).
 *
 * Weights are relative to a reference time R: a sample at t is added with `weight * 2^((t - R) / halfLife)`,
 * so that adding never touches older samples. Of the buckets only those around the used ones are kept: usage that stays
 * within a factor of two fills 15 of 176. Adding allocates nothing, unless a sample is the first beyond them.
 */
export class Histogram {
  readonly #buckets: Buckets
  readonly #halfLife: DurationMs
  /** Of the buckets from `#offset` on; all others are empty. */
  #weights: Float64Array = NO_WEIGHTS
  #offset = 0
  #total = 0
  /** The range of buckets that are not empty; while there are none, `#first` is the last bucket and `#last` bucket 0. */
  #first: number
  #last = 0
  #reference: EpochMs = YEAR_ONE

  constructor(buckets: Buckets, halfLife: DurationMs) {
    this.#buckets = buckets
    this.#halfLife = halfLife
    this.#first = buckets.starts.length - 1
  }

  /** @param weight at least 0 */
  add(value: number, weight: number, at: EpochMs): void {
    const decayed = weight * this.#decayFactor(at)
    const bucket = this.#buckets.indexOf(value)
    const sum = this.#weightOf(bucket) + decayed
    this.#setWeight(bucket, sum)
    this.#total += decayed
    if (sum < EPSILON) return
    this.#first = Math.min(this.#first, bucket)
    this.#last = Math.max(this.#last, bucket)
  }

  /** Takes back what {@link add} was given. What remains of a bucket below epsilon is dropped. */
  subtract(value: number, weight: number, at: EpochMs): void {
    const decayed = weight * this.#decayFactor(at)
    const bucket = this.#buckets.indexOf(value)
    this.#total = subtracted(this.#total, decayed)
    this.#setWeight(bucket, subtracted(this.#weightOf(bucket), decayed))
    this.#tighten()
  }

  /**
   * The upper edge of the bucket in which the given part of the weight is reached; 0 when empty.
   * A constant usage of 1 core gives 1.016281 at every percentile.
   *
   * @param fraction 0.9 for the 90th percentile
   */
  percentile(fraction: number): number {
    if (this.isEmpty()) return 0
    const threshold = fraction * this.#total
    let bucket = this.#first
    for (let sum = 0; bucket < this.#last; bucket++) {
      sum += this.#weightOf(bucket)
      if (sum >= threshold) break
    }
    const { starts } = this.#buckets
    return starts[Math.min(bucket + 1, starts.length - 1)] ?? 0
  }

  isEmpty(): boolean {
    return this.#weightOf(this.#first) < EPSILON
  }

  /**
   * Adds all of another histogram with the same buckets and half-life. The one with the older reference is brought
   * to the younger first; that may be the other one, whose values stay the same but for buckets close to epsilon.
   */
  merge(other: Histogram): void {
    if (this.#reference < other.#reference) this.#shift(other.#reference)
    else if (other.#reference < this.#reference) other.#shift(this.#reference)
    if (other.#first <= other.#last) this.#cover(other.#first, other.#last)
    for (let bucket = other.#first; bucket <= other.#last; bucket++) this.#setWeight(bucket, this.#weightOf(bucket) + other.#weightOf(bucket))
    this.#total += other.#total
    this.#first = Math.min(this.#first, other.#first)
    this.#last = Math.max(this.#last, other.#last)
  }

  save(): HistogramCheckpoint {
    let heaviest = 0
    for (let bucket = this.#first; bucket <= this.#last; bucket++) heaviest = Math.max(heaviest, this.#weightOf(bucket))
    const bucketWeights: Record<string, number> = {}
    for (let bucket = this.#first; bucket <= this.#last; bucket++) {
      const weight = round(this.#weightOf(bucket) * (CHECKPOINT_SCALE / heaviest))
      if (weight > 0) bucketWeights[bucket] = weight
    }
    return { referenceTimestamp: this.#reference === YEAR_ONE ? undefined : this.#reference, bucketWeights, totalWeight: this.#total }
  }

  /**
   * Fills an empty histogram from a checkpoint.
   *
   * @throws RangeError in the words of the Go implementation when the checkpoint makes no sense
   */
  load(checkpoint: HistogramCheckpoint | undefined): void {
    if (checkpoint === undefined) throw new RangeError('cannot load from empty checkpoint')
    const { bucketWeights, totalWeight, referenceTimestamp } = checkpoint
    if (totalWeight < 0) throw new RangeError(`cannot load checkpoint with negative weight ${totalWeight}`)
    const stored = Object.entries(bucketWeights).map(([bucket, weight]) => [Number(bucket), weight] as const)
    for (const [bucket, weight] of stored) this.#checkBucket(bucket, weight)

    this.#reference = referenceTimestamp ?? YEAR_ONE
    const sum = stored.reduce((sum, [, weight]) => sum + weight, 0)
    if (sum === 0) return
    for (const [bucket, weight] of stored) {
      this.#setWeight(bucket, weight * (totalWeight / sum))
      this.#first = Math.min(this.#first, bucket)
      this.#last = Math.max(this.#last, bucket)
    }
    this.#total = totalWeight
    // A bucket close to epsilon can fall below it on the way through a checkpoint (kubernetes/autoscaler#7726).
    this.#tighten()
  }

  #checkBucket(bucket: number, weight: number): void {
    const count = this.#buckets.starts.length
    if (!Number.isInteger(bucket)) throw new RangeError('checkpoint has a bucket whose index is no integer')
    if (weight < 0) throw new RangeError(`checkpoint has a negative weight ${weight} in bucket ${bucket}`)
    if (bucket >= count) throw new RangeError(`checkpoint has bucket ${bucket} that is exceeding histogram buckets ${count}`)
    if (bucket < 0) throw new RangeError(`checkpoint has a negative bucket ${bucket}`)
  }

  #decayFactor(at: EpochMs): number {
    if (at > this.#reference + this.#halfLife * MAX_EXPONENT) this.#shift(at)
    return powerOfTwo((at - this.#reference) / this.#halfLife)
  }

  /** Moves the reference to the multiple of the half-life that is nearest to the given time, and scales all weights by a power of two. */
  #shift(to: EpochMs): void {
    const reference = YEAR_ONE + round((to - YEAR_ONE) / this.#halfLife) * this.#halfLife
    const factor = 2 ** round((this.#reference - reference) / this.#halfLife)
    for (let bucket = this.#first; bucket <= this.#last; bucket++) this.#setWeight(bucket, this.#weightOf(bucket) * factor)
    this.#total *= factor
    this.#reference = reference
    this.#tighten()
  }

  #tighten(): void {
    const end = this.#buckets.starts.length - 1
    while (this.#first < end && this.#weightOf(this.#first) < EPSILON) this.#first += 1
    while (this.#last > 0 && this.#weightOf(this.#last) < EPSILON) this.#last -= 1
  }

  #weightOf(bucket: number): number {
    const index = bucket - this.#offset
    // Asking a typed array for what it does not have is slow.
    return index >= 0 && index < this.#weights.length ? (this.#weights[index] ?? 0) : 0
  }

  #setWeight(bucket: number, weight: number): void {
    const index = bucket - this.#offset
    if (index >= 0 && index < this.#weights.length) this.#weights[index] = weight
    else if (weight !== 0) {
      this.#cover(bucket, bucket)
      this.#weights[bucket - this.#offset] = weight
    }
  }

  /** Makes room for these buckets too, in steps, so that the next sample beside them needs no more. */
  #cover(from: number, to: number): void {
    const end = this.#offset + this.#weights.length
    const isEmpty = this.#weights.length === 0
    if (!isEmpty && from >= this.#offset && to < end) return
    const low = Math.floor((isEmpty ? from : Math.min(from, this.#offset)) / STEP) * STEP
    const high = Math.min(Math.ceil((Math.max(to + 1, isEmpty ? 0 : end)) / STEP) * STEP, this.#buckets.starts.length)
    const weights = new Float64Array(high - low)
    weights.set(this.#weights, isEmpty ? 0 : this.#offset - low)
    this.#weights = weights
    this.#offset = low
  }
}

function subtracted(from: number, weight: number): number {
  const rest = from - weight
  return rest < EPSILON ? 0 : rest
}

/** Halves go up, also below zero: what Go's recommender calls round. */
function round(value: number): number {
  return Math.floor(value + 0.5)
}
