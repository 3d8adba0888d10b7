import { type Amount, isUsage } from '@vpa/core/amount.ts'
import { type UsageOf, amountIn } from '@vpa/core/advise/container-advice.ts'
import { type Mark, oomMark } from '@vpa/core/advise/mark.ts'
import type { Pod } from '@vpa/core/api/pod.ts'
import type { Vpa } from '@vpa/core/api/vpa.ts'
import type { Oom } from '@vpa/core/history/oom.ts'
import type { PodGroup } from '@vpa/core/history/pod-group.ts'
import { policyFor, scalingModeOf } from '@vpa/core/policy/container-policy.ts'
import { currentResources } from '@vpa/core/policy/current-resources.ts'
import type { DurationMs, EpochMs } from '@vpa/core/time.ts'
import { type ResourceSeries, type Series, Timeline } from '@vpa/core/timeline/timeline.ts'
import type { TrackPoint } from '@vpa/core/timeline/track.ts'
import type { Cluster } from '@vpa/kube/cluster.ts'
import type { Subject } from '../subject.ts'

/** OOMs that are remembered; more than this are forgotten, oldest first. */
const MOST_OOMS = 1000

/** What one turn of the loop has seen, beside usage. */
export interface Turn {
  readonly subjects: readonly Subject[]
  readonly ooms: readonly Oom[]
  readonly pods: Cluster['pods']
  readonly now: EpochMs
}

/** Usage of alike containers in one turn. */
interface Tally {
  cpuSum: Amount
  cpuCount: number
  cpuMost: Amount | undefined
  memoryMost: Amount | undefined
}

/** Follows what the loop sees, for the plots of the dashboard; kept in memory only. It must cost the loop little: it counts along, and looks at one pod of each VPA. */
export class Recorder {
  readonly #timeline: Timeline
  #tallies = new Map<PodGroup, Map<string, Tally>>()
  #ooms: { readonly uid: string; readonly mark: Mark }[] = []

  constructor(interval: DurationMs) {
    this.#timeline = new Timeline(interval)
  }

  /** One container's usage, for the turn that follows. What is no amount was reported all the same. */
  usage(group: PodGroup, containerName: string, { cpu, memory }: Pick<UsageOf, 'cpu' | 'memory'>): void {
    let tallies = this.#tallies.get(group)
    if (tallies === undefined) this.#tallies.set(group, (tallies = new Map()))
    let tally = tallies.get(containerName)
    if (tally === undefined) tallies.set(containerName, (tally = { cpuSum: 0, cpuCount: 0, cpuMost: undefined, memoryMost: undefined }))
    if (cpu !== undefined && isUsage(cpu)) {
      tally.cpuSum += cpu
      tally.cpuCount += 1
      tally.cpuMost = Math.max(tally.cpuMost ?? 0, cpu)
    }
    if (memory !== undefined && isUsage(memory)) tally.memoryMost = Math.max(tally.memoryMost ?? 0, memory)
  }

  turn({ subjects, ooms, pods, now }: Turn): void {
    const tallies = this.#tallies
    this.#tallies = new Map()
    this.#timeline.begin(now)
    for (const subject of subjects) {
      const { vpa } = subject
      const pod = newestPod(subject, pods)
      for (const { name } of pod?.containers ?? []) {
        if (pod === undefined || scalingModeOf(policyFor(vpa.spec.resourcePolicy?.containerPolicies, name)) === 'Off') continue
        this.#timeline.record(trackOf(vpa, name), now, { ...usageOf(subject, name, tallies), ...settingsOf(vpa, pod, name) })
      }
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

function trackOf({ uid }: Vpa, container: string): string {
  return `${uid}/${container}`
}

/** The one that was seen last: what an update changes shows in it first. */
function newestPod({ vpa, groups }: Subject, pods: Cluster['pods']): Pod | undefined {
  let newest: string | undefined
  for (const group of groups) for (const name of group.pods.keys()) newest = name
  return newest === undefined ? undefined : pods.get(vpa.namespace, newest)
}

function usageOf({ groups }: Subject, container: string, tallies: ReadonlyMap<PodGroup, ReadonlyMap<string, Tally>>): Pick<TrackPoint, 'cpuAverage' | 'cpuMost' | 'memoryMost'> {
  const own = groups.flatMap((group) => tallies.get(group)?.get(container) ?? [])
  const count = own.reduce((total, { cpuCount }) => total + cpuCount, 0)
  return {
    cpuAverage: count === 0 ? undefined : own.reduce((total, { cpuSum }) => total + cpuSum, 0) / count,
    cpuMost: highest(own.map(({ cpuMost }) => cpuMost)),
    memoryMost: highest(own.map(({ memoryMost }) => memoryMost)),
  }
}

function settingsOf(vpa: Vpa, pod: Pod, container: string): Omit<TrackPoint, 'cpuAverage' | 'cpuMost' | 'memoryMost'> {
  const { requests, limits } = currentResources(pod, container)
  const { target, lowerBound, upperBound } = vpa.status.recommendation?.containerRecommendations?.find(({ containerName }) => containerName === container) ?? {}
  return {
    cpuRequest: amountIn(requests, 'cpu'),
    cpuLimit: amountIn(limits, 'cpu'),
    cpuTarget: amountIn(target, 'cpu'),
    cpuLowerBound: amountIn(lowerBound, 'cpu'),
    cpuUpperBound: amountIn(upperBound, 'cpu'),
    memoryRequest: amountIn(requests, 'memory'),
    memoryLimit: amountIn(limits, 'memory'),
    memoryTarget: amountIn(target, 'memory'),
    memoryLowerBound: amountIn(lowerBound, 'memory'),
    memoryUpperBound: amountIn(upperBound, 'memory'),
  }
}

function highest(amounts: readonly (Amount | undefined)[]): Amount | undefined {
  return amounts.reduce((most, amount) => (most === undefined || amount === undefined ? (most ?? amount) : Math.max(most, amount)), undefined)
}

function lastOf(series: ResourceSeries | undefined): Amount | undefined {
  return series?.usage.at(-1) ?? series?.usage.at(-2)
}
