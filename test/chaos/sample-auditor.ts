import { setTimeout as sleep } from 'node:timers/promises'
import type { CheckpointStatus } from '@vpa/core/api/checkpoint.ts'
import { CPU_BUCKETS } from '@vpa/core/history/buckets.ts'
import type { EpochMs } from '@vpa/core/time.ts'
import type { ChaosCluster } from './chaos-cluster.ts'
import type { KeptProgram } from './kept-program.ts'
import { keptCheckpoint } from './kept-state.ts'
import { type SampleCounts, compareSamples, countBy, samplesBetween } from './sample-count.ts'

/** What was measured last is read in the next loop, and saved at its end. */
const PATIENCE_MS = 6000
/** A metrics-server that was restarted measures twice before it tells. */
const MEASUREMENT_WITHIN = 6

/** What has become of the measurements of the steady workload's usage. */
export interface SampleAudit {
  readonly measurements: number
  /** Those that nobody could be sure to read: reads were made to fail, or fewer than two loops ended before the next measurement, so that none need have begun after it. */
  readonly unreadable: number
  /** 1 where the recommender may have read one that the auditor could not read any more: what was measured in the moment before an outage. */
  readonly unseen: 0 | 1
  /** Those that never reached the checkpoint. */
  readonly samplesLost: number
  readonly samplesLostThoughReadable: number
  readonly samplesCountedTwice: number
}

/** Compares what was measured between two checkpoints with what the second one counts beyond the first. */
export class SampleAuditor {
  readonly #cluster: ChaosCluster
  readonly #recommenders: readonly KeptProgram[]
  readonly #before: CheckpointStatus | undefined

  static async begin(cluster: ChaosCluster, recommenders: readonly KeptProgram[]): Promise<SampleAuditor> {
    return new SampleAuditor(cluster, recommenders, (await keptCheckpoint(cluster))?.status)
  }

  private constructor(cluster: ChaosCluster, recommenders: readonly KeptProgram[], before: CheckpointStatus | undefined) {
    this.#cluster = cluster
    this.#recommenders = recommenders
    this.#before = before
  }

  /** @param readFrom until then reads of metrics were made to fail */
  async end(readFrom: EpochMs = 0): Promise<SampleAudit> {
    const { lastSampleStart: begin = 0 } = this.#before ?? {}
    await this.#measuredSince(begin)
    const latest = this.#cluster.measurementsSince(begin).at(-1) ?? begin
    const after = await this.#savedUpTo(latest)
    const { lastSampleStart: last = 0 } = after ?? {}
    // What was saved last was measured, be it that the recommender knew it before we did.
    const measured = [...new Set([...this.#cluster.measurementsSince(begin), ...(last > begin ? [last] : [])])].filter((at) => at <= Math.max(latest, last)).toSorted((a, b) => a - b)
    const unreadable = measured.filter((at, index) => at !== last && (at < readFrom || this.#loopsBetween(at, measured[index + 1] ?? Infinity) < 2))
    const { lost, lostThoughReadable, countedTwice } = compareSamples(this.#countBy(measured), this.#countBy(unreadable), this.#counted(after, begin))
    return {
      measurements: measured.length,
      unreadable: unreadable.length,
      unseen: readFrom > 0 && this.#hasGap([begin, ...measured]) ? 1 : 0,
      samplesLost: lost,
      samplesLostThoughReadable: lostThoughReadable,
      samplesCountedTwice: countedTwice,
    }
  }

  /** In one bucket where all measurements look alike: then one that is lost and another that counts twice cannot be told from two that count once. */
  #countBy(times: readonly EpochMs[]): SampleCounts {
    const { steadyMillicores } = this.#cluster
    return countBy(times, (at) => (steadyMillicores ? CPU_BUCKETS.indexOf(steadyMillicores(at) / 1000) : 0))
  }

  #counted(after: CheckpointStatus | undefined, at: EpochMs): SampleCounts {
    if (this.#cluster.steadyMillicores) return samplesBetween(this.#before, after, at)
    return new Map([[0, (after?.totalSamplesCount ?? 0) - (this.#before?.totalSamplesCount ?? 0)]])
  }

  /** Short scenarios may be over before anything is measured. */
  async #measuredSince(time: EpochMs): Promise<void> {
    for (const end = Date.now() + MEASUREMENT_WITHIN * this.#cluster.metricResolutionMs; this.#cluster.measurementsSince(time).length === 0 && Date.now() < end; ) await sleep(100)
  }

  async #savedUpTo(time: EpochMs): Promise<CheckpointStatus | undefined> {
    for (const end = Date.now() + PATIENCE_MS; ; await sleep(100)) {
      const status = (await keptCheckpoint(this.#cluster))?.status
      if ((status?.lastSampleStart ?? 0) >= time || Date.now() > end) return status
    }
  }

  /** Whether another measurement would have had its time between two of them. */
  #hasGap(times: readonly EpochMs[]): boolean {
    return times.some((at, index) => at - (times[index - 1] ?? at) > 1.5 * this.#cluster.metricResolutionMs)
  }

  #loopsBetween(begin: EpochMs, end: EpochMs): number {
    return this.#recommenders.flatMap(({ loopsEndedAt }) => loopsEndedAt).filter((at) => at >= begin && at < end).length
  }
}
