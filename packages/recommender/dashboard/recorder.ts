import type { Amount } from '@vpa/core/amount.ts'
import { type ContainerAdvice, type UsageOf, adviceFor } from '@vpa/core/advise/container-advice.ts'
import { type Mark, oomMark } from '@vpa/core/advise/mark.ts'
import { DEFAULT_PRICES } from '@vpa/core/advise/price.ts'
import type { Vpa } from '@vpa/core/api/vpa.ts'
import type { Oom } from '@vpa/core/history/oom.ts'
import type { DurationMs, EpochMs } from '@vpa/core/time.ts'
import { type ResourceSeries, type Series, Timeline } from '@vpa/core/timeline/timeline.ts'
import type { TrackPoint } from '@vpa/core/timeline/track.ts'
import type { Cluster } from '@vpa/kube/cluster.ts'
import { type Subject, podsOf } from '../subject.ts'

/** OOMs that are remembered; more than this are forgotten, oldest first. */
const MOST_OOMS = 1000

/** What one turn of the loop has seen. */
export interface Turn {
  readonly subjects: readonly Subject[]
  readonly usage: readonly UsageOf[]
  readonly ooms: readonly Oom[]
  readonly pods: Cluster['pods']
  readonly now: EpochMs
}

/** Follows what the loop sees, for the plots of the dashboard; kept in memory only. */
export class Recorder {
  readonly #timeline: Timeline
  #ooms: { readonly uid: string; readonly mark: Mark }[] = []

  constructor(interval: DurationMs) {
    this.#timeline = new Timeline(interval)
  }

  turn({ subjects, usage, ooms, pods, now }: Turn): void {
    const usageOf = Map.groupBy(usage, keyOf)
    this.#timeline.begin(now)
    for (const subject of subjects) {
      const { vpa } = subject
      const own = podsOf(subject, pods)
      const used = own.flatMap(({ namespace, name: podName }) => usageOf.get(keyOf({ namespace, podName })) ?? [])
      for (const advice of adviceFor(vpa, own, used, DEFAULT_PRICES)) this.#timeline.record(trackOf(vpa, advice.container), now, pointOf(advice, used))
    }
    if (ooms.length > 0) this.#remember(ooms, subjects)
  }

  seriesOf(vpa: Vpa, container: string, now: EpochMs): Series | undefined {
    return this.#timeline.seriesOf(trackOf(vpa, container), now)
  }

  /** What each container used in the last point, or the one before where that is still empty: of the pod that used most. */
  usageNow(vpa: Vpa, containers: Iterable<string>, now: EpochMs): readonly UsageOf[] {
    return [...containers].map((containerName) => {
      const series = this.seriesOf(vpa, containerName, now)
      return { namespace: vpa.namespace, podName: '', containerName, cpu: lastOf(series?.cpu), memory: lastOf(series?.memory) }
    })
  }

  oomsOf(vpa: Vpa): readonly Mark[] {
    return this.#ooms.filter(({ uid }) => uid === vpa.uid).map(({ mark }) => mark)
  }

  #remember(ooms: readonly Oom[], subjects: readonly Subject[]): void {
    for (const { namespace, podName: pod, containerName: container, at } of ooms.slice(-MOST_OOMS)) {
      const subject = subjects.find(({ vpa, groups }) => vpa.namespace === namespace && groups.some(({ pods }) => pods.has(pod)))
      if (subject) this.#ooms.push({ uid: subject.vpa.uid, mark: oomMark({ at, pod, container }) })
    }
    this.#ooms = this.#ooms.slice(-MOST_OOMS)
  }
}

function lastOf(series: ResourceSeries | undefined): Amount | undefined {
  return series?.usage.at(-1) ?? series?.usage.at(-2)
}

function keyOf({ namespace, podName }: Pick<UsageOf, 'namespace' | 'podName'>): string {
  return `${namespace}/${podName}`
}

function trackOf({ uid }: Vpa, container: string): string {
  return `${uid}/${container}`
}

function pointOf({ container, resources: { cpu, memory } }: ContainerAdvice, used: readonly UsageOf[]): TrackPoint {
  return {
    cpuAverage: average(used.filter(({ containerName }) => containerName === container).map((usage) => usage.cpu)),
    cpuMost: cpu.usage,
    memoryMost: memory.usage,
    cpuRequest: cpu.request,
    cpuLimit: cpu.limit,
    cpuTarget: cpu.target,
    cpuLowerBound: cpu.lowerBound,
    cpuUpperBound: cpu.upperBound,
    memoryRequest: memory.request,
    memoryLimit: memory.limit,
    memoryTarget: memory.target,
    memoryLowerBound: memory.lowerBound,
    memoryUpperBound: memory.upperBound,
  }
}

function average(amounts: readonly (Amount | undefined)[]): Amount | undefined {
  const known = amounts.filter((amount) => amount !== undefined && !Number.isNaN(amount)) as readonly Amount[]
  return known.length === 0 ? undefined : known.reduce((sum, amount) => sum + amount, 0) / known.length
}
