import type { OwnerReference } from '../api/object.ts'
import type { LabelSelector } from '../selector.ts'

/** Names an object inside a known namespace. */
export interface ObjectRef {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
}

/** The kinds whose pods are found without asking for a scale subresource; decided by kind alone, as upstream does. */
export const WELL_KNOWN_KINDS = ['DaemonSet', 'Deployment', 'ReplicaSet', 'StatefulSet', 'ReplicationController', 'Job', 'CronJob'] as const
export type WellKnownKind = (typeof WELL_KNOWN_KINDS)[number]

export function isWellKnown(kind: string): kind is WellKnownKind {
  return (WELL_KNOWN_KINDS as readonly string[]).includes(kind)
}

/** A controller of pods: one of the well-known kinds, or anything that has a scale subresource. */
export interface Workload extends ObjectRef {
  readonly namespace: string
  readonly owners: readonly OwnerReference[]
  /** undefined where it reports none: an empty scale status, a CronJob without template labels. */
  readonly selector?: LabelSelector
  /** Configured pods: `spec.replicas`, a DaemonSet's `status.desiredNumberScheduled`. */
  readonly replicas?: number
}

/**
 * Where workloads are looked up: well-known kinds in the stores, others by their scale subresource, from a cache.
 * An answer is a value, also when there is none: the text is what users read in conditions and logs.
 */
export type WorkloadLookup = (namespace: string, ref: ObjectRef) => WorkloadAnswer

export type WorkloadAnswer =
  | { readonly found: Workload }
  /** It does not exist, or it is of a kind that cannot be scaled (then a walk up the owners goes on without it). */
  | { readonly missing: 'not-found' | 'not-scalable'; readonly message: string }
  /** The API server could not be asked, or has not answered yet. */
  | { readonly failed: string }
