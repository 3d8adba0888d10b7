import { type Amount, MAX_USAGE, amountOf, isUsage } from '../amount.ts'
import type { EpochMs } from '../time.ts'
import type { Aggregate } from './aggregate.ts'
import type { AggregationOptions } from './aggregation-options.ts'
import { type OpenInterval, peakOf } from './open-interval.ts'

/**
 * What is remembered of one container of one pod, so that each sample counts once and each memory interval
 * gives one peak, its highest (upstream: model.ContainerState).
 */
export class ContainerHistory {
  #lastCpuAt: EpochMs = -Infinity
  #lastMemoryAt: EpochMs = -Infinity
  /** The end of the current memory interval. */
  #windowEnd: EpochMs | undefined
  /** The highest usage seen in the current interval, and the highest that an OOM made us assume. */
  #usagePeak: Amount = 0
  #oomPeak: Amount = 0

  /** @returns false when the sample is no usage, or not newer than the one before */
  addCpu(aggregate: Aggregate, millicores: Amount, at: EpochMs): boolean {
    if (!isUsage(millicores) || !(at > this.#lastCpuAt)) return false
    aggregate.addCpu(millicores, at)
    this.#lastCpuAt = at
    return true
  }

  /** @returns false when the sample is no usage, or older than the one before */
  addMemory(aggregate: Aggregate, sample: { readonly bytes: Amount; readonly at: EpochMs }, options: AggregationOptions): boolean {
    if (!isUsage(sample.bytes) || !(sample.at >= this.#lastMemoryAt)) return false
    if (this.#replacesPeak(aggregate, sample, options)) this.#usagePeak = sample.bytes
    return true
  }

  /**
   * The container was killed for want of memory: it needs more than it had. What an earlier OOM made us assume is left out,
   * or OOMs in a row would raise it without end. Killed at 1 MiB, it is taken to need 101 MiB; at 1000 MiB, 1200 MiB.
   *
   * @param requested bytes
   * @returns the bytes that it is taken to need, undefined when the OOM is more than an interval older than the last sample
   */
  recordOom(aggregate: Aggregate, { requested, at }: { readonly requested: Amount; readonly at: EpochMs }, options: AggregationOptions): Amount | undefined {
    if (at < this.#lastMemoryAt - options.memoryInterval) return undefined
    const used = Math.max(requested, this.#usagePeak)
    const bytes = Math.min(Math.max(used + options.oomMinBumpUp, amountOf(used * options.oomBumpUpRatio)), MAX_USAGE)
    if (this.#replacesPeak(aggregate, { bytes, at }, options)) this.#oomPeak = bytes
    return bytes
  }

  /** The interval, as long as it has not ended; it is not part of a checkpoint, or it would count twice after a restart. */
  openInterval(now: EpochMs): OpenInterval | undefined {
    if (this.#windowEnd === undefined || now >= this.#windowEnd) return undefined
    return { windowEnd: this.#windowEnd, usagePeak: this.#usagePeak, oomPeak: this.#oomPeak, lastCpuAt: Number.isFinite(this.#lastCpuAt) ? this.#lastCpuAt : undefined }
  }

  /** The interval's peak so far goes along to another aggregate: a higher one will replace it there. */
  moveInterval(from: Aggregate, to: Aggregate, now: EpochMs): void {
    const interval = this.openInterval(now)
    if (interval === undefined) return
    from.subtractMemoryPeak(peakOf(interval), interval.windowEnd)
    to.addMemoryPeak(peakOf(interval), interval.windowEnd)
  }

  /** Refuses CPU samples up to then: they were counted before a restart, and the latest of them is told until there is another. */
  skipCpuUntil(at: EpochMs): void {
    this.#lastCpuAt = Math.max(this.#lastCpuAt, at)
  }

  /**
   * Goes on with an interval from before a restart. Where a sample has begun one here already, as when a VPA comes from another recommender,
   * the interval has the higher peaks of both; one that has ended is another peak.
   */
  resume(aggregate: Aggregate, interval: OpenInterval, now: EpochMs): void {
    const windowEnd = this.#windowEnd ?? interval.windowEnd
    if (windowEnd !== interval.windowEnd && interval.windowEnd <= now) return aggregate.addMemoryPeak(peakOf(interval), interval.windowEnd)
    if (this.#windowEnd !== undefined) {
      if (peakOf(interval) <= this.#peak()) return
      aggregate.subtractMemoryPeak(this.#peak(), windowEnd)
    }
    this.#windowEnd = windowEnd
    this.#usagePeak = Math.max(this.#usagePeak, interval.usagePeak)
    this.#oomPeak = Math.max(this.#oomPeak, interval.oomPeak)
    aggregate.addMemoryPeak(this.#peak(), windowEnd)
  }

  /** Makes the sample the interval's peak where it is, and tells whether it was. */
  #replacesPeak(aggregate: Aggregate, { bytes, at }: { readonly bytes: Amount; readonly at: EpochMs }, { memoryInterval }: AggregationOptions): boolean {
    this.#lastMemoryAt = at
    let windowEnd = this.#windowEnd ?? at
    if (at < windowEnd) {
      const peak = this.#peak()
      // An interval that began with 0 bytes keeps its peak of 0: upstream takes it for an interval without a peak.
      if (peak === 0 || bytes <= peak) return false
      aggregate.subtractMemoryPeak(peak, windowEnd)
    } else {
      windowEnd += Math.trunc((at - windowEnd) / memoryInterval) * memoryInterval + memoryInterval
      this.#usagePeak = 0
      this.#oomPeak = 0
    }
    this.#windowEnd = windowEnd
    aggregate.addMemoryPeak(bytes, windowEnd)
    return true
  }

  #peak(): Amount {
    return Math.max(this.#usagePeak, this.#oomPeak)
  }
}
