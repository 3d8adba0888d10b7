/**
 * Resizes in place where we do better than the Go implementation, on purpose; docs/differences.md lists them.
 *
 * 1. Only what changes is asked for, so that a resize is not sent again while the kubelet is at it (Go sends all amounts in every loop).
 * 2. A resize that would change the pod's QoS class is not sent: the API server refuses it. The pod is evicted where its mode allows.
 * 3. A resize that restarts containers waits, also in mode InPlace, until the group can spare the pod.
 * 4. What is infeasible is noted on the pod, for the time after a restart.
 */
import { type Pod, projectPod } from '@vpa/core/api/pod.ts'
import { parseQuantity } from '@vpa/core/quantity.ts'
import { parseTime } from '@vpa/core/time.ts'
import { planResize } from '@vpa/core/update/resize-patch.ts'
import { type Action, type UpdaterInput, newPass } from './updater-pass.ts'

/** A pod whose boost could not be taken back stands as an error. */
type Act = Action | { readonly error: string }

export interface Acts {
  readonly actions?: readonly Action[]
  readonly unboost?: readonly Act[]
  readonly events?: readonly string[]
  readonly errors?: readonly { readonly pod: string; readonly error: string }[]
}

const AMOUNT = /^\/spec\/containers\/(\d+)\/resources\/(requests|limits)\/(.+)$/
const MAP = /^\/spec\/containers\/\d+\/resources(\/requests|\/limits)?$/

/** Both loops without what differs on purpose, and the pods that Go resizes and we do not. */
export interface Comparison {
  readonly ours: Acts
  readonly theirs: Acts
  /** Their QoS class would change. */
  readonly refused: ReadonlySet<string>
  readonly spared: ReadonlySet<string>
}

export function withoutResizeDifferences(input: UpdaterInput, actual: Acts, expected: Acts): Comparison {
  const pods = input.pods.map(projectPod)
  const ours = { ...actual, actions: (actual.actions ?? []).filter((action) => !isInfeasibleNote(action)) }
  const theirs = { ...expected, actions: withoutRepetition(expected.actions ?? [], pods), unboost: withoutRepetition(expected.unboost ?? [], pods) }
  const refused = new Set(pods.filter((pod) => isRefused(input, pod)).map(({ name }) => name))
  return { ours, theirs, refused, spared: new Set([...refused, ...repeated(expected, pods), ...pods.filter(restarts).map(({ name }) => name)]) }
}

/**
 * Whether we did all that Go did but to the spared pods. Instead of these, and of no more than these, others had their turn,
 * and those whose resize would be refused are evicted.
 */
export function differsInSparedPods({ ours, theirs, refused, spared }: Comparison): boolean {
  if (spared.size === 0) return false
  const [ourActions, theirActions] = [ours.actions ?? [], theirs.actions ?? []]
  const isExtra = (act: Act) => !textsOf(theirActions).has(textOf(act)) && !('error' in act) && !(act.action === 'evict' && refused.has(act.pod))
  const extra = new Set(ourActions.filter(isExtra).map(({ pod }) => pod))
  const missing = (acts: readonly Act[] = [], by: ReadonlySet<string>) => acts.filter((act) => !('error' in act) && !spared.has(act.pod) && !by.has(textOf(act)))
  return (
    [...extra].every((pod) => !spared.has(pod) && theirActions.every((act) => act.pod !== pod)) &&
    extra.size <= spared.size &&
    missing(theirActions, textsOf(ourActions)).length === 0 &&
    missing(theirs.unboost, textsOf(ours.unboost)).length === 0 &&
    (ours.unboost ?? []).every((act) => 'error' in act || textsOf(theirs.unboost).has(textOf(act)))
  )
}

/** What Go asks for without what the pod's spec says already. */
function withoutRepetition<T extends object>(acts: readonly T[], pods: readonly Pod[]): readonly T[] {
  return acts.flatMap((act) => {
    if (!isResize(act)) return [act]
    const pod = pods.find(({ name }) => name === act.pod)
    const changes = (act.patches ?? []).filter(({ path, value }) => !MAP.test(path) && !saysAlready(pod, path, value))
    const patches = (act.patches ?? []).filter((operation) => changes.includes(operation) || (MAP.test(operation.path) && changes.some(({ path }) => path.startsWith(`${operation.path}/`))))
    return patches.length === 0 ? [] : [{ ...act, patches }]
  })
}

/** Pods of which Go asks nothing but what their spec says already. */
function repeated({ actions = [], unboost = [] }: Acts, pods: readonly Pod[]): readonly string[] {
  return [...actions, ...unboost].filter((act) => isResize(act) && withoutRepetition([act], pods).length === 0).map((act) => (act as Action).pod)
}

function saysAlready(pod: Pod | undefined, path: string, value: unknown): boolean {
  const [, index = '', list, resource = ''] = AMOUNT.exec(path) ?? []
  const amount = pod?.containers[Number(index)]?.[list as 'requests' | 'limits']?.[resource]
  return amount !== undefined && amount.nanos === parseQuantity(String(value))?.nanos
}

function isRefused(input: UpdaterInput, pod: Pod): boolean {
  const plan = planResize(newPass(input).pass.capInput(pod), parseTime(input.now) ?? 0)
  return plan.do === 'nothing' && plan.why === 'qos-class'
}

function restarts({ containers }: Pod): boolean {
  return containers.some(({ restartsOnResizeOf }) => restartsOnResizeOf.length > 0)
}

function isResize(act: object): act is Action {
  return 'subresource' in act && act.subresource === 'resize'
}

function isInfeasibleNote({ subresource, patches = [] }: Action): boolean {
  return subresource === '' && patches.some(({ path }) => path === '/metadata/annotations/vpaInfeasibleResize')
}

function textsOf(acts: readonly Act[] = []): ReadonlySet<string> {
  return new Set(acts.map(textOf))
}

export function textOf(act: Act): string {
  if ('error' in act) return act.error
  const { action, pod, subresource, patches } = act
  return JSON.stringify([action, pod, subresource, patches?.map(({ op, path, value }) => [op, path, value ?? null])])
}
