import type { EpochMs } from '../time.ts'
import { type ObjectMeta, type RawMeta, projectMeta } from './object.ts'

/** A v1 Event of a kubelet that evicted a pod because its node ran short of something. */
export interface EvictionEvent extends ObjectMeta {
  /** undefined when the event is about something else. */
  readonly podName: string | undefined
  readonly at: EpochMs | undefined
  /** The lists that the kubelet writes, one entry per container; empty where there is none. */
  readonly offendingContainers: readonly string[]
  /** Quantities, as they are written. */
  readonly offendingContainersUsage: readonly string[]
  /** `memory`, `ephemeral-storage` and the like. */
  readonly starvedResource: readonly string[]
}

/** @param raw a v1 Event as the API server sends it */
export function projectEvictionEvent(raw: unknown): EvictionEvent {
  const { metadata, involvedObject } = raw as { metadata?: RawMeta; involvedObject?: { kind?: string; name?: string } }
  const list = (annotation: string) => metadata?.annotations?.[annotation]?.split(',') ?? []
  const meta = projectMeta(metadata)
  return {
    ...meta,
    podName: involvedObject?.kind === 'Pod' ? involvedObject.name : undefined,
    at: meta.createdAt,
    offendingContainers: list('offending_containers'),
    offendingContainersUsage: list('offending_containers_usage'),
    starvedResource: list('starved_resource'),
  }
}
