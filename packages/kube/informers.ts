import { type Checkpoint, projectCheckpoint } from '@vpa/core/api/checkpoint.ts'
import { type EvictionEvent, projectEvictionEvent } from '@vpa/core/api/eviction-event.ts'
import { type HorizontalAutoscaler, projectHorizontalAutoscaler } from '@vpa/core/api/horizontal-autoscaler.ts'
import { type LimitRange, projectLimitRange } from '@vpa/core/api/limit-range.ts'
import { type Node, projectNode } from '@vpa/core/api/node.ts'
import { type Pod, projectPod } from '@vpa/core/api/pod.ts'
import { type ResourceQuota, projectResourceQuota } from '@vpa/core/api/resource-quota.ts'
import { type Vpa, projectVpa } from '@vpa/core/api/vpa.ts'
import { WELL_KNOWN_KINDS, type WellKnownKind, type WorkloadAnswer } from '@vpa/core/target/workload.ts'
import type { Registry } from 'prom-client'
import type { Client } from './client.ts'
import type { Clock } from './clock.ts'
import type { Store } from './cluster.ts'
import type { Log } from './log.ts'
import { CHECKPOINTS, EVENTS, HORIZONTAL_AUTOSCALERS, LIMIT_RANGES, NODES, PODS, RESOURCE_QUOTAS, type Resource, VPAS, pathOf } from './resources.ts'
import { ObjectStore, type StoredObject } from './store.ts'
import { WatchMetrics } from './watch-metrics.ts'
import { Watch } from './watch.ts'
import { type StoredWorkload, WORKLOAD_RESOURCES, projectWorkload, workloadAnswer } from './workloads.ts'

/** What a program needs to know of the cluster; what it does not ask for is not watched. */
export interface Watched {
  readonly vpas?: true
  readonly pods?: { readonly fieldSelector: string }
  readonly limitRanges?: true | 'optional'
  readonly checkpoints?: true
  /** Events of kubelets that evicted a pod. */
  readonly evictions?: true
  readonly horizontalAutoscalers?: true
  readonly nodes?: true
  readonly resourceQuotas?: true
  /** The well-known kinds of controllers. */
  readonly workloads?: true
}

export interface InformerOptions {
  readonly client: Client
  readonly watch: Watched
  /** The only namespace to look at. */
  readonly namespace?: string | undefined
  readonly ignoredNamespaces: readonly string[]
  readonly log: Log
  readonly clock: Clock
  readonly registry: Registry
  readonly signal: AbortSignal
  /** From 0 up to 1; spreads time-outs and waits. */
  readonly random?: (() => number) | undefined
}

/** One watch and store for each kind that a program asks for. They run until the signal is aborted. */
export class Informers {
  readonly vpas: Store<Vpa>
  readonly pods: Store<Pod>
  readonly limitRanges: Store<LimitRange>
  readonly checkpoints: Store<Checkpoint>
  readonly evictions: Store<EvictionEvent>
  readonly horizontalAutoscalers: Store<HorizontalAutoscaler>
  readonly nodes: Store<Node>
  readonly resourceQuotas: Store<ResourceQuota>
  readonly #options: InformerOptions
  readonly #metrics: WatchMetrics
  readonly #workloads = new Map<WellKnownKind, Store<StoredWorkload>>()
  readonly #synced: Promise<void>[] = []
  readonly #running: Promise<void>[] = []

  constructor(options: InformerOptions) {
    const { watch, registry, clock } = options
    this.#options = options
    this.#metrics = new WatchMetrics(registry, clock)
    this.vpas = watch.vpas ? this.#start(VPAS, projectVpa) : new NotWatched(VPAS)
    this.pods = watch.pods ? this.#start(PODS, projectPod, { fieldSelector: watch.pods.fieldSelector }) : new NotWatched(PODS)
    this.limitRanges = watch.limitRanges ? this.#start(LIMIT_RANGES, projectLimitRange, { optional: watch.limitRanges === 'optional' }) : new NotWatched(LIMIT_RANGES)
    this.checkpoints = watch.checkpoints ? this.#start(CHECKPOINTS, projectCheckpoint, { isFirstListExact: true }) : new NotWatched(CHECKPOINTS)
    this.evictions = watch.evictions ? this.#start(EVENTS, projectEvictionEvent, { fieldSelector: 'reason=Evicted', optional: true }) : new NotWatched(EVENTS)
    this.horizontalAutoscalers = watch.horizontalAutoscalers ? this.#start(HORIZONTAL_AUTOSCALERS, projectHorizontalAutoscaler, { optional: true }) : new NotWatched(HORIZONTAL_AUTOSCALERS)
    this.nodes = watch.nodes ? this.#start(NODES, projectNode, { optional: true }) : new NotWatched(NODES)
    this.resourceQuotas = watch.resourceQuotas ? this.#start(RESOURCE_QUOTAS, projectResourceQuota, { optional: true }) : new NotWatched(RESOURCE_QUOTAS)
    for (const kind of WELL_KNOWN_KINDS) {
      const resource = WORKLOAD_RESOURCES[kind]
      this.#workloads.set(kind, watch.workloads ? this.#start(resource, (raw) => projectWorkload(kind, raw)) : new NotWatched(resource))
    }
  }

  workload(kind: WellKnownKind, namespace: string, name: string): WorkloadAnswer {
    return workloadAnswer(this.#workloads.get(kind)?.get(namespace, name), kind, namespace, name)
  }

  /** Resolves when every store that is not optional has its first list. */
  async synced(): Promise<void> {
    await Promise.all(this.#synced)
  }

  /** Resolves when all watches have ended, after the signal was aborted. */
  async ended(): Promise<void> {
    await Promise.all(this.#running)
  }

  #start<T extends StoredObject>(resource: Resource, project: (raw: unknown) => T, { fieldSelector, optional = false, isFirstListExact = false }: StartOptions = {}): Store<T> {
    const { namespace, ignoredNamespaces, random = Math.random, client, clock, signal } = this.#options
    const kind = resource.plural
    const log = optional ? withOneWarning(this.#options.log) : this.#options.log
    const store = new ObjectStore<T>((error) => log.error('A reaction to a change failed', { kind, error }))
    const ignored = resource.clusterScoped ? [] : ignoredNamespaces.map((name) => `metadata.namespace!=${name}`)
    this.#metrics.add(kind, store)
    const watch = new Watch({
      kind,
      project,
      store,
      client,
      clock,
      log,
      signal,
      random,
      path: pathOf(resource, resource.clusterScoped ? undefined : namespace),
      fieldSelector: [fieldSelector, ...ignored].filter(Boolean).join(','),
      metrics: this.#metrics,
      isFirstListExact,
    })
    if (!optional) this.#synced.push(watch.synced)
    this.#running.push(watch.run())
    return store
  }
}

interface StartOptions {
  readonly fieldSelector?: string
  /** An installation's roles may be older than our wish to read this kind. */
  readonly optional?: boolean
  /** What is read once, and then overwritten: an older one would take the place of a newer one. */
  readonly isFirstListExact?: boolean
}

/** What we can do without is worth one warning, not one with every attempt. */
function withOneWarning(log: Log): Log {
  let warned = false
  return {
    ...log,
    warn(message, fields) {
      if (warned) return log.debug(message, fields)
      warned = true
      log.warn(message, fields)
    },
  }
}

/** Stands where a program has asked for nothing: a mistake of ours, found by its first test. */
class NotWatched implements Store<never> {
  readonly #plural: string

  constructor({ plural }: Resource) {
    this.#plural = plural
  }

  get(): never {
    throw this.#mistake()
  }
  list(): never {
    throw this.#mistake()
  }
  get size(): never {
    throw this.#mistake()
  }
  get heardAt(): never {
    throw this.#mistake()
  }
  subscribe(): never {
    throw this.#mistake()
  }

  #mistake(): Error {
    return new Error(`this program does not watch ${this.#plural}`)
  }
}
