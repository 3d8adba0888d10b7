import type { Pod } from '../api/pod.ts'
import type { EpochMs } from '../time.ts'

/** Something that happened to a VPA's pods, to be shown beside their usage. */
export interface Mark {
  readonly at: EpochMs
  readonly kind: 'eviction' | 'resize' | 'oom'
  /** undefined for what happens to a whole pod. */
  readonly container: string | undefined
  readonly pod: string | undefined
  /** A sentence for people. */
  readonly text: string
}

/** An Event, as far as it matters here. */
export interface TellingEvent {
  readonly reason: string
  readonly message: string
  readonly about: string
  readonly at: EpochMs | undefined
}

/** What the updater says about the VPA of each eviction, and about the pod of each resize. */
const KINDS: Readonly<Record<string, 'eviction' | 'resize'>> = { EvictedPod: 'eviction', InPlaceResizedByVPA: 'resize' }

export function marksOfEvents(events: readonly TellingEvent[]): readonly Mark[] {
  return events.flatMap(({ reason, message, about, at }) => {
    const kind = KINDS[reason]
    if (kind === undefined || at === undefined) return []
    const pod = kind === 'resize' ? about : /\bPod (\S+)/.exec(message)?.[1]
    return [{ at, kind, container: undefined, pod, text: kind === 'resize' ? `Pod ${about} was resized in place.` : `Pod ${pod ?? ''} was evicted.` }]
  })
}

/** OOMs that pods still tell of: those of a container's last end, also from before the recommender ran. */
export function oomMarksOf(pods: readonly Pod[]): readonly Mark[] {
  return pods.flatMap(({ name, containerStatuses }) =>
    containerStatuses.flatMap((status) => {
      const end = status.terminated ?? status.lastTermination
      return end?.reason === 'OOMKilled' && end.finishedAt !== undefined ? [oomMark({ at: end.finishedAt, pod: name, container: status.name })] : []
    }),
  )
}

export function oomMark({ at, pod, container }: { readonly at: EpochMs; readonly pod: string; readonly container: string }): Mark {
  return { at, kind: 'oom', container, pod, text: `Container ${container} of pod ${pod} was killed for want of memory.` }
}

/** The latest first, each once, however many tell of it. */
export function inOrder(marks: readonly Mark[]): readonly Mark[] {
  const distinct = new Map(marks.map((mark) => [`${mark.kind}/${mark.pod}/${mark.container}/${Math.floor(mark.at / 1000)}`, mark]))
  return [...distinct.values()].toSorted((a, b) => b.at - a.at)
}
