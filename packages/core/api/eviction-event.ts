import type { EpochMs } from '../time.ts'
import { type ObjectMeta, type RawMeta, projectMeta } from './object.ts'
import { ownCopy } from './own-copy.ts'

/** Far more containers than a pod has. Who may write events may name thousands, again and again. */
const MOST_OFFENDERS = 100

/** A v1 Event of a kubelet that evicted a pod because its node ran short of something. */
export interface EvictionEvent extends ObjectMeta {
  /** undefined when the event is about something else. */
  readonly podName: string | undefined
  readonly at: EpochMs | undefined
  /** The first hundred; none where the kubelet's lists do not belong together. */
  readonly offenders: readonly Offender[]
  /** How many more the event names. */
  readonly offendersLeftOut: number
}

/** A container that used more of something than it requested, or a name that somebody has made up. */
export interface Offender {
  readonly containerName: string
  /** A quantity, as it is written. */
  readonly usage: string
  /** `memory`, `ephemeral-storage` and the like. */
  readonly starvedResource: string
}

/** @param raw a v1 Event as the API server sends it */
export function projectEvictionEvent(raw: unknown): EvictionEvent {
  const { metadata, involvedObject } = raw as { metadata?: RawMeta; involvedObject?: { kind?: string; name?: string } }
  const meta = projectMeta(metadata)
  const all = offendersOf(metadata?.annotations ?? {})
  return {
    ...meta,
    podName: involvedObject?.kind === 'Pod' ? involvedObject.name : undefined,
    at: meta.createdAt,
    offenders: ownCopy(all.slice(0, MOST_OFFENDERS)),
    offendersLeftOut: Math.max(0, all.length - MOST_OFFENDERS),
  }
}

/** The kubelet writes three lists, with an entry for each container. */
function offendersOf(annotations: Readonly<Record<string, string>>): readonly Offender[] {
  const list = (annotation: string) => annotations[annotation]?.split(',') ?? []
  const usages = list('offending_containers_usage')
  const resources = list('starved_resource')
  const names = list('offending_containers')
  if (usages.length !== names.length || resources.length !== names.length) return []
  return names.map((containerName, index) => ({ containerName, usage: usages[index] ?? '', starvedResource: resources[index] ?? '' }))
}
