import type { JsonPatch } from '@vpa/core/admit/json-patch.ts'
import { containerResources } from '@vpa/core/admit/resources.ts'
import { BOOST_ANNOTATION_PREFIX, hasStartupBoost } from '@vpa/core/admit/startup-boost.ts'
import { projectLimitRange } from '@vpa/core/api/limit-range.ts'
import { type Pod, projectPod } from '@vpa/core/api/pod.ts'
import { type Recommendation, VpaStatus, projectVpa, resourceListJson, updateModeOf } from '@vpa/core/api/vpa.ts'
import { capToPod } from '@vpa/core/policy/cap-to-pod.ts'
import { controllerOf } from '@vpa/core/target/owner.ts'
import type { WorkloadLookup } from '@vpa/core/target/workload.ts'
import { HOUR, SECOND, parseDuration, parseTime } from '@vpa/core/time.ts'
import { decideUpdate } from '@vpa/core/update/decide.ts'
import { asksForLess } from '@vpa/core/update/decide-resize.ts'
import { priorityOf } from '@vpa/core/update/priority.ts'
import { ResizeTimes } from '@vpa/core/update/resize-status.ts'
import { expiredBoosts, isBoosted } from '@vpa/core/update/startup-boost-expiry.ts'
import type { Outcome, Store } from '@vpa/kube/cluster.ts'
import { systemClock } from '@vpa/kube/clock.ts'
import { RateLimit } from '@vpa/kube/rate-limit.ts'
import { candidates } from '../../packages/updater/candidates.ts'
import { mayEvict } from '../../packages/updater/evict-pods.ts'
import { decide, isWorthAsking, mayUnboost, unboostPods } from '../../packages/updater/resize-pods.ts'
import { emptyTally } from '../../packages/updater/tally.ts'
import { updatePods } from '../../packages/updater/update-vpa.ts'
import { type LoopContext, type VpaPass, recommendationFor, vpaPass } from '../../packages/updater/vpa-pass.ts'
import { judgePod, withoutZeroExponents } from './differences.ts'
import { type Vector, type Verdict, compare } from './verdict.ts'

interface UpdaterInput {
  readonly now: string
  readonly featureGates: Readonly<Record<string, boolean>>
  readonly flags: Readonly<Record<string, unknown>>
  readonly vpa: unknown
  readonly pods: readonly unknown[]
  readonly limitRanges: readonly unknown[]
  readonly controller: { readonly kind: string; readonly name: string; readonly replicas: number }
  readonly infeasibleAttempts?: Readonly<Record<string, unknown>>
  readonly resizeFirstSeenSecondsAgo?: number
}

/** What the runner compares, each by itself: where Go crashed in one, the others are still compared. */
const SECTIONS = ['pods', 'sorted', 'loop'] as const
interface Sections {
  readonly pods: unknown
  readonly sorted: unknown
  readonly loop: Loop
}

/** Runs one vector of kind `updater`: the updater's own passes over one VPA, against a cluster that only takes notes. */
export async function runUpdater(vector: Vector): Promise<Verdict> {
  const input = vector.input as UpdaterInput
  const actual: Sections = { ...judgements(input), loop: await loop(input) }
  const expected = comparable(vector)
  for (const section of SECTIONS) {
    if (hasCrashed(expected, section)) continue
    const verdict = compare({ [section]: actual[section] }, { ...vector, expected: { [section]: expected[section] } })
    if (verdict === 'pass' || (section === 'loop' && isCautious(input, actual.loop, expected.loop))) continue
    return judgeEachPod(actual, vector, input, verdict)
  }
  return 'pass'
}

/** Leaves out Go's nulls for empty lists and maps, and how long a boost will last: our loop looks again instead of setting a timer. */
function comparable(vector: Vector): Partial<Sections> & Record<string, unknown> {
  return JSON.parse(JSON.stringify(withoutZeroExponents(vector).expected, (key, value: unknown) => ((value === null && key !== 'value') || key === 'remainingSeconds' ? undefined : value)))
}

/** Go crashes on owner references without `controller`, and where a LimitRange of type Pod meets a container without recommendation. */
function hasCrashed(expected: Partial<Sections> & Record<string, unknown>, section: keyof Sections): boolean {
  const { loop } = expected as { loop?: { panic?: boolean } }
  return expected['panic'] === true || (section === 'loop' ? loop?.panic === true : expected['priorityPanic'] !== undefined)
}

/**
 * Where we do less than Go in a loop, on purpose, and nothing that it would not do; see README, Differences:
 * a pod without a controller is left alone, as nothing would bring it back; a controller that does not say how many pods
 * it wants is taken to want those it has, so that it does not lose all of them at once; and a pod that no group can spare
 * is not tried to be resized (Go fails before it sends anything).
 */
function isCautious({ pods, controller }: UpdaterInput, loop: Loop, expected: Loop | undefined): boolean {
  const hasOrphan = pods.map(projectPod).some((pod) => controllerOf(pod) === undefined)
  const isTriedInVain = (expected?.errors ?? []).some(({ error }) => error.includes('not in replicated pods map'))
  const allowed = new Set((expected?.actions ?? []).map(actionText))
  return (hasOrphan || isTriedInVain || controller.kind === 'Custom') && loop.actions.every((action) => allowed.has(actionText(action)))
}

function actionText({ action, pod, subresource, patches }: Action): string {
  return JSON.stringify([action, pod, subresource, patches?.map(({ op, path, value }) => [op, path, value ?? null])])
}

/** The differences about what one pod should have apply here as well. */
function judgeEachPod(actual: Sections, vector: Vector, input: UpdaterInput, verdict: Verdict): Verdict {
  const { pass, pods } = newPass(input)
  const expected = comparable(vector)
  const judged = pods.map((pod) => judgePod(actual, { ...vector, expected }, pass.capInput(pod), containerResources(pass.capInput(pod))))
  return judged.includes('pass') ? 'pass' : verdict
}

function judgements(input: UpdaterInput): { pods: object[]; sorted: string[] } {
  const { pass, pods } = newPass(input)
  const judged = pods.map((pod) => {
    const recommendation = recommendationFor(pass, pod)
    const processed = capToPod(pass.capInput(pod))?.recommendation
    const { outsideRange, scaleUp, resourceDifference } = priorityOf(pod, recommendation)
    const refused = updateModeOf(pass.vpa) === 'InPlace' ? pass.infeasible.get(pod.uid) : undefined
    const decision = decideUpdate({ vpa: pass.vpa, pod, recommendation }, pass.now, pass.options)
    const isRefused = refused !== undefined && !asksForLess(recommendation, refused)
    return {
      pod: pod.name,
      processed: processed && recommendationJson(processed),
      outsideRecommendedRange: outsideRange,
      scaleUp,
      resourceDiff: resourceDifference,
      accepted: !isRefused && (decision.do === 'update' || decision.why === 'eviction-requirements'),
      admitted: !isRefused && decision.do === 'update',
    }
  })
  return { pods: judged, sorted: candidates(pass, pods).map(({ name }) => name) }
}

interface Action {
  readonly action: 'evict' | 'patch'
  readonly pod: string
  readonly subresource?: string
  readonly patches?: JsonPatch
}

interface ResizeError {
  readonly pod: string
  readonly error: string
}

interface Loop {
  readonly actions: readonly Action[]
  readonly errors: readonly ResizeError[]
  readonly [part: string]: unknown
}

async function loop(input: UpdaterInput): Promise<Loop> {
  const { pass, pods, notes } = newPass(input)
  const gateOff = updateModeOf(pass.vpa) === 'InPlace' && !pass.options.inPlaceOnly
  const canEvict = byName(pods, (pod) => mayEvict(pass, pod))
  const inPlaceDecision = byName(pods, (pod) => (gateOff ? 'InPlaceDeferred' : decisionName(pass, pod)))
  const boost = byName(pods, (pod) => boostOf(pass, pod))
  const unboost = []
  for (const [index, pod] of pods.entries()) {
    if (!mayUnboost(pass, pod)) continue
    const alone = newPass(input)
    await unboostPods(alone.pass, alone.pods.slice(index, index + 1))
    unboost.push(...(alone.notes.actions.length > 0 ? alone.notes.actions : alone.notes.errors))
  }

  const ordinary = pass.options.startupBoost && hasStartupBoost(pass.vpa) ? pods.filter((pod) => !isBoosted(pod)) : pods
  const mode = updateModeOf(pass.vpa)
  const inPlace = (mode === 'InPlace' && !gateOff) || mode === 'InPlaceOrRecreate'
  const forInPlace = inPlace ? candidates(pass, ordinary.filter((pod) => isWorthAsking(pass, pod))) : []
  const forEviction = mode === 'Recreate' || mode === 'Auto' ? candidates(pass, ordinary.filter((pod) => mayEvict(pass, pod))) : []
  notes.events.length = 0
  await updatePods(pass, ordinary)
  const { actions, events, errors } = notes
  return { canEvict, inPlaceDecision, boost, unboost, forInPlace: forInPlace.map(({ name }) => name), forEviction: forEviction.map(({ name }) => name), actions, events, errors }
}

function newPass(input: UpdaterInput) {
  const now = parseTime(input.now) ?? 0
  const pods = input.pods.map(projectPod)
  const { cluster, notes } = notingCluster(input)
  const resizeTimes = new ResizeTimes()
  resizeTimes.observe(pods, now - (input.resizeFirstSeenSecondsAgo ?? 0) * SECOND)
  const infeasible = Object.entries(input.infeasibleAttempts ?? {}).map(([uid, attempt]) => [uid, VpaStatus.parse({ recommendation: attempt }).recommendation?.containerRecommendations ?? []] as const)
  const unlimited = new RateLimit({ rate: 0, burst: 1, clock: systemClock })
  const context: LoopContext = {
    cluster,
    log: silentLog(notes.errors),
    now,
    options: options(input),
    evictionLimit: unlimited,
    resizeLimit: unlimited,
    resizeTimes,
    infeasible: new Map(infeasible),
    signal: new AbortController().signal,
  }
  return { pass: vpaPass(context, projectVpa(input.vpa), pods, emptyTally()), pods, notes }
}

function options({ flags, featureGates }: UpdaterInput): LoopContext['options'] {
  return {
    lifetimeThreshold: duration(flags['in-recommendation-bounds-eviction-lifetime-threshold']),
    minimumDifference: Number(flags['pod-update-threshold']),
    evictAfterOomThreshold: duration(flags['evict-after-oom-threshold']),
    perVpaConfig: featureGates['PerVPAConfig'] === true,
    minReplicas: Number(flags['min-replicas']),
    evictionTolerance: Number(flags['eviction-tolerance']),
    inPlaceSkipDisruptionBudget: flags['in-place-skip-disruption-budget'] === true,
    startupBoost: featureGates['CPUStartupBoost'] === true,
    inPlaceOnly: featureGates['InPlace'] === true,
  }
}

function duration(text: unknown): number {
  return parseDuration(String(text)) ?? 12 * HOUR
}

function notingCluster({ controller, limitRanges }: UpdaterInput) {
  const notes = { actions: [] as Action[], events: [] as string[], errors: [] as ResizeError[] }
  const done: Outcome = { outcome: 'done' }
  const patched = (pod: string, subresource: string, patches: JsonPatch) => {
    notes.actions.push({ action: 'patch', pod, subresource, patches: patches.map(({ op, path, value }) => ({ op, path, value: value ?? null })) })
    return Promise.resolve(done)
  }
  const workload: WorkloadLookup = (namespace, ref) =>
    ref.name !== controller.name || ref.kind === 'Custom' || ref.kind === 'Job'
      ? { missing: 'not-found', message: `${ref.kind} ${namespace}/${ref.name} does not exist` }
      : { found: { ...ref, namespace, owners: [], replicas: controller.replicas } }
  const cluster: LoopContext['cluster'] = {
    workload,
    limitRanges: storeOf(limitRanges.map(projectLimitRange)),
    evict: ({ name }) => {
      notes.actions.push({ action: 'evict', pod: name })
      return Promise.resolve(done)
    },
    resize: ({ name }, patch) => patched(name, 'resize', patch),
    patchPod: ({ name }, patch) => patched(name, '', patch),
    event: ({ type, reason, message }) => notes.events.push(`${type} ${reason} ${message}`),
  }
  return { cluster, notes }
}

function decisionName(pass: VpaPass, pod: Pod): string {
  const { do: action, why } = decide(pass, pod)
  switch (action) {
    case 'resize':
      if (why === 'infeasible') return 'InPlaceInfeasible'
      return why === 'never-evicts' ? 'InPlaceDeferred' : 'InPlaceApproved'
    case 'evict':
      return 'InPlaceEvict'
    case 'nothing':
      return why === 'infeasible-before' ? 'InPlaceInfeasibleCached' : 'InPlaceDeferred'
  }
}

function boostOf(pass: VpaPass, pod: Pod): object {
  const expired = expiredBoosts(pod, pass.vpa, pass.now).map((name) => BOOST_ANNOTATION_PREFIX + name)
  return { canUnboost: mayUnboost(pass, pod), expired: expired.length > 0 ? expired : undefined }
}

function recommendationJson(recommendation: Recommendation): object[] {
  return recommendation.map(({ containerName, ...amounts }) => {
    const lists = Object.entries(amounts).filter(([, list]) => list !== undefined)
    return { containerName, ...Object.fromEntries(lists.map(([name, list]) => [name, resourceListJson(list ?? {})])) }
  })
}

function byName<T>(pods: readonly Pod[], valueOf: (pod: Pod) => T): Record<string, T> {
  return Object.fromEntries(pods.map((pod) => [pod.name, valueOf(pod)]))
}

const silent = () => {}

/** Keeps what Go reports as an error: its text is the reason of a failed resize. */
function silentLog(errors: ResizeError[]): LoopContext['log'] {
  const log: LoopContext['log'] = {
    debug: silent,
    info: silent,
    error: silent,
    warn: (message, fields) => {
      if (message === 'In-place resize failed') errors.push({ pod: String(fields?.['pod']).replace(/.*\//, ''), error: String(fields?.['why']) })
    },
    child: () => log,
  }
  return log
}

function storeOf<T>(items: readonly T[]): Store<T> {
  return { get: () => undefined, list: () => items, size: items.length, heardAt: undefined, subscribe: () => () => {} }
}
