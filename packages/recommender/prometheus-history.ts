import { RESOURCES, type Resource, amountOf } from '@vpa/core/amount.ts'
import type { Pod } from '@vpa/core/api/pod.ts'
import type { Aggregate } from '@vpa/core/history/aggregate.ts'
import type { AggregationOptions } from '@vpa/core/history/aggregation-options.ts'
import type { PodFacts, PodGroup } from '@vpa/core/history/pod-group.ts'
import type { ContainerId, TrackedContainer, UsageHistory } from '@vpa/core/history/usage-history.ts'
import type { EpochMs } from '@vpa/core/time.ts'
import type { Store } from '@vpa/kube/cluster.ts'
import type { Log } from '@vpa/kube/log.ts'
import type { Point, Prometheus, QueryOutcome, RangeQuery, Series } from '@vpa/kube/prometheus.ts'
import type { PrometheusHistoryOptions } from './prometheus-options.ts'
import { PrometheusPodLabels } from './prometheus-pod-labels.ts'
import { type SampleResult, type SampleTally, emptyTally, refusalOf } from './samples.ts'

/** More points of one series Prometheus refuses to give at once. */
const MOST_POINTS = 11_000
/** Of all queries together. */
const MOST_WARNINGS = 20

export interface PrometheusHistoryContext {
  readonly prometheus: Pick<Prometheus, 'query' | 'queryRange'>
  readonly options: PrometheusHistoryOptions
  readonly log: Log
  /** Once it is aborted, nothing more is asked. */
  readonly signal: AbortSignal
}

/** Where the history goes, and what is known of the pods it is about. */
export interface HistoryToFill {
  readonly history: UsageHistory
  readonly pods: Pick<Store<Pod>, 'get' | 'list'>
  /** Whether the history of such a pod is kept. */
  readonly keeps: (pod: PodFacts) => boolean
  readonly aggregation: AggregationOptions
  readonly now: EpochMs
}

/**
 * What Prometheus remembers of the containers' usage, for a recommender that starts (upstream: input/history/history_provider.go).
 *
 * What it does not have holds up nothing: a query that fails costs what it would have told, and {@link lacks} tells whose history
 * is to be looked for elsewhere. Each cause is logged once, but no more than the first twenty warnings.
 */
export class PrometheusHistory {
  readonly #context: PrometheusHistoryContext
  readonly #filled = { cpu: new WeakSet<Aggregate>(), memory: new WeakSet<Aggregate>() }
  readonly #causes = new Set<string>()

  constructor(context: PrometheusHistoryContext) {
    this.#context = context
  }

  /** @returns how many samples came, by what became of them */
  async load(target: HistoryToFill): Promise<SampleTally> {
    const { log, options } = this.#context
    const labels = new PrometheusPodLabels(options.podLabels, target.pods.list())
    await this.#loadLabels(labels, target.now)
    const pods = new HistoryPods(target, labels)
    const tally = emptyTally()
    for (const resource of RESOURCES) {
      await this.#loadUsage(resource, target, (series) => {
        for (const [result, count] of this.#add(resource, series, pods, target)) tally[result] += count
      })
    }
    log.info('History read from Prometheus', tally)
    return tally
  }

  /** Of which resources Prometheus had no history of these containers. */
  lacks(groups: readonly PodGroup[], containerName: string): readonly Resource[] {
    const aggregates = groups.flatMap((group) => group.aggregates.get(containerName)?.aggregate ?? [])
    return RESOURCES.filter((resource) => !aggregates.some((aggregate) => this.#filled[resource].has(aggregate)))
  }

  /** Living pods bear their labels; for the others it takes an expression with a range, or a look at the past of one without. */
  async #loadLabels(labels: PrometheusPodLabels, now: EpochMs): Promise<void> {
    const { log, options: { podLabels }, prometheus } = this.#context
    if (podLabels.query === '') return
    const answer = await this.#ask({ of: 'pod labels', query: podLabels.query }, () => prometheus.query(podLabels.query, now, (series) => labels.add(series)))
    if (answer?.resultType === 'vector') {
      await this.#ask({ of: 'labels of former pods', query: podLabels.queryOfFormer }, () => prometheus.query(podLabels.queryOfFormer, now, (series) => labels.addFormer(series)))
    }
    if (answer && labels.size === 0) log.warn('Prometheus has no pod labels; history of pods that are gone is left out', { query: podLabels.query })
  }

  async #loadUsage(resource: Resource, { now }: HistoryToFill, add: (series: Series) => void): Promise<void> {
    const { log, options, prometheus } = this.#context
    const query = options.queries[resource]
    let count = 0
    for (const slice of slices(query, now, options)) {
      const answer = await this.#ask({ of: resource, query }, () => prometheus.queryRange(slice, (series) => void (add(series), (count += 1))))
      // One that fails is not tried again with what is later: a start must not take as long as many timeouts.
      if (answer === undefined) return
    }
    if (count === 0) log.warn('Prometheus has no usage; cAdvisor of today calls its labels pod and container: see --container-pod-name-label and --container-name-label, --prometheus-cadvisor-job-name', { resource, query })
  }

  /** How many points of the series became what. A running container uses memory: 0 bytes say that it was not measured yet. */
  #add(resource: Resource, { labels, points }: Series, pods: HistoryPods, target: HistoryToFill): ReadonlyMap<SampleResult, number> {
    const { namespace, podName, containerName } = this.#context.options.containerLabels
    const tracked = pods.track({ namespace: labels[namespace] ?? '', podName: labels[podName] ?? '', containerName: labels[containerName] ?? '' })
    if (tracked === undefined) return new Map([['unknown', points.length]])
    const counts = new Map<SampleResult, number>()
    for (const point of points) {
      if (resource === 'memory' && point.value === 0) continue
      const result = addPoint(resource, point, tracked, target)
      counts.set(result, (counts.get(result) ?? 0) + 1)
    }
    if (counts.has('accepted')) this.#filled[resource].add(tracked.aggregate)
    return counts
  }

  /** @returns undefined when there was no answer, or none to the end */
  async #ask(what: { readonly of: string; readonly query: string }, ask: () => Promise<QueryOutcome>): Promise<QueryOutcome | undefined> {
    const { log, signal } = this.#context
    if (signal.aborted) return undefined
    try {
      const answer = await ask()
      for (const warning of answer.warnings) if (this.#causes.size < MOST_WARNINGS) this.#once(warning, () => log.warn('Prometheus may not have told all', { ...what, warning }))
      return answer
    } catch (error) {
      if (!signal.aborted) this.#once(String(error), () => log.warn('Cannot get history from Prometheus; checkpoints stand in where it has none', { ...what, error }))
      return undefined
    }
  }

  #once(cause: string, tell: () => void): void {
    if (!this.#causes.has(cause)) tell()
    this.#causes.add(cause)
  }
}

/** The pods that history is of: those that live as they are, the others as Prometheus remembers them. */
class HistoryPods {
  readonly #target: HistoryToFill
  readonly #labels: PrometheusPodLabels
  /** `namespace/container` of init containers: their usage is not recorded, also not of pods that are gone. */
  readonly #initContainers: ReadonlySet<string>

  constructor(target: HistoryToFill, labels: PrometheusPodLabels) {
    this.#target = target
    this.#labels = labels
    const pods = [...target.pods.list()]
    const regular = new Set(pods.flatMap(({ namespace, containers }) => containers.map(({ name }) => `${namespace}/${name}`)))
    this.#initContainers = new Set(pods.flatMap(({ namespace, initContainerNames }) => initContainerNames.map((name) => `${namespace}/${name}`)).filter((name) => !regular.has(name)))
  }

  /** @returns undefined for a container that is not recorded, and for one of a pod that is gone and whose labels nobody knows */
  track(id: ContainerId): TrackedContainer | undefined {
    const { history, keeps, now, pods } = this.#target
    const { namespace, podName, containerName } = id
    if (namespace === '' || podName === '' || containerName === '' || this.#initContainers.has(`${namespace}/${containerName}`)) return undefined
    const known = history.container(id, now)
    if (known !== undefined) return known
    const pod = pods.get(namespace, podName) ?? this.#formerPod(id)
    if (pod === undefined || !keeps(pod)) return undefined
    history.setPod(pod, now)
    return history.container(id, now)
  }

  #formerPod({ namespace, podName: name, containerName }: ContainerId): PodFacts | undefined {
    const labels = this.#labels.of(namespace, name)
    return labels && { namespace, name, labels, phase: 'Unknown', containers: [{ name: containerName }] }
  }
}

function addPoint(resource: Resource, { at, value }: Point, { aggregate, history }: TrackedContainer, { aggregation, now }: HistoryToFill): SampleResult {
  const usage = resource === 'cpu' ? value * 1000 : value
  const refusal = refusalOf(usage, at, now)
  if (refusal !== undefined) return refusal
  const amount = amountOf(usage)
  const accepted = resource === 'cpu' ? history.addCpu(aggregate, amount, at) : history.addMemory(aggregate, { bytes: amount, at }, aggregation)
  return accepted ? 'accepted' : 'stale'
}

/** One query, or several one after the other where the history has more points than may be asked for at once. */
function* slices(query: string, now: EpochMs, { historyLength, historyResolution: step }: PrometheusHistoryOptions): Generator<RangeQuery> {
  for (let start = now - historyLength; start <= now; start += MOST_POINTS * step) {
    yield { query, start, end: Math.min(now, start + (MOST_POINTS - 1) * step), step }
  }
}
