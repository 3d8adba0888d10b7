import { adviceFor } from '@vpa/core/advise/container-advice.ts'
import type { ListAnswer, VpaAnswer } from '@vpa/core/advise/dashboard-answer.ts'
import { podsByVpa } from '@vpa/core/advise/fleet.ts'
import { hindrancesOf } from '@vpa/core/advise/hindrance.ts'
import type { Prices } from '@vpa/core/advise/price.ts'
import { type SummaryQuery, select } from '@vpa/core/advise/summary-query.ts'
import { type VpaSummary, summaryOf } from '@vpa/core/advise/vpa-summary.ts'
import { vpaViewOf } from '@vpa/core/advise/vpa-view.ts'
import type { Pod } from '@vpa/core/api/pod.ts'
import type { Vpa } from '@vpa/core/api/vpa.ts'
import type { UsageByContainer } from '@vpa/core/history/merged-usage.ts'
import type { Surroundings } from '@vpa/core/recommend/obstacles.ts'
import { isResponsible } from '@vpa/core/recommend/responsibility.ts'
import { type DurationMs, type EpochMs, SECOND } from '@vpa/core/time.ts'
import type { Clock } from '@vpa/kube/clock.ts'
import type { Cluster } from '@vpa/kube/cluster.ts'
import type { RecommenderOptions } from '../config.ts'
import { Marks } from './marks.ts'
import type { Recorder } from './recorder.ts'

/** Going through 10,000 VPAs takes a tenth of a second, which the loop must not lose each time that somebody types a letter. */
const SUMMARIES_KEPT: DurationMs = 15 * SECOND

/** Where the loop has not looked around. */
const NO_NEIGHBOURS: Omit<Surroundings, 'vpa' | 'pods'> = { sameTarget: [], horizontalAutoscalers: [], allocatable: [], limitRanges: [], quotas: [] }

export interface DashboardContext {
  readonly cluster: Cluster
  readonly clock: Clock
  readonly options: RecommenderOptions
  readonly prices: Prices & { readonly currency: string }
  readonly recorder: Recorder
  readonly recommender: {
    usageOf(vpa: Vpa): UsageByContainer | undefined
    surroundingsOf(vpa: Vpa, pods: readonly Pod[]): Surroundings | undefined
    readonly turnedAt: EpochMs | undefined
  }
}

/** What the dashboard shows, from what the recommender has in memory. */
export class DashboardData {
  readonly #context: DashboardContext
  readonly #marks: Marks
  #summaries: readonly VpaSummary[] = []
  /** By the clock's uptime. */
  #summariesAt: DurationMs = -Infinity

  constructor(context: DashboardContext) {
    this.#context = context
    this.#marks = new Marks(context)
  }

  list(query: SummaryQuery): ListAnswer {
    const summaries = this.#freshSummaries()
    return { ...this.#answer(), ...select(summaries, query), namespaces: [...new Set(summaries.map(({ namespace }) => namespace))].toSorted() }
  }

  /** @returns undefined where there is no such VPA, or another recommender handles it */
  async view(namespace: string, name: string): Promise<VpaAnswer | undefined> {
    const { cluster, options, recommender, recorder, clock, prices } = this.#context
    const vpa = cluster.vpas.get(namespace, name)
    if (vpa === undefined || !isResponsible(options.name, vpa)) return undefined
    const pods = [...cluster.pods.list()].filter((pod) => pod.namespace === namespace && !pod.deleting)
    const own = podsByVpa([vpa], pods, cluster.workload).get(vpa) ?? []
    const now = clock.now()
    const containers = new Set(own.flatMap((pod) => pod.containers.map(({ name }) => name)))
    const view = vpaViewOf({
      vpa,
      advice: adviceFor(vpa, own, recorder.usageNow(vpa, containers, now), prices),
      usage: recommender.usageOf(vpa) ?? new Map(),
      options: options.recommend,
      hindrances: hindrancesOf({ ...(recommender.surroundingsOf(vpa, own) ?? { ...NO_NEIGHBOURS, vpa, pods: own }), budgets: [], admissionProblem: undefined }),
      seriesOf: (container) => recorder.seriesOf(vpa, container, now),
    })
    return { ...this.#answer(), ...view, ...(await this.#marks.of(vpa, own)) }
  }

  #answer(): Pick<ListAnswer, 'at' | 'turnedAt' | 'prices'> {
    const { clock, prices, recommender } = this.#context
    return { at: clock.now(), turnedAt: recommender.turnedAt, prices }
  }

  #freshSummaries(): readonly VpaSummary[] {
    const { cluster, clock, options, prices } = this.#context
    if (clock.uptime() - this.#summariesAt < SUMMARIES_KEPT) return this.#summaries
    const vpas = [...cluster.vpas.list()].filter((vpa) => isResponsible(options.name, vpa))
    const pods = [...cluster.pods.list()].filter(({ deleting }) => !deleting)
    this.#summaries = [...podsByVpa(vpas, pods, cluster.workload)].map(([vpa, own]) => summaryOf(vpa, adviceFor(vpa, own, [], prices)))
    this.#summariesAt = clock.uptime()
    return this.#summaries
  }
}
