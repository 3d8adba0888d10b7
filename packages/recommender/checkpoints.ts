import { RESOURCES } from '@vpa/core/amount.ts'
import { type Checkpoint, OPEN_INTERVALS_ANNOTATION } from '@vpa/core/api/checkpoint.ts'
import type { Vpa } from '@vpa/core/api/vpa.ts'
import type { Aggregate } from '@vpa/core/history/aggregate.ts'
import { loadCheckpoint, sameUsage, saveCheckpoint } from '@vpa/core/history/checkpoint.ts'
import { type UsageByContainer, openIntervals, usageToSave } from '@vpa/core/history/merged-usage.ts'
import { type OpenIntervals, openIntervalsText, parseOpenIntervals, peakOf } from '@vpa/core/history/open-interval.ts'
import { countingOf } from '@vpa/core/history/overlap.ts'
import type { PodGroup } from '@vpa/core/history/pod-group.ts'
import type { UsageHistory } from '@vpa/core/history/usage-history.ts'
import type { EpochMs } from '@vpa/core/time.ts'
import type { Clock } from '@vpa/kube/clock.ts'
import type { Cluster } from '@vpa/kube/cluster.ts'
import type { Log } from '@vpa/kube/log.ts'
import { workThrough } from '@vpa/kube/work-through.ts'
import type { RecommenderOptions } from './config.ts'
import type { PrometheusHistory } from './prometheus-history.ts'
import { retentionOf } from './samples.ts'
import { type Subject, nameOf } from './subject.ts'

export interface CheckpointsContext {
  readonly cluster: Pick<Cluster, 'checkpoints' | 'vpas' | 'vpaExists' | 'writeCheckpoint' | 'deleteCheckpoint'>
  readonly clock: Clock
  readonly log: Log
  readonly options: RecommenderOptions
  readonly signal: AbortSignal
  /** Where history comes from instead: then checkpoints are read only for what it lacks, and never written or deleted. */
  readonly prometheus?: Pick<PrometheusHistory, 'lacks'> | undefined
}

/**
 * What VPAs know from before this process: read once for each VPA, then written by turns.
 *
 * A checkpoint is deleted with its VPA, but what it told stays in memory for as long as usage without a new sample does. So a VPA
 * that is deleted and created again goes on where it was, and has its checkpoint back one turn later.
 */
export class Checkpoints {
  readonly #context: CheckpointsContext
  /** By VPA, also of those without any checkpoint: what we write ourselves must not be read again. */
  readonly #loaded = new Map<string, Map<string, Aggregate>>()
  /** Of those, the ones whose checkpoints somebody else writes now: another recommender, or who fetches history. */
  readonly #away = new Set<string>()
  /** Memory intervals of checkpoints that were just read. */
  #open: { readonly checkpoint: Checkpoint; readonly aggregate: Aggregate; readonly intervals: OpenIntervals }[] = []
  readonly #writtenAt = new Map<string, EpochMs>()
  /** By checkpoint, the uid of the VPA that we have written it for: what somebody else has written is replaced once, whatever it says. */
  readonly #writtenFor = new Map<string, string>()
  readonly #startedAt: EpochMs
  #collectedAt: EpochMs

  constructor(context: CheckpointsContext) {
    this.#context = context
    this.#startedAt = context.clock.now()
    this.#collectedAt = this.#startedAt
  }

  /** Reads the checkpoints of VPAs that were not seen before, or that somebody else has written since. One that makes no sense is logged and passed over. */
  load(subjects: readonly Subject[]): void {
    const { cluster, log, prometheus } = this.#context
    const here = new Set(subjects.filter(({ vpa }) => !isFetchingHistory(vpa)).map(({ vpa }) => nameOf(vpa)))
    for (const name of [...cluster.vpas.list()].map(nameOf)) if (!here.has(name) && this.#loaded.has(name)) this.#away.add(name)
    const arrived = new Map(subjects.map((subject) => [nameOf(subject.vpa), subject] as const).filter(([name]) => !this.#loaded.has(name) || (this.#away.has(name) && here.has(name))))
    if (arrived.size === 0) return
    for (const name of arrived.keys()) {
      this.#away.delete(name)
      if (!this.#loaded.has(name)) this.#loaded.set(name, new Map())
    }
    const shared = new Set(subjects.filter(({ vpa }) => !arrived.has(nameOf(vpa))).flatMap(({ groups }) => groups))
    let count = 0
    for (const checkpoint of cluster.checkpoints.list()) {
      const subject = arrived.get(vpaOf(checkpoint))
      if (subject && this.#load(checkpoint, subject, shared)) count += 1
    }
    if (prometheus && count > 0) log.info('Read checkpoints of containers whose history Prometheus lacks', { count })
  }

  /** Goes on with the memory intervals that were open when the checkpoints were written, once the pods are known. Those of pods that are gone count as they are. */
  resumeIntervals(history: UsageHistory, now: EpochMs): void {
    for (const { checkpoint, aggregate, intervals } of this.#open.splice(0)) {
      const { namespace, containerName } = checkpoint
      for (const [podName, interval] of intervals) {
        const tracked = history.container({ namespace, podName, containerName }, now)
        if (tracked === undefined) aggregate.addMemoryPeak(peakOf(interval), interval.windowEnd)
        else tracked.history.resume(tracked.aggregate, interval, now)
      }
    }
  }

  of(vpa: Vpa): UsageByContainer {
    return this.#loaded.get(nameOf(vpa)) ?? new Map()
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
    const queue = subjects.filter(({ vpa, target }) => 'selector' in target && !isFetchingHistory(vpa)).map((subject) => ({ subject, since: this.#writtenAt.get(nameOf(subject.vpa)) ?? -Infinity })).toSorted((a, b) => (a.since < b.since ? -1 : Number(a.since > b.since)))
    let late = false
    await workThrough(queue, options.workers, async ({ subject }) => {
      await this.#save(subject, now)
      this.#writtenAt.set(nameOf(subject.vpa), clock.now())
      late ||= clock.uptime() > deadline
      return !late && !signal.aborted
    })
    if (late) log.warn('Failed to store all checkpoints within the configured `checkpoints-timeout`')
  }

  /**
   * Forgets what checkpoints told of containers that are gone, once it is as old as usage may get; deletes checkpoints that tell
   * of such containers, or whose VPA is gone. VPAs of other recommenders count as existing.
   */
  async collectGarbage(subjects: readonly Subject[]): Promise<void> {
    const { cluster, clock, options, prometheus, signal } = this.#context
    const now = clock.now()
    if (now - this.#collectedAt <= options.checkpointsGcInterval) return
    this.#collectedAt = now
    const subjectOf = new Map(subjects.map((subject) => [nameOf(subject.vpa), subject]))
    this.#forgetExpired(subjectOf, now)
    if (prometheus) return
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

  #forgetExpired(subjectOf: ReadonlyMap<string, Subject>, now: EpochMs): void {
    const { cluster, options } = this.#context
    for (const [name, loaded] of this.#loaded) {
      const subject = subjectOf.get(name)
      for (const [containerName, { span }] of loaded) {
        const expired = now - (span.last ?? this.#startedAt) >= retentionOf(subject?.vpa, containerName, options)
        if (expired && !isUsed(subject, containerName)) loaded.delete(containerName)
      }
    }
    const saved = new Set([...cluster.checkpoints.list()].map(vpaOf))
    const existing = new Set([...cluster.vpas.list()].map(nameOf))
    for (const [name, loaded] of this.#loaded) {
      if (loaded.size > 0 || saved.has(name) || existing.has(name)) continue
      this.#loaded.delete(name)
      this.#away.delete(name)
      this.#writtenAt.delete(name)
    }
  }

  /** Whether the VPA has no such container any more. A checkpoint that we cannot read tells us nothing, so it stays. */
  #isOfNobody({ containerName, status, createdAt = 0 }: Checkpoint, subject: Subject, now: EpochMs): boolean {
    const { options } = this.#context
    if (isUsed(subject, containerName) || this.of(subject.vpa).has(containerName)) return false
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
   * @param shared groups whose usage other VPAs want too
   * @returns whether anything of it was wanted and could be read
   */
  #load(checkpoint: Checkpoint, { groups }: Subject, shared: ReadonlySet<PodGroup>): boolean {
    const { clock, log, options, prometheus } = this.#context
    const { containerName, status, annotations } = checkpoint
    const now = clock.now()
    const resources = prometheus?.lacks(groups, containerName) ?? RESOURCES
    if (resources.length === 0) return false
    try {
      const aggregate = loadCheckpoint(status, options.halfLives, resources)
      const isTaken = this.#take(checkpoint, aggregate, groups.filter((group) => !shared.has(group)))
      const told = parseOpenIntervals(annotations[OPEN_INTERVALS_ANNOTATION], status.lastUpdateTime)
      // One that has ended is a peak like others, of which we have seen as many ourselves.
      const intervals = isTaken ? told : new Map([...told].filter(([, { windowEnd }]) => windowEnd > now))
      if (resources.includes('cpu')) this.#skipCounted(checkpoint, told, groups)
      if (resources.includes('memory')) this.#open.push({ checkpoint, aggregate, intervals })
      return true
    } catch (error) {
      log.error('Error while loading checkpoint', { vpa: vpaOf(checkpoint), container: containerName, error })
      return false
    }
  }

  /**
   * Takes what was saved for what is known of the container, and gives up what we know of the same time.
   *
   * @returns false where we know as much ourselves
   */
  #take(checkpoint: Checkpoint, saved: Aggregate, groups: readonly PodGroup[]): boolean {
    const { containerName } = checkpoint
    const loaded = this.#loaded.get(vpaOf(checkpoint))
    const before = loaded?.get(containerName)
    const own = groups.flatMap(({ aggregates }) => aggregates.get(containerName)?.aggregate ?? [])
    const counting = countingOf([...own, ...(before ? [before] : [])].map(({ span }) => span), saved.span)
    if (counting === 'own') return false
    loaded?.set(containerName, saved)
    if (counting === 'saved') for (const group of groups) group.forgetUsage(containerName, this.#context.clock.now())
    return true
  }

  /**
   * Of a pod that no interval is told of, what is known is the latest sample of all the container's pods. They are measured at about the same
   * time, by clocks of their nodes that may be ahead: what would hold up all others for as long is no later than the checkpoint, nor than now.
   */
  #skipCounted({ containerName, status: { lastSampleStart = -Infinity, lastUpdateTime = Infinity } }: Checkpoint, intervals: OpenIntervals, groups: Subject['groups']): void {
    const latest = Math.min(lastSampleStart, lastUpdateTime, this.#context.clock.now())
    for (const { pods } of groups) for (const [podName, { containers }] of pods) containers.get(containerName)?.skipCpuUntil(intervals.get(podName)?.lastCpuAt ?? latest)
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
    for (const [containerName, usage] of usageToSave(groups, this.of(vpa), options.halfLives, now)) {
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

/** As {@link nameOf} its VPA. */
function vpaOf({ namespace, vpaName }: Checkpoint): string {
  return `${namespace}/${vpaName}`
}

/** Somebody is still filling this VPA's history; what is known so far would replace what was known before. */
function isFetchingHistory({ status }: Vpa): boolean {
  return (status.conditions ?? []).some((condition) => condition.type === 'FetchingHistory' && condition.status === 'True')
}

function isUsed(subject: Subject | undefined, containerName: string): boolean {
  return subject?.groups.some(({ aggregates }) => aggregates.has(containerName)) === true
}

function isReadable(status: Checkpoint['status'], { halfLives }: RecommenderOptions): boolean {
  try {
    loadCheckpoint(status, halfLives)
    return true
  } catch {
    return false
  }
}
