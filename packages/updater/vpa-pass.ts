import type { Pod } from '@vpa/core/api/pod.ts'
import type { Recommendation, Vpa } from '@vpa/core/api/vpa.ts'
import { type CapInput, capToPod } from '@vpa/core/policy/cap-to-pod.ts'
import type { DurationMs, EpochMs } from '@vpa/core/time.ts'
import type { UpdateOptions } from '@vpa/core/update/decide.ts'
import { infeasibleTold } from '@vpa/core/update/infeasible-annotation.ts'
import type { ReplicaGroup } from '@vpa/core/update/replica-group.ts'
import { type GroupOptions, replicaGroups } from '@vpa/core/update/replica-groups.ts'
import type { ResizeTimes } from '@vpa/core/update/resize-status.ts'
import type { Cluster } from '@vpa/kube/cluster.ts'
import type { LimitsByNamespace } from '@vpa/kube/limits-by-namespace.ts'
import type { Log } from '@vpa/kube/log.ts'
import type { RateLimit } from '@vpa/kube/rate-limit.ts'
import type { Hourly } from './hourly.ts'
import type { OutcomeWatch } from './outcome-watch.ts'
import type { Tally } from './tally.ts'

/** What the updater remembers from loop to loop. */
export interface LoopMemory {
  readonly evictionLimit: RateLimit
  readonly resizeLimit: RateLimit
  readonly resizeTimes: ResizeTimes
  /** By pod uid: the recommendation that the pod's node could not give. */
  readonly infeasible: Map<string, Recommendation>
  /** By pod uid: evicted, or perhaps evicted, and until which uptime that counts if nobody sees it go. */
  readonly leaving: Map<string, DurationMs>
  readonly hourly: Hourly
}

/** What the passes of one loop share. */
export interface LoopContext extends LoopMemory {
  readonly cluster: Pick<Cluster, 'evict' | 'resize' | 'patchPod' | 'event' | 'workload'>
  readonly limits: LimitsByNamespace
  readonly log: Log
  readonly now: EpochMs
  /** When the loop began, by the clock that nobody sets: for what is remembered from loop to loop. */
  readonly uptime: DurationMs
  readonly options: UpdateOptions & GroupOptions & { readonly startupBoost: boolean; readonly inPlaceOnly: boolean }
  /** Also those that have no node yet, or are on their way out. */
  readonly allPodsOf: ReadonlyMap<Vpa, readonly Pod[]>
  /** Whether the API server serves `pods/resize`. */
  readonly servesResize: boolean
  /** undefined: evict without looking at what comes of it. */
  readonly outcomes: Pick<OutcomeWatch, 'admit' | 'done' | 'cancel'> | undefined
  /** Ends the loop: it has had its time, or the program stops. */
  readonly signal: AbortSignal
}

/** One VPA in one loop: its pods, and what their groups can spare. */
export interface VpaPass extends LoopContext {
  readonly vpa: Vpa
  readonly pods: readonly Pod[]
  readonly tally: Tally
  groupOf(pod: Pod): ReplicaGroup | undefined
  whyNoGroup(pod: Pod): string
  capInput(pod: Pod): CapInput
}

/** Groups the pods and logs which groups are to be left alone. */
export function vpaPass(context: LoopContext, vpa: Vpa, pods: readonly Pod[], tally: Tally): VpaPass {
  const { cluster, options } = context
  const log = context.log.child({ vpa: `${vpa.namespace}/${vpa.name}` })
  const minReplicas = vpa.spec.updatePolicy?.minReplicas
  if (minReplicas !== undefined) log.info('Overriding minReplicas from global to per-VPA value', { globalMinReplicas: options.minReplicas, vpaMinReplicas: minReplicas })

  const groups = new Map<Pod, ReplicaGroup>()
  const whyNoGroup = new Map<Pod, string>()
  const resizingFor = (pod: Pod) => context.resizeTimes.elapsed(pod, context.now)
  for (const formed of replicaGroups(pods, { vpa, workload: cluster.workload, options, resizingFor })) {
    const owner = `${formed.owner.kind} ${vpa.namespace}/${formed.owner.name}`
    for (const pod of formed.pods) {
      if ('group' in formed) groups.set(pod, formed.group)
      else whyNoGroup.set(pod, formed.why)
    }
    if ('group' in formed) continue
    if (formed.why === 'group-too-small') log.info('Too few replicas', { owner, live: formed.pods.length, required: minReplicas ?? options.minReplicas })
    else log.error('Failed to obtain replication info', { owner, reason: formed.message })
  }
  const limits = context.limits.of(vpa.namespace)
  return { ...context, log, vpa, pods, tally, groupOf: (pod) => groups.get(pod), whyNoGroup: (pod) => whyNoGroup.get(pod) ?? 'no-controller', capInput: (pod) => ({ vpa, pod, ...limits }) }
}

/** What the VPA recommends to this pod. */
export function recommendationFor(pass: VpaPass, pod: Pod): Recommendation {
  return capToPod(pass.capInput(pod))?.recommendation ?? []
}

/** What was recommended when the pod's node could not give it. */
export function infeasibleFor({ infeasible }: VpaPass, pod: Pod): Recommendation | undefined {
  return infeasible.get(pod.uid) ?? infeasibleTold(pod)
}
