import { setTimeout as sleep } from 'node:timers/promises'
import type { CheckpointStatus } from '@vpa/core/api/checkpoint.ts'
import type { EpochMs } from '@vpa/core/time.ts'
import type { ChaosCluster } from './chaos-cluster.ts'
import type { KeptProgram } from './kept-program.ts'
import { keptCheckpoint } from './kept-state.ts'

/** What was measured last is read in the next loop, and saved at its end. */
const PATIENCE_MS = 6000

/** What has become of the measurements of the steady workload's usage. */
export interface SampleAudit {
  readonly measurements: number
  /** Those that nobody could be sure to read: reads were made to fail, or fewer than two loops ended before the next measurement, so that none need have begun after it. */
  readonly unreadable: number
  /** Those that never reached the checkpoint. */
  readonly samplesLost: number
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
    const { lastSampleStart: begin = 0, totalSamplesCount: countBefore = 0 } = this.#before ?? {}
    const latest = this.#cluster.measurementsSince(begin).at(-1) ?? begin
    const { last, count } = await this.#savedUpTo(latest)
    // What was saved last was measured, be it that the recommender knew it before we did.
    const measured = [...new Set([...this.#cluster.measurementsSince(begin), ...(last > begin ? [last] : [])])].filter((at) => at <= Math.max(latest, last)).toSorted((a, b) => a - b)
    const counted = count - countBefore
    return {
      measurements: measured.length,
      unreadable: measured.filter((at, index) => at !== last && (at < readFrom || this.#loopsBetween(at, measured[index + 1] ?? Infinity) < 2)).length,
      samplesLost: Math.max(0, measured.length - counted),
      samplesCountedTwice: Math.max(0, counted - measured.length),
    }
  }

  async #savedUpTo(time: EpochMs): Promise<{ readonly last: EpochMs; readonly count: number }> {
    for (const end = Date.now() + PATIENCE_MS; ; await sleep(100)) {
      const { lastSampleStart: last = 0, totalSamplesCount: count = 0 } = (await keptCheckpoint(this.#cluster))?.status ?? {}
      if (last >= time || Date.now() > end) return { last, count }
    }
  }

  #loopsBetween(begin: EpochMs, end: EpochMs): number {
    return this.#recommenders.flatMap(({ loopsEndedAt }) => loopsEndedAt).filter((at) => at >= begin && at < end).length
  }
}
