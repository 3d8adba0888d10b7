import type { EvictionEvent } from '@vpa/core/api/eviction-event.ts'
import type { Pod } from '@vpa/core/api/pod.ts'
import type { Vpa } from '@vpa/core/api/vpa.ts'
import { overridesIn } from '@vpa/core/history/aggregation-options.ts'
import { type UsageByContainer, mergedUsage } from '@vpa/core/history/merged-usage.ts'
import { type Oom, oomsBetween, oomsOfEviction, oomsToldBy } from '@vpa/core/history/oom.ts'
import type { PodFacts } from '@vpa/core/history/pod-group.ts'
import { UsageHistory } from '@vpa/core/history/usage-history.ts'
import type { Surroundings } from '@vpa/core/recommend/obstacles.ts'
import { isResponsible } from '@vpa/core/recommend/responsibility.ts'
import { formatSelector } from '@vpa/core/selector.ts'
import { type DurationMs, type EpochMs, HOUR, MINUTE } from '@vpa/core/time.ts'
import type { Clock } from '@vpa/kube/clock.ts'
import type { Cluster, ContainerUsage } from '@vpa/kube/cluster.ts'
import type { Watched } from '@vpa/kube/informers.ts'
import type { Log } from '@vpa/kube/log.ts'
import { workThrough } from '@vpa/kube/work-through.ts'
import { Checkpoints } from './checkpoints.ts'
import type { RecommenderOptions } from './config.ts'
import type { Recorder } from './dashboard/recorder.ts'
import { externalUsage } from './external-usage.ts'
import type { Metrics, VpaFacts } from './metrics.ts'
import { Neighbourhood } from './neighbourhood.ts'
import { Overdue } from './overdue.ts'
import type { PrometheusHistory } from './prometheus-history.ts'
import { publish, recommendationFor } from './publication.ts'
import type { QualityMetrics } from './quality-metrics.ts'
import { type SampleContext, addOoms, addUsage, retentionOf } from './samples.ts'
import { type Subject, SubjectIndex, nameOf, podCountOf, subjectsOf } from './subject.ts'
import { WaitingOoms } from './waiting-ooms.ts'

export interface RecommenderContext {
  readonly cluster: Cluster
  readonly clock: Clock
  readonly log: Log
  readonly options: RecommenderOptions
  readonly metrics: Metrics
  readonly quality: QualityMetrics
  /** Where history comes from, instead of checkpoints. */
  readonly prometheus?: PrometheusHistory | undefined
  /** What the dashboard shows over time; undefined where there is none. */
  readonly recorder?: Recorder | undefined
  /** Once it is aborted, a turn ends with the VPAs that are being written. */
  readonly signal: AbortSignal
}

/**
 * Of so many different labels may pods of a namespace be that are gone and that no VPA wants: a VPA may come that does. They take 40 MB.
 * Two jobs that run each minute leave 23,000 in the 8 days for which history is kept.
 */
const MOST_LEFT_BEHIND = 25_000

/** What the recommender reads of the cluster. */
export function watchedBy({ explainConditions }: Pick<RecommenderOptions, 'explainConditions'>): Watched {
  return {
    vpas: true,
    pods: { fieldSelector: 'status.phase!=Pending' },
    checkpoints: true,
    workloads: true,
    evictions: true,
    ...(explainConditions && { horizontalAutoscalers: true, nodes: true, limitRanges: 'optional', resourceQuotas: true }),
  }
}

/** The loop: read -> history -> recommend -> write. One VPA that cannot be handled never holds up others. */
export class Recommender {
  readonly #context: RecommenderContext
  readonly #history: UsageHistory
  readonly #checkpoints: Checkpoints
  readonly #overdue = new Overdue()
  readonly #ooms = new WaitingOoms()
  /** What pods told of when they were first seen, before the first turn. */
  readonly #earlierOoms = new WaitingOoms()
  /** By the clock's uptime. */
  /** By namespace, how many groups were dropped since that was last told. */
  readonly #crowdedOut = new Map<string, number>()
  #garbageDroppedAt: DurationMs = -Infinity
  /** Of the last turn. */
  #subjects: readonly Subject[] = []
  #turnedAt: EpochMs | undefined
  #neighbourhood: Neighbourhood | undefined

  constructor(context: RecommenderContext) {
    this.#context = context
    this.#history = new UsageHistory(context.options.halfLives)
    this.#checkpoints = new Checkpoints(context)
    const { vpas, pods, evictions } = context.cluster
    vpas.subscribe(({ before, now }) => now && now.generation !== before?.generation && this.#tellIgnored(now))
    pods.subscribe(({ before, now }) => {
      if (before && now) this.#ooms.add(oomsBetween(before, now))
      else if (now && this.#turnedAt === undefined) this.#earlierOoms.add(oomsToldBy(now))
    })
    // An event that has been there is told again with a higher count.
    evictions.subscribe(({ before, now }) => now && !before && this.#rememberEviction(now))
  }

  /** Before the first turn. It takes as long as Prometheus does; what fails is made up for with checkpoints. */
  async loadHistory(): Promise<void> {
    const { cluster, clock, metrics, options, prometheus } = this.#context
    if (prometheus === undefined) return
    const index = new SubjectIndex(subjectsOf(cluster, options.name))
    const keeps = (pod: PodFacts) => !options.memorySaver || index.matches(pod)
    metrics.countSamples(await prometheus.load({ history: this.#history, pods: cluster.pods, keeps, aggregation: options.aggregation, now: clock.now() }))
  }

  /** One turn; its steps bear upstream's names in the metric of their durations. */
  async tick(): Promise<void> {
    const { cluster, clock, log, metrics } = this.#context
    const now = clock.now()
    log.info('Recommender Run')
    const loop = metrics.startLoop()
    const subjects = this.#loadVpas()
    const index = new SubjectIndex(subjects)
    loop.endStep('LoadVPAs')
    this.#loadPods(index, now)
    this.#checkpoints.loaded.read(subjects)
    this.#checkpoints.loaded.resumeIntervals(this.#history, now)
    this.#dropCountedOoms(index, now)
    loop.endStep('LoadPods')
    await this.#loadUsage(subjects, index, now)
    this.#subjects = subjects
    this.#turnedAt = now
    loop.endStep('LoadMetrics')
    this.#history.deletePodsExcept((namespace, name) => cluster.pods.get(namespace, name) !== undefined)
    loop.endStep('DeleteRemovedPods')
    await this.#updateVpas(subjects, now)
    loop.endStep('UpdateVPAs')
    await this.#checkpoints.write(subjects, now)
    await this.#checkpoints.collectGarbage(subjects)
    loop.endStep('MaintainCheckpoints')
    this.#dropCrowds(index)
    this.#dropGarbage(index, now)
    loop.endStep('GarbageCollect')
    loop.end()
    log.info('ClusterState is tracking', { vpas: subjects.length, pods: cluster.pods.size, aggregateContainerStates: this.#history.aggregateCount() })
  }

  /** When the last turn began; undefined before the first one. */
  get turnedAt(): EpochMs | undefined {
    return this.#turnedAt
  }

  /** All that is known of a VPA's containers; undefined for one that no turn has seen yet. */
  usageOf(vpa: Vpa): UsageByContainer | undefined {
    const subject = this.#subjectOf(vpa)
    return subject && mergedUsage(subject.groups, this.#checkpoints.loaded.of(subject.vpa), this.#context.options.halfLives)
  }

  /** What the last turn found around a VPA; undefined for one that no turn has seen yet, and where nothing is explained. */
  surroundingsOf(vpa: Vpa, pods: readonly Pod[]): Surroundings | undefined {
    return this.#subjectOf(vpa) && this.#neighbourhood?.around(vpa, pods)
  }

  #subjectOf({ uid }: Vpa): Subject | undefined {
    return this.#subjects.find(({ vpa }) => vpa.uid === uid)
  }

  #rememberEviction(event: EvictionEvent): void {
    const { namespace, name, offendersLeftOut } = event
    if (offendersLeftOut > 0) this.#context.log.warn('An event of an eviction names more containers than a pod has: only the first are looked at', { event: `${namespace}/${name}`, leftOut: offendersLeftOut })
    this.#ooms.add(oomsOfEviction(event))
  }

  #taken(waiting: WaitingOoms): readonly Oom[] {
    const { ooms, dropped } = waiting.take()
    if (dropped > 0) this.#context.log.warn('Too many OOMs since the last turn: the oldest of the namespaces with most of them are not counted', { dropped })
    return ooms
  }

  /**
   * What was seen while another replica led is in the checkpoints that it wrote, except what came after the turn that wrote each. Kubelets
   * tell a little late, and by their own clocks; an OOM that counts twice within a memory interval changes nothing. Of what came before we
   * started, only the time counts in which no recommender looked after the container.
   */
  #dropCountedOoms(index: SubjectIndex, now: EpochMs): void {
    if (this.#turnedAt !== undefined) return
    const saved = [...this.#context.cluster.checkpoints.list()]
    const savedAt = new Map(saved.map(({ namespace, vpaName, containerName, status }) => [`${namespace}/${vpaName}/${containerName}`, status.lastUpdateTime]))
    /** @param unlessSaved until when OOMs are taken to be counted where the container has no checkpoint */
    const isNew = (oom: Oom, unlessSaved: EpochMs) => {
      // Of a pod that is gone, no history can be told of it any more.
      const group = this.#history.container(oom, now)?.group
      const countedUntil = savedAt.get(`${oom.namespace}/${group && index.ofGroup(group)?.vpa.name}/${oom.containerName}`) ?? unlessSaved
      return group !== undefined && oom.at > countedUntil - MINUTE
    }
    const earlier = this.#taken(this.#earlierOoms).filter((oom) => isNew(oom, Infinity))
    const since = this.#taken(this.#ooms).filter((oom) => isNew(oom, -Infinity))
    this.#ooms.add([...earlier, ...since])
  }

  #loadVpas(): readonly Subject[] {
    const { cluster, log, options } = this.#context
    const subjects = subjectsOf(cluster, options.name)
    log.info('Fetched VPAs', { count: subjects.length })
    for (const { vpa, target } of subjects) {
      if ('selector' in target) log.info('Using selector', { vpa: nameOf(vpa), selector: formatSelector(target.selector) })
      else log.warn("Cannot get target selector from VPA's targetRef", { vpa: nameOf(vpa), why: target.unsupported })
    }
    return subjects
  }

  /** A field that needs a gate looks as if it had an effect; its users learn of it once per change. */
  #tellIgnored(vpa: Vpa): void {
    const { log, options } = this.#context
    if (options.perVpaConfig || !isResponsible(options.name, vpa)) return
    for (const policy of vpa.spec.resourcePolicy?.containerPolicies ?? []) {
      for (const field of overridesIn(policy)) log.info('A field of a container policy is ignored: feature gate PerVPAConfig is off', { vpa: nameOf(vpa), container: policy.containerName, field })
    }
  }

  #loadPods(index: SubjectIndex, now: EpochMs): void {
    const { cluster, metrics } = this.#context
    const read = { fromStatus: 0, fromSpec: 0 }
    for (const pod of cluster.pods.list()) {
      if (!this.#isKeptWithoutVpa(pod) && !index.matches(pod)) continue
      this.#history.setPod(pod, now)
      for (const { name } of pod.containers) read[isReported(pod, name) ? 'fromStatus' : 'fromSpec'] += 1
    }
    metrics.countResourceReads(read)
    index.link(this.#history.groups())
  }

  /**
   * Whether there is history of a pod that no VPA matches, because one may come that does. Not of one that had succeeded before any turn saw it,
   * such as a job's: no sample of it can come any more. Failed ones are kept: an OOM that ended or evicted them is told afterwards.
   */
  #isKeptWithoutVpa({ namespace, name, phase }: Pod): boolean {
    if (this.#context.options.memorySaver) return false
    return phase !== 'Succeeded' || this.#history.hasPod(namespace, name)
  }

  async #loadUsage(subjects: readonly Subject[], index: SubjectIndex, now: EpochMs): Promise<void> {
    const { cluster, log, metrics, recorder } = this.#context
    const context: SampleContext = { ...this.#context, history: this.#history, pods: cluster.pods, index, now }
    const usage = await this.#readUsage(subjects)
    if (usage) {
      const tally = addUsage(context, usage)
      metrics.countSamples(tally)
      log.info('ClusterSpec fed with ContainerUsageSamples', { ...tally })
    }
    const ooms = this.#taken(this.#ooms)
    addOoms(context, ooms)
    try {
      recorder?.turn({ subjects, ooms, pods: cluster.pods, now })
    } catch (error) {
      log.error('Cannot record a turn for the dashboard', { error })
    }
    metrics.aggregates(this.#history.aggregateCount())
  }

  /** @returns undefined when the metrics API cannot be read: the turn goes on with what is known */
  async #readUsage(subjects: readonly Subject[]): Promise<readonly ContainerUsage[] | undefined> {
    const { cluster, log, metrics, options: { externalMetrics: options, workers } } = this.#context
    try {
      const usage = await (options === undefined ? cluster.usage() : externalUsage(subjects, { ...this.#context, options, workers }))
      metrics.metricsServerResponse(false)
      log.info('podMetrics retrieved for all namespaces', { containers: usage.length })
      return usage
    } catch (error) {
      metrics.metricsServerResponse(true)
      log.error('Cannot get ContainerMetricsSnapshot from MetricsClient', { error })
      return undefined
    }
  }

  async #updateVpas(subjects: readonly Subject[], now: EpochMs): Promise<void> {
    const { clock, cluster, log, metrics, options, signal } = this.#context
    this.#neighbourhood = options.explainConditions ? new Neighbourhood(cluster) : undefined
    const context = { ...this.#context, neighbourhood: this.#neighbourhood, now }
    const facts: VpaFacts[] = []
    await workThrough(subjects, options.workers, async (subject) => {
      const { vpa, target, groups } = subject
      try {
        const usage = mergedUsage(groups, this.#checkpoints.loaded.of(vpa), options.halfLives)
        const recommendation = recommendationFor(vpa, usage, options)
        facts.push({ vpa, hasRecommendation: recommendation.length > 0, matchesPods: podCountOf(subject) > 0, unsupported: 'unsupported' in target })
        await publish({ subject, usage, recommendation }, context)
      } catch (error) {
        log.error('Cannot update VPA', { vpa: nameOf(vpa), error })
      }
      return !signal.aborted
    })
    metrics.countVpas(facts)
    const waiting = facts.filter(({ hasRecommendation }) => !hasRecommendation).map(({ vpa }) => nameOf(vpa))
    for (const vpa of this.#overdue.among(waiting, clock.uptime())) log.warn('VPA is missing recommendation for more than 30m0s', { vpa })
  }

  #dropCrowds(index: SubjectIndex): void {
    const dropped = this.#history.dropCrowds((group) => index.ofGroup(group) !== undefined, MOST_LEFT_BEHIND)
    this.#context.metrics.crowdedOut(dropped.length)
    for (const { namespace } of dropped) this.#crowdedOut.set(namespace, (this.#crowdedOut.get(namespace) ?? 0) + 1)
  }

  #dropGarbage(index: SubjectIndex, now: EpochMs): void {
    const { clock, log, options } = this.#context
    if (clock.uptime() - this.#garbageDroppedAt < HOUR) return
    this.#garbageDroppedAt = clock.uptime()
    log.info('Garbage collection of AggregateCollectionStates triggered')
    for (const [namespace, groups] of this.#crowdedOut) log.warn('Pods of too many different labels have come and gone: the oldest history that no VPA wants was dropped', { namespace, groups, mostKept: MOST_LEFT_BEHIND })
    this.#crowdedOut.clear()
    const dropped = this.#history.dropGarbage(now, {
      isWanted: (group) => index.ofGroup(group) !== undefined,
      keepFor: (group, containerName) => retentionOf(index.ofGroup(group)?.vpa, containerName, options),
    })
    for (const { group, containerName, why } of dropped) {
      const message = why === 'expired' ? 'Removing expired AggregateCollectionState' : 'Removing empty and not contributive AggregateCollectionState'
      log.info(message, { namespace: group.namespace, labels: group.labels, container: containerName })
    }
  }
}

function isReported({ containerStatuses }: Pod, containerName: string): boolean {
  return containerStatuses.find(({ name }) => name === containerName)?.resources !== undefined
}
