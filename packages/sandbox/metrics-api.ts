import { formatQuantity, quantityOfBytes } from '@vpa/core/quantity.ts'
import { matchesSelector } from '@vpa/core/selector.ts'
import { type DurationMs, type EpochMs, formatTime, parseTime } from '@vpa/core/time.ts'
import { notFound } from './api-error.ts'
import type { Clock } from './clock.ts'
import { NODES, PODS } from './kind.ts'
import type { Loads, Usage } from './load.ts'
import type { Pod } from './object.ts'
import { parseLabelSelector } from './selector.ts'
import type { Storage } from './storage.ts'

const PATH = /^\/apis\/metrics\.k8s\.io\/v1beta1(?:\/namespaces\/([^/]+))?\/(pods|nodes)(?:\/([^/]+))?$/
const API_VERSION = 'metrics.k8s.io/v1beta1'
const NANOS_PER_MILLICORE = 1_000_000

interface MetricsParts {
  readonly storage: Storage
  readonly clock: Clock
  readonly loads: Loads
  /** How often usage is measured: all requests between two moments see the first. */
  readonly resolution: DurationMs
}

/** metrics.k8s.io, as metrics-server serves it: the usage of running pods at the last measurement. */
export class MetricsApi {
  readonly #parts: MetricsParts

  constructor(parts: MetricsParts) {
    this.#parts = parts
  }

  /**
   * @returns undefined when the path is another API's
   * @throws ApiError 404 for a pod or node without metrics
   */
  answer(path: string, query: URLSearchParams): object | undefined {
    const [, namespace, resource, name] = PATH.exec(path) ?? []
    if (resource === undefined) return undefined
    const items = resource === 'pods' ? this.#podMetrics(namespace, query.get('labelSelector') ?? '') : this.#nodeMetrics()
    const kind = resource === 'pods' ? 'PodMetrics' : 'NodeMetrics'
    if (name === undefined) return { kind: `${kind}List`, apiVersion: API_VERSION, metadata: {}, items }
    const one = items.find(({ metadata }) => metadata.name === name)
    if (one) return { kind, apiVersion: API_VERSION, ...one }
    throw notFound(resource === 'pods' ? PODS : NODES, name)
  }

  #podMetrics(namespace: string | undefined, labelSelector: string) {
    const selector = parseLabelSelector(labelSelector)
    const at = this.#measuredAt()
    return this.#runningPods(at)
      .filter(({ metadata }) => (namespace === undefined || metadata.namespace === namespace) && matchesSelector(selector, metadata.labels ?? {}))
      .map((pod) => ({
        metadata: { name: pod.metadata.name, namespace: pod.metadata.namespace, creationTimestamp: formatTime(at), ...(pod.metadata.labels && { labels: pod.metadata.labels }) },
        ...this.#measurement(at),
        containers: pod.spec.containers.map(({ name }) => ({ name, usage: usageJson(this.#parts.loads.usage(pod, name, at)) })),
      }))
  }

  #nodeMetrics() {
    const at = this.#measuredAt()
    const running = this.#runningPods(at)
    return this.#parts.storage.list(NODES).map(({ metadata }) => {
      const pods = running.filter(({ spec }) => spec.nodeName === metadata.name)
      const usages = pods.flatMap((pod) => pod.spec.containers.map(({ name }) => this.#parts.loads.usage(pod, name, at)))
      const total = usages.reduce((sum, usage) => ({ cpuMillicores: sum.cpuMillicores + usage.cpuMillicores, memoryBytes: sum.memoryBytes + usage.memoryBytes }), { cpuMillicores: 0, memoryBytes: 0 })
      return { metadata: { name: metadata.name, creationTimestamp: formatTime(at) }, ...this.#measurement(at), usage: usageJson(total) }
    })
  }

  /** A pod appears once all its containers run and were measured since. */
  #runningPods(at: EpochMs): readonly Pod[] {
    const runs = ({ running }: { running?: { startedAt: string } }) => running !== undefined && (parseTime(running.startedAt) ?? Infinity) <= at
    return (this.#parts.storage.list(PODS) as readonly Pod[]).filter(({ status }) => status.phase === 'Running' && (status.containerStatuses ?? []).every(({ state }) => runs(state)))
  }

  /** Asked once for each answer: the next measurement may come while it is made. */
  #measuredAt(): EpochMs {
    const now = this.#parts.clock.now()
    return now - (now % this.#parts.resolution)
  }

  #measurement(at: EpochMs): { timestamp: string; window: string } {
    return { timestamp: formatTime(at), window: `${this.#parts.resolution / 1000}s` }
  }
}

function usageJson({ cpuMillicores, memoryBytes }: Usage): { cpu: string; memory: string } {
  const nanos = BigInt(Math.round(cpuMillicores * NANOS_PER_MILLICORE))
  return { cpu: formatQuantity({ nanos, format: 'DecimalSI' }), memory: formatQuantity(quantityOfBytes(Math.round(memoryBytes))) }
}
