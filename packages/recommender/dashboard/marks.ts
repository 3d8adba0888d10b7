import type { VpaAnswer } from '@vpa/core/advise/dashboard-answer.ts'
import { inOrder, marksOfEvents, oomMarksOf } from '@vpa/core/advise/mark.ts'
import type { Pod } from '@vpa/core/api/pod.ts'
import type { Vpa } from '@vpa/core/api/vpa.ts'
import { type DurationMs, SECOND } from '@vpa/core/time.ts'
import type { Clock } from '@vpa/kube/clock.ts'
import type { Cluster } from '@vpa/kube/cluster.ts'
import { messageOf } from '@vpa/kube/error-message.ts'
import type { EventAbout } from '@vpa/kube/events-about.ts'
import type { Recorder } from './recorder.ts'

/** Whoever looks at a page that refreshes itself asks the API server no more often than that. */
const EVENTS_KEPT: DurationMs = 10 * SECOND
/** Of so many VPAs. */
const MOST_KEPT = 100

export interface MarksContext {
  readonly cluster: Pick<Cluster, 'eventsAbout'>
  readonly clock: Pick<Clock, 'uptime'>
  readonly recorder: Pick<Recorder, 'oomsOf'>
}

interface Told {
  readonly events: readonly EventAbout[]
  readonly missing: string | undefined
}

/** Evictions, resizes and OOMs of a VPA's pods: from events, which the API server keeps for an hour, from the pods, and from what the recorder saw. */
export class Marks {
  readonly #context: MarksContext
  readonly #told = new Map<string, { readonly at: DurationMs; readonly answer: Promise<Told> }>()

  constructor(context: MarksContext) {
    this.#context = context
  }

  /** Never rejects: what cannot be read is told. */
  async of(vpa: Vpa, pods: readonly Pod[]): Promise<Pick<VpaAnswer, 'marks' | 'marksMissing'>> {
    const { events, missing } = await this.#eventsOf(vpa)
    const names = new Set(pods.map(({ name }) => name))
    const own = events.filter(({ reason, about }) => reason !== 'InPlaceResizedByVPA' || names.has(about))
    return { marks: inOrder([...marksOfEvents(own), ...oomMarksOf(pods), ...this.#context.recorder.oomsOf(vpa)]), marksMissing: missing }
  }

  #eventsOf(vpa: Vpa): Promise<Told> {
    const now = this.#context.clock.uptime()
    const kept = this.#told.get(vpa.uid)
    if (kept && now - kept.at < EVENTS_KEPT) return kept.answer
    if (this.#told.size >= MOST_KEPT) this.#told.clear()
    const answer = this.#read(vpa)
    this.#told.set(vpa.uid, { at: now, answer })
    return answer
  }

  async #read({ namespace, name }: Vpa): Promise<Told> {
    const { eventsAbout } = this.#context.cluster
    try {
      const answers = await Promise.all([eventsAbout({ kind: 'VerticalPodAutoscaler', namespace, name }), eventsAbout({ kind: 'Pod', namespace, reason: 'InPlaceResizedByVPA' })])
      return { events: answers.flat(), missing: undefined }
    } catch (error) {
      return { events: [], missing: `Evictions and resizes are not shown, because events cannot be read: ${messageOf(error)}` }
    }
  }
}
