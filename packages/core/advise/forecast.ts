import type { Pod } from '../api/pod.ts'
import { type Recommendation, type Vpa, updateModeOf } from '../api/vpa.ts'
import type { DisruptionBudget } from '../api/disruption-budget.ts'
import { capToPod } from '../policy/cap-to-pod.ts'
import type { NamespaceLimits } from '../policy/limit-range.ts'
import { matchesSelector } from '../selector.ts'
import type { WorkloadLookup } from '../target/workload.ts'
import type { DurationMs, EpochMs } from '../time.ts'
import { type UpdateOptions, decideUpdate } from '../update/decide.ts'
import { decideResize, evictionPermission } from '../update/decide-resize.ts'
import { infeasibleTold } from '../update/infeasible-annotation.ts'
import { comparePriority } from '../update/priority.ts'
import type { ReplicaGroup } from '../update/replica-group.ts'
import { type GroupOptions, replicaGroups } from '../update/replica-groups.ts'
import { planResize } from '../update/resize-patch.ts'
import { ResizeTimes } from '../update/resize-status.ts'

/** What the updater would do to a pod in its next loop, and why. */
export interface PodForecast {
  readonly pod: Pod
  readonly do: 'evict' | 'resize' | 'nothing'
  /** Reasons of the updater (see decideUpdate, decideResize, ReplicaGroup), and those of {@link Hold}. */
  readonly why: string
}

/** What keeps the updater from all pods of a VPA. */
type Hold = 'mode-off' | 'mode-initial' | 'no-recommendation' | 'admission-controller-away' | 'apply-failed' | 'gate-closed' | 'resize-not-served'

export interface ForecastFacts {
  readonly vpa: Vpa
  /** Of this VPA, none of them ended. */
  readonly pods: readonly Pod[]
  readonly limits: NamespaceLimits
  readonly workload: WorkloadLookup
  readonly budgets: readonly DisruptionBudget[]
  readonly servesResize: boolean
  readonly admissionControllerAlive: boolean
  readonly options: UpdateOptions & GroupOptions & { readonly inPlaceOnly: boolean }
}

/**
 * The updater's next loop without doing it: the same decisions in the same order, each eviction and resize counted against what its
 * group can spare. It leaves out rate limits, startup boosts, and that the updater waits for the first replacements before it goes on.
 */
export function forecast(facts: ForecastFacts, now: EpochMs): readonly PodForecast[] {
  const { vpa, pods } = facts
  const hold = holdOf(facts)
  if (hold !== undefined) return pods.map((pod) => ({ pod, do: 'nothing', why: hold }))
  const running = pods.filter(({ deleting, nodeName }) => !deleting && nodeName !== undefined)
  const groups = new Map<Pod, { readonly group?: ReplicaGroup; readonly why?: string }>()
  for (const formed of replicaGroups(running, { ...facts, resizingFor: (pod) => resizingFor(pod, now) })) for (const pod of formed.pods) groups.set(pod, formed)

  const decided = pods.map((pod) => ({ pod, decision: running.includes(pod) ? decideUpdate({ vpa, pod, recommendation: fitted(facts, pod) }, now, facts.options) : undefined }))
  const urgent = decided.flatMap(({ pod, decision }) => (decision?.do === 'update' ? [{ pod, ...decision }] : [])).toSorted((a, b) => comparePriority(a.priority, b.priority))
  const answers = new Map<Pod, PodForecast>()
  for (const { pod, why } of urgent) {
    const { group, why: whyNoGroup = 'no-controller' } = groups.get(pod) ?? {}
    const answer = group === undefined ? ({ do: 'nothing', why: whyNoGroup } as const) : nextStep(facts, { pod, group, why, now })
    answers.set(pod, { pod, ...answer })
  }
  return decided.map(({ pod, decision }) => answers.get(pod) ?? { pod, do: 'nothing', why: decision?.why ?? (pod.deleting ? 'leaving' : 'not-started') })
}

function holdOf({ vpa, servesResize, admissionControllerAlive, options }: ForecastFacts): Hold | undefined {
  const mode = updateModeOf(vpa)
  if (mode === 'Off') return 'mode-off'
  if (mode === 'Initial') return 'mode-initial'
  if ((vpa.status.recommendation?.containerRecommendations ?? []).length === 0) return 'no-recommendation'
  if (!admissionControllerAlive) return 'admission-controller-away'
  if (mode === 'InPlace') return options.inPlaceOnly ? (servesResize ? undefined : 'resize-not-served') : 'gate-closed'
  return undefined
}

/** Fitted to the pod, as the updater sees it. */
function fitted({ vpa, limits }: ForecastFacts, pod: Pod): Recommendation {
  return capToPod({ vpa, pod, ...limits })?.recommendation ?? []
}

interface Candidate {
  readonly pod: Pod
  readonly group: ReplicaGroup
  readonly why: string
  readonly now: EpochMs
}

/** As far as the pod itself tells: nobody has watched it from loop to loop. */
function resizingFor(pod: Pod, now: EpochMs): DurationMs {
  return new ResizeTimes().elapsed(pod, now)
}

function nextStep(facts: ForecastFacts, candidate: Candidate): Omit<PodForecast, 'pod'> {
  const mode = updateModeOf(facts.vpa)
  if (mode !== 'InPlace' && (mode !== 'InPlaceOrRecreate' || !facts.servesResize)) return eviction(facts, candidate)
  const { pod, group, why, now } = candidate
  const decision = decideResize(pod, { vpa: facts.vpa, group, resizingFor: resizingFor(pod, now), infeasible: infeasibleTold(pod), skipDisruptionBudget: facts.options.inPlaceSkipDisruptionBudget })
  if (decision.do === 'nothing') return decision
  if (decision.do === 'evict') return eviction(facts, candidate)
  const plan = planResize({ vpa: facts.vpa, pod, ...facts.limits }, now)
  if (plan.do === 'nothing') return plan.why === 'asked-for-already' || mode === 'InPlace' ? plan : eviction(facts, candidate)
  group.recordResize()
  return { do: 'resize', why }
}

function eviction({ vpa, budgets }: ForecastFacts, { pod, group, why, now }: Candidate): Omit<PodForecast, 'pod'> {
  const permission = evictionPermission(pod, group, resizingFor(pod, now))
  if (permission !== 'granted') return { do: 'nothing', why: permission }
  if (vpa.status.conditions?.some(({ type, status }) => type === 'ApplyFailed' && status === 'True')) return { do: 'nothing', why: 'apply-failed' }
  if (budgets.some((budget) => forbids(budget, pod))) return { do: 'nothing', why: 'blocked' }
  group.recordEviction(pod)
  return { do: 'evict', why }
}

/** A pod that does not run counts towards no budget, so it may go. */
export function forbids({ namespace, selector, disruptionsAllowed }: DisruptionBudget, pod: Pod): boolean {
  return disruptionsAllowed === 0 && namespace === pod.namespace && pod.phase !== 'Pending' && selector !== undefined && matchesSelector(selector, pod.labels)
}
