import { RESOURCES } from '@vpa/core/amount.ts'
import { type Checkpoint, OPEN_INTERVALS_ANNOTATION } from '@vpa/core/api/checkpoint.ts'
import type { Vpa } from '@vpa/core/api/vpa.ts'
import type { Aggregate } from '@vpa/core/history/aggregate.ts'
import { loadCheckpoint } from '@vpa/core/history/checkpoint.ts'
import type { UsageByContainer } from '@vpa/core/history/merged-usage.ts'
import { type OpenIntervals, parseOpenIntervals, peakOf } from '@vpa/core/history/open-interval.ts'
import { countingOf, endsBefore } from '@vpa/core/history/overlap.ts'
import type { PodGroup } from '@vpa/core/history/pod-group.ts'
import type { UsageHistory } from '@vpa/core/history/usage-history.ts'
import type { EpochMs } from '@vpa/core/time.ts'
import type { Clock } from '@vpa/kube/clock.ts'
import type { Cluster } from '@vpa/kube/cluster.ts'
import type { Log } from '@vpa/kube/log.ts'
import type { RecommenderOptions } from './config.ts'
import type { PrometheusHistory } from './prometheus-history.ts'
import { retentionOf } from './samples.ts'
import { type Subject, nameOf } from './subject.ts'

export interface LoadedCheckpointsContext {
  readonly cluster: Pick<Cluster, 'checkpoints' | 'vpas'>
  readonly clock: Clock
  readonly log: Log
  readonly options: RecommenderOptions
  /** Where history comes from instead: then checkpoints are read only for what it lacks. */
  readonly prometheus?: Pick<PrometheusHistory, 'lacks'> | undefined
}

/**
 * What VPAs know from before this process: read once for each VPA, and again when somebody else has written its checkpoints meanwhile.
 *
 * A checkpoint is deleted with its VPA, but what it told stays in memory for as long as usage without a new sample does. So a VPA
 * that is deleted and created again goes on where it was, and has its checkpoint back one turn later.
 */
export class LoadedCheckpoints {
  readonly #context: LoadedCheckpointsContext
  /** Also of VPAs without any checkpoint: what we write ourselves must not be read again. */
  readonly #byVpa = new Map<string, Map<string, Aggregate>>()
  /** Of those, the ones whose checkpoints somebody else writes now: another recommender, or who fetches history. */
  readonly #away = new Set<string>()
  /** Memory intervals of checkpoints that were just read. */
  #open: { readonly checkpoint: Checkpoint; readonly aggregate: Aggregate; readonly intervals: OpenIntervals }[] = []
  readonly #startedAt: EpochMs

  constructor(context: LoadedCheckpointsContext) {
    this.#context = context
    this.#startedAt = context.clock.now()
  }

  /** Reads the checkpoints of VPAs that were not seen before, or that somebody else has written since. One that makes no sense is logged and passed over. */
  read(subjects: readonly Subject[]): void {
    const { cluster, log, prometheus } = this.#context
    const here = new Set(subjects.filter(({ vpa }) => !isFetchingHistory(vpa)).map(({ vpa }) => nameOf(vpa)))
    for (const name of [...cluster.vpas.list()].map(nameOf)) if (!here.has(name) && this.#byVpa.has(name)) this.#away.add(name)
    const arrived = new Map(subjects.map((subject) => [nameOf(subject.vpa), subject] as const).filter(([name]) => !this.#byVpa.has(name) || (this.#away.has(name) && here.has(name))))
    if (arrived.size === 0) return
    for (const name of arrived.keys()) {
      this.#away.delete(name)
      if (!this.#byVpa.has(name)) this.#byVpa.set(name, new Map())
    }
    const shared = new Set(subjects.filter(({ vpa }) => !arrived.has(nameOf(vpa))).flatMap(({ groups }) => groups))
    let count = 0
    for (const checkpoint of cluster.checkpoints.list()) {
      const subject = arrived.get(vpaOf(checkpoint))
      if (subject && this.#read(checkpoint, subject, shared)) count += 1
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
    return this.#byVpa.get(nameOf(vpa)) ?? new Map()
  }

  /** Forgets what was told of containers that are gone, once it is as old as usage may get. */
  forgetExpired(subjectOf: ReadonlyMap<string, Subject>, now: EpochMs): void {
    const { cluster, options } = this.#context
    for (const [name, loaded] of this.#byVpa) {
      const subject = subjectOf.get(name)
      for (const [containerName, { span }] of loaded) {
        const expired = now - (span.last ?? this.#startedAt) >= retentionOf(subject?.vpa, containerName, options)
        if (expired && !isUsed(subject, containerName)) loaded.delete(containerName)
      }
    }
    const saved = new Set([...cluster.checkpoints.list()].map(vpaOf))
    const existing = new Set([...cluster.vpas.list()].map(nameOf))
    for (const [name, loaded] of this.#byVpa) {
      if (loaded.size > 0 || saved.has(name) || existing.has(name)) continue
      this.#byVpa.delete(name)
      this.#away.delete(name)
    }
  }

  /**
   * @param shared groups whose usage other VPAs want too
   * @returns whether anything of it was wanted and could be read
   */
  #read(checkpoint: Checkpoint, { groups }: Subject, shared: ReadonlySet<PodGroup>): boolean {
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
    const loaded = this.#byVpa.get(vpaOf(checkpoint))
    const before = loaded?.get(containerName)
    const own = groups.flatMap(({ aggregates }) => aggregates.get(containerName)?.aggregate ?? [])
    const counting = countingOf([...own, ...(before ? [before] : [])].map(({ span }) => span), saved.span)
    if (counting === 'own') return false
    // What was told before is in what is told now, or gives way to it, unless neither can have a sample of the other.
    if (before && endsBefore(saved.span, before.span)) saved.merge(before)
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
}

/** As {@link nameOf} its VPA. */
export function vpaOf({ namespace, vpaName }: Checkpoint): string {
  return `${namespace}/${vpaName}`
}

/** Somebody is still filling this VPA's history; what is known so far would replace what was known before. */
export function isFetchingHistory({ status }: Vpa): boolean {
  return (status.conditions ?? []).some((condition) => condition.type === 'FetchingHistory' && condition.status === 'True')
}

export function isUsed(subject: Subject | undefined, containerName: string): boolean {
  return subject?.groups.some(({ aggregates }) => aggregates.has(containerName)) === true
}
