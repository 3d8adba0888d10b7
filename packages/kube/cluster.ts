import type { JsonPatch } from '@vpa/core/admit/json-patch.ts'
import type { Checkpoint, CheckpointStatus } from '@vpa/core/api/checkpoint.ts'
import type { EvictionEvent } from '@vpa/core/api/eviction-event.ts'
import type { HorizontalAutoscaler } from '@vpa/core/api/horizontal-autoscaler.ts'
import type { LimitRange } from '@vpa/core/api/limit-range.ts'
import type { Node } from '@vpa/core/api/node.ts'
import type { Pod } from '@vpa/core/api/pod.ts'
import type { ResourceQuota } from '@vpa/core/api/resource-quota.ts'
import type { Vpa, VpaStatus } from '@vpa/core/api/vpa.ts'
import type { Labels } from '@vpa/core/selector.ts'
import type { WorkloadLookup } from '@vpa/core/target/workload.ts'
import type { EpochMs } from '@vpa/core/time.ts'
import type { EventAbout, EventQuery } from './events-about.ts'
import type { ExternalMetricQuery, ExternalMetricValue } from './external-metrics.ts'

/**
 * The cluster as the programs see it: synchronous reads of what is watched, and the few writes the trio makes.
 * What the API server refuses in the ordinary course of things is a value ({@link Outcome}), not an exception.
 */
export interface Cluster {
  readonly vpas: Store<Vpa>
  readonly pods: Store<Pod>
  readonly limitRanges: Store<LimitRange>
  readonly checkpoints: Store<Checkpoint>
  /** Optional, as the next three: where our account may not read them, they stay empty and nobody waits for them. */
  readonly evictions: Store<EvictionEvent>
  readonly horizontalAutoscalers: Store<HorizontalAutoscaler>
  readonly nodes: Store<Node>
  readonly resourceQuotas: Store<ResourceQuota>
  /** Controllers of pods: stores of the well-known kinds, a refreshed cache of scale subresources for all others. */
  readonly workload: WorkloadLookup

  /** metrics.k8s.io, all namespaces or the one the program is limited to. */
  usage(): Promise<readonly ContainerUsage[]>
  /** external.metrics.k8s.io. */
  externalMetric(query: ExternalMetricQuery): Promise<readonly ExternalMetricValue[]>
  /** Rejects where our account may not read them. */
  eventsAbout(query: EventQuery): Promise<readonly EventAbout[]>

  /** Asks the API server: a VPA that we could not read, or have not heard of yet, is not in our copy. */
  vpaExists(vpa: ObjectName): Promise<boolean>
  patchVpaStatus(vpa: ObjectName, status: VpaStatus): Promise<void>
  /** Applies a JSON patch to the `status` subresource, for who has a part in a status that is not his. */
  editVpaStatus(vpa: ObjectName, patch: JsonPatch): Promise<Outcome>
  /** Creates the object where it does not exist yet; rejects where it is of another container. It is deleted with its VPA. */
  writeCheckpoint(checkpoint: CheckpointWrite): Promise<void>
  deleteCheckpoint(name: ObjectName): Promise<void>
  /** Evicts this very pod: another one that has taken its name by now is left alone. */
  evict(pod: ObjectName & { readonly uid: string }): Promise<Outcome>
  /** Applies a JSON patch to the `resize` subresource of this very pod. */
  resize(pod: ObjectName & { readonly uid: string }, patch: JsonPatch): Promise<Outcome>
  /** Applies a JSON patch to this very pod itself. */
  patchPod(pod: ObjectName & { readonly uid: string }, patch: JsonPatch): Promise<Outcome>
  /** Whether pods can be resized in place at all (Kubernetes 1.33 and later, unless it is turned off). */
  servesResize(): Promise<boolean>
  readLease(name: ObjectName): Promise<LeaseFacts | undefined>
  /** Events are best effort: never awaited by callers, failures are logged and counted. */
  event(event: EventWrite): void

  /** Resolves when every store that the program asked for has its first list. */
  synced(): Promise<void>
  /** Ends all watches. */
  stop(): Promise<void>
}

/** A local copy of one kind of object, kept up to date by a watch. */
export interface Store<T> {
  get(namespace: string, name: string): T | undefined
  /** In no particular order. */
  list(): Iterable<T>
  readonly size: number
  /** When the API server was last heard of (list, event or bookmark). */
  readonly heardAt: EpochMs | undefined
  /** Called after the store has changed. Returns a function that ends the subscription. */
  subscribe(listener: (change: Change<T>) => void): () => void
}

/** What happened to one object. `now` of a removed object is undefined; `before` of a new one is. */
export interface Change<T> {
  readonly before: T | undefined
  readonly now: T | undefined
}

export interface ObjectName {
  readonly namespace: string
  readonly name: string
}

/**
 * One container's usage as the metrics API reports it. Integers: millicores and bytes, both rounded up.
 * A resource that is not reported is undefined, which is not the same as unused; NaN was reported, but is no amount.
 */
export interface ContainerUsage {
  readonly namespace: string
  readonly podName: string
  readonly containerName: string
  readonly at: EpochMs
  readonly cpu: number | undefined
  readonly memory: number | undefined
}

/**
 * What the API server said to a write.
 *
 * - `blocked`: not now (429: a disruption budget, or too many requests)
 * - `gone`: the object is not there any more
 * - `infeasible`: no node could ever hold it (403 with cause NodeCapacity)
 * - `rejected`: any other refusal; `message` tells the API server's words
 * - `unreachable`: nobody listens there, or we may not lead any more and did not ask; it was not done
 * - `unknown`: there was no answer, or the API server failed; it may have been done
 */
export type Outcome = { readonly outcome: 'done' } | { readonly outcome: 'blocked' | 'gone' | 'infeasible' | 'rejected' | 'unreachable' | 'unknown'; readonly message: string }

export interface CheckpointWrite extends ObjectName {
  readonly vpa: Pick<Vpa, 'apiVersion' | 'name' | 'uid'>
  readonly containerName: string
  /** All of them: others that the object has are removed. */
  readonly annotations: Labels
  readonly status: CheckpointStatus
}

export interface LeaseFacts {
  readonly createdAt: EpochMs | undefined
  readonly renewedAt: EpochMs | undefined
}

export interface EventWrite {
  readonly regarding: ObjectName & { readonly apiVersion: string; readonly kind: string; readonly uid: string }
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  /** Reads as a sentence; people see it in `kubectl describe`. */
  readonly message: string
}
