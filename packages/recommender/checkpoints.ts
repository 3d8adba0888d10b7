import type { Checkpoint } from '@vpa/core/api/checkpoint.ts'
import type { Vpa } from '@vpa/core/api/vpa.ts'
import type { Aggregate } from '@vpa/core/history/aggregate.ts'
import { loadCheckpoint, saveCheckpoint } from '@vpa/core/history/checkpoint.ts'
import { type UsageByContainer, usageToSave } from '@vpa/core/history/merged-usage.ts'
import type { EpochMs } from '@vpa/core/time.ts'
import type { Clock } from '@vpa/kube/clock.ts'
import type { Cluster } from '@vpa/kube/cluster.ts'
import type { Log } from '@vpa/kube/log.ts'
import type { RecommenderOptions } from './config.ts'
import { type Subject, nameOf } from './subject.ts'
import { workThrough } from './work-through.ts'

export interface CheckpointsContext {
  readonly cluster: Pick<Cluster, 'checkpoints' | 'vpas' | 'writeCheckpoint' | 'deleteCheckpoint'>
  readonly clock: Clock
  readonly log: Log
  readonly options: RecommenderOptions
  readonly signal: AbortSignal
}

/** What VPAs know from before this process: read once for each VPA, then written by turns. */
export class Checkpoints {
  readonly #context: CheckpointsContext
  /** By VPA, also of those without any checkpoint: what we write ourselves must not be read again. */
  readonly #loaded = new Map<string, Map<string, Aggregate>>()
  readonly #writtenAt = new Map<string, EpochMs>()
  #collectedAt: EpochMs

  constructor(context: CheckpointsContext) {
    this.#context = context
    this.#collectedAt = context.clock.now()
  }

  /** Reads the checkpoints of VPAs that were not seen before. One that makes no sense is logged and passed over. */
  load(vpas: readonly Vpa[]): void {
    const unseen = vpas.map(nameOf).filter((name) => !this.#loaded.has(name))
    if (unseen.length === 0) return
    for (const name of unseen) this.#loaded.set(name, new Map())
    const wanted = new Set(unseen)
    for (const checkpoint of this.#context.cluster.checkpoints.list()) {
      if (wanted.has(vpaOf(checkpoint))) this.#load(checkpoint)
    }
  }

  of(vpa: Vpa): UsageByContainer {
    return this.#loaded.get(nameOf(vpa)) ?? new Map()
  }

  /**
   * Saves what is known of the VPAs' containers, those first that have waited longest, until the time is up.
   * Each worker saves at least one VPA, so that all have their turn however short the time.
   */
  async write(subjects: readonly Subject[]): Promise<void> {
    const { clock, log, options, signal } = this.#context
    const deadline = clock.now() + options.checkpointsTimeout
    const queue = subjects.map((subject) => ({ subject, since: this.#writtenAt.get(nameOf(subject.vpa)) ?? -Infinity })).toSorted((a, b) => (a.since < b.since ? -1 : Number(a.since > b.since)))
    let late = false
    await workThrough(queue, options.workers, async ({ subject }) => {
      await this.#save(subject)
      this.#writtenAt.set(nameOf(subject.vpa), clock.now())
      late ||= clock.now() > deadline
      return !late && !signal.aborted
    })
    if (late) log.warn('Failed to store all checkpoints within the configured `checkpoints-timeout`')
  }

  /** Deletes checkpoints whose VPA is gone, and forgets what was read for it. VPAs of other recommenders count as existing. */
  async collectGarbage(): Promise<void> {
    const { cluster, clock, log, options } = this.#context
    if (clock.now() - this.#collectedAt <= options.checkpointsGcInterval) return
    this.#collectedAt = clock.now()
    for (const { namespace, name, vpaName } of cluster.checkpoints.list()) {
      if (cluster.vpas.get(namespace, vpaName) !== undefined) continue
      log.info('Orphaned VPA checkpoint cleanup - deleting', { checkpoint: `${namespace}/${name}` })
      await cluster.deleteCheckpoint({ namespace, name }).catch((error: unknown) => log.error('error cleaning checkpoints', { checkpoint: `${namespace}/${name}`, error }))
    }
    const existing = new Set([...cluster.vpas.list()].map(nameOf))
    for (const name of this.#loaded.keys()) {
      if (existing.has(name)) continue
      this.#loaded.delete(name)
      this.#writtenAt.delete(name)
    }
  }

  #load(checkpoint: Checkpoint): void {
    const { log, options } = this.#context
    try {
      this.#loaded.get(vpaOf(checkpoint))?.set(checkpoint.containerName, loadCheckpoint(checkpoint.status, options.halfLives))
    } catch (error) {
      log.error('Error while loading checkpoint', { vpa: vpaOf(checkpoint), container: checkpoint.containerName, error })
    }
  }

  async #save({ vpa, groups }: Subject): Promise<void> {
    const { cluster, clock, log, options } = this.#context
    const now = clock.now()
    for (const [containerName, usage] of usageToSave(groups, this.of(vpa), options.halfLives, now)) {
      const { namespace, name: vpaName } = vpa
      const fields = { vpa: nameOf(vpa), container: containerName }
      try {
        await cluster.writeCheckpoint({ namespace, name: `${vpaName}-${containerName}`, vpaName, containerName, status: saveCheckpoint(usage, now) })
        log.info('Saved checkpoint for VPA', fields)
      } catch (error) {
        log.error('Cannot save checkpoint for VPA', { ...fields, error })
      }
    }
  }
}

/** As {@link nameOf} its VPA. */
function vpaOf({ namespace, vpaName }: Checkpoint): string {
  return `${namespace}/${vpaName}`
}
