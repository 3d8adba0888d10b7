import { type Checkpoint, OPEN_INTERVALS_ANNOTATION } from '@vpa/core/api/checkpoint.ts'
import type { Vpa } from '@vpa/core/api/vpa.ts'
import { loadCheckpoint, sameUsage, saveCheckpoint } from '@vpa/core/history/checkpoint.ts'
import { openIntervals, usageToSave } from '@vpa/core/history/merged-usage.ts'
import { type OpenIntervals, openIntervalsText } from '@vpa/core/history/open-interval.ts'
import type { DurationMs, EpochMs } from '@vpa/core/time.ts'
import type { Cluster } from '@vpa/kube/cluster.ts'
import { workThrough } from '@vpa/kube/work-through.ts'
import type { RecommenderOptions } from './config.ts'
import { LoadedCheckpoints, type LoadedCheckpointsContext, isFetchingHistory, isUsed, vpaOf } from './loaded-checkpoints.ts'
import { retentionOf } from './samples.ts'
import { type Subject, nameOf } from './subject.ts'

export interface CheckpointsContext extends LoadedCheckpointsContext {
  readonly cluster: Pick<Cluster, 'checkpoints' | 'vpas' | 'vpaExists' | 'writeCheckpoint' | 'deleteCheckpoint'>
  readonly signal: AbortSignal
}

/** The checkpoints of VPAs: written by turns, and deleted with what they tell of. Where history comes from Prometheus, neither. */
export class Checkpoints {
  /** What they told when they were read. */
  readonly loaded: LoadedCheckpoints
  readonly #context: CheckpointsContext
  /** By the clock's uptime. */
  readonly #writtenAt = new Map<string, DurationMs>()
  /** By checkpoint, the uid of the VPA that we have written it for: what somebody else has written is replaced once, whatever it says. */
  readonly #writtenFor = new Map<string, string>()
  /** By the clock's uptime. */
  #collectedAt: DurationMs

  constructor(context: CheckpointsContext) {
    this.loaded = new LoadedCheckpoints(context)
    this.#context = context
    this.#collectedAt = context.clock.uptime()
  }

  /**
   * Saves what is known of the VPAs' containers, those first that have waited longest, until the time is up.
   * Each worker saves at least one VPA, so that all have their turn however short the time. A VPA whose target cannot be found has no
   * pods for now: what is known without their usage would replace what was known with it.
   *
   * @param now when the turn began: what came since, such as an OOM, is not in them, however late they are written
   */
  async write(subjects: readonly Subject[], now: EpochMs): Promise<void> {
    const { clock, log, options, prometheus, signal } = this.#context
    if (prometheus) return
    const deadline = clock.uptime() + options.checkpointsTimeout
    const queue = this.#byWaitingTime(subjects.filter(({ vpa, target }) => 'selector' in target && !isFetchingHistory(vpa)))
    let late = false
    await workThrough(queue, options.workers, async (subject) => {
      await this.#save(subject, now)
      this.#writtenAt.set(nameOf(subject.vpa), clock.uptime())
      late ||= clock.uptime() > deadline
      return !late && !signal.aborted
    })
    if (late) log.warn('Failed to store all checkpoints within the configured `checkpoints-timeout`')
  }

  /** Those first that have waited longest: who was never written has waited since the program began. */
  #byWaitingTime(subjects: readonly Subject[]): readonly Subject[] {
    const waiting = subjects.map((subject) => ({ subject, since: this.#writtenAt.get(nameOf(subject.vpa)) ?? 0 }))
    return waiting.toSorted((a, b) => a.since - b.since).map(({ subject }) => subject)
  }

  /**
   * Forgets what checkpoints told of containers that are gone, once it is as old as usage may get; deletes checkpoints that tell
   * of such containers, or whose VPA is gone. VPAs of other recommenders count as existing.
   */
  async collectGarbage(subjects: readonly Subject[]): Promise<void> {
    const { cluster, clock, options, prometheus, signal } = this.#context
    if (clock.uptime() - this.#collectedAt <= options.checkpointsGcInterval) return
    this.#collectedAt = clock.uptime()
    const now = clock.now()
    const subjectOf = new Map(subjects.map((subject) => [nameOf(subject.vpa), subject]))
    this.loaded.forgetExpired(subjectOf, now)
    if (prometheus) return
    for (const name of this.#writtenAt.keys()) if (!subjectOf.has(name)) this.#writtenAt.delete(name)
    // Most checkpoints go with their VPA, which owns them.
    const saved = new Set([...cluster.checkpoints.list()].map(({ namespace, name }) => `${namespace}/${name}`))
    for (const key of this.#writtenFor.keys()) if (!saved.has(key)) this.#writtenFor.delete(key)
    for (const checkpoint of cluster.checkpoints.list()) {
      if (signal.aborted) return
      const subject = subjectOf.get(vpaOf(checkpoint))
      if ((subject && this.#isOfNobody(checkpoint, subject, now)) || (await this.#isOrphan(checkpoint))) await this.#delete(checkpoint)
    }
  }

  /** Whether its VPA is gone. What our copy of the cluster lacks may be a VPA that cannot be read, and will be mended. */
  async #isOrphan(checkpoint: Checkpoint): Promise<boolean> {
    const { cluster, log } = this.#context
    const { namespace, vpaName: name } = checkpoint
    if (cluster.vpas.get(namespace, name) !== undefined) return false
    try {
      return !(await cluster.vpaExists({ namespace, name }))
    } catch (error) {
      log.error('error cleaning checkpoints', { checkpoint: `${namespace}/${checkpoint.name}`, error })
      return false
    }
  }

  /** Whether the VPA has no such container any more. A checkpoint that we cannot read tells us nothing, so it stays. */
  #isOfNobody({ containerName, status, createdAt = 0 }: Checkpoint, subject: Subject, now: EpochMs): boolean {
    const { options } = this.#context
    if (isUsed(subject, containerName) || this.loaded.of(subject.vpa).has(containerName)) return false
    const lastUse = status.lastSampleStart ?? status.lastUpdateTime ?? createdAt
    return now - lastUse >= retentionOf(subject.vpa, containerName, options) && isReadable(status, options)
  }

  async #delete({ namespace, name }: Checkpoint): Promise<void> {
    const { cluster, log } = this.#context
    const fields = { checkpoint: `${namespace}/${name}` }
    log.info('Orphaned VPA checkpoint cleanup - deleting', fields)
    this.#writtenFor.delete(`${namespace}/${name}`)
    await cluster.deleteCheckpoint({ namespace, name }).catch((error: unknown) => log.error('error cleaning checkpoints', { ...fields, error }))
  }

  /**
   * `web-app`, or `web.app` where another container has that: VPA `a` with container `b-c` and VPA `a-b` with container `c` have one
   * name, and would write into each other's history. Whoever reads a checkpoint goes by what it says of itself, not by its name.
   */
  #nameFor({ namespace, name: vpaName }: Vpa, containerName: string): string {
    const { checkpoints } = this.#context.cluster
    const names = [`${vpaName}-${containerName}`, `${vpaName}.${containerName}`] as const
    const own = names.find((name) => {
      const existing = checkpoints.get(namespace, name)
      return existing?.vpaName === vpaName && existing.containerName === containerName
    })
    return own ?? names.find((name) => checkpoints.get(namespace, name) === undefined) ?? names[0]
  }

  async #save({ vpa, groups }: Subject, now: EpochMs): Promise<void> {
    const { cluster, log, options } = this.#context
    const open = openIntervals(groups, now)
    for (const [containerName, usage] of usageToSave(groups, this.loaded.of(vpa), options.halfLives, now)) {
      const name = this.#nameFor(vpa, containerName)
      const status = saveCheckpoint(usage, now)
      const intervals = open.get(containerName) ?? new Map()
      const stored = cluster.checkpoints.get(vpa.namespace, name)
      const key = `${vpa.namespace}/${name}`
      if (stored && this.#writtenFor.get(key) === vpa.uid && tellsAlready(stored, status, intervals)) continue
      const annotations = { ...stored?.annotations, [OPEN_INTERVALS_ANNOTATION]: openIntervalsText(intervals, now) }
      const fields = { vpa: nameOf(vpa), container: containerName }
      try {
        await cluster.writeCheckpoint({ namespace: vpa.namespace, name, vpa, containerName, annotations, status })
        this.#writtenFor.set(key, vpa.uid)
        log.info('Saved checkpoint for VPA', fields)
      } catch (error) {
        log.error('Cannot save checkpoint for VPA', { ...fields, error })
      }
    }
  }
}

function tellsAlready(stored: Checkpoint, status: Checkpoint['status'], intervals: OpenIntervals): boolean {
  const { lastUpdateTime } = stored.status
  return lastUpdateTime !== undefined && sameUsage(stored.status, status) && stored.annotations[OPEN_INTERVALS_ANNOTATION] === openIntervalsText(intervals, lastUpdateTime)
}

function isReadable(status: Checkpoint['status'], { halfLives }: RecommenderOptions): boolean {
  try {
    loadCheckpoint(status, halfLives)
    return true
  } catch {
    return false
  }
}
