import { containerResources } from '@vpa/core/admit/resources.ts'
import { hasStartupBoost } from '@vpa/core/admit/startup-boost.ts'
import { type Pod, projectPod } from '@vpa/core/api/pod.ts'
import { BOOST_ANNOTATION_PREFIX } from '@vpa/core/api/pod-annotations.ts'
import { type Recommendation, resourceListJson, updateModeOf } from '@vpa/core/api/vpa.ts'
import { capToPod } from '@vpa/core/policy/cap-to-pod.ts'
import { controllerOf } from '@vpa/core/target/owner.ts'
import { decideUpdate } from '@vpa/core/update/decide.ts'
import { asksForLess } from '@vpa/core/update/decide-resize.ts'
import { priorityOf } from '@vpa/core/update/priority.ts'
import { expiredBoosts, isBoosted } from '@vpa/core/update/startup-boost-expiry.ts'
import { chooseCandidates } from '../../packages/updater/candidates.ts'
import { chooseEvictable, permissionToEvict } from '../../packages/updater/evict-pods.ts'
import { Hourly } from '../../packages/updater/hourly.ts'
import { chooseResizable, decide, mayUnboost, unboostPods } from '../../packages/updater/resize-pods.ts'
import { updatePods } from '../../packages/updater/update-vpa.ts'
import { type VpaPass, recommendationFor } from '../../packages/updater/vpa-pass.ts'
import { judgePod, withoutZeroExponents } from './differences.ts'
import { type Acts, type Comparison, differsInSparedPods, textOf, withoutResizeDifferences } from './resize-differences.ts'
import { type Action, type ResizeError, type UpdaterInput, newPass } from './updater-pass.ts'
import { type Vector, type Verdict, compare } from './verdict.ts'

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
    if (verdict === 'pass' || (section === 'loop' && isBetter(vector, actual.loop, expected.loop ?? {}))) continue
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
 * Where we do less than Go in a loop, on purpose, and nothing that it would not do; see docs/differences.md:
 * a pod without a controller is left alone, as nothing would bring it back; a controller that does not say how many pods
 * it wants is taken to want those it has, so that it does not lose all of them at once; and a pod that no group can spare
 * is not tried to be resized (Go fails before it sends anything).
 */
function isCautious({ pods, controller }: UpdaterInput, { ours, theirs, refused }: Comparison): boolean {
  const hasOrphan = pods.map(projectPod).some((pod) => controllerOf(pod) === undefined)
  const isTriedInVain = (theirs.errors ?? []).some(({ error }) => error.includes('not in replicated pods map'))
  const allowed = new Set((theirs.actions ?? []).map(textOf))
  return (hasOrphan || isTriedInVain || controller.kind === 'Custom') && (ours.actions ?? []).every((act) => allowed.has(textOf(act)) || (act.action === 'evict' && refused.has(act.pod)))
}

function isBetter(vector: Vector, actual: Loop, expected: Acts): boolean {
  const comparison = withoutResizeDifferences(vector.input as UpdaterInput, actual, expected)
  const verdict = compare({ loop: comparison.ours }, { ...vector, expected: { loop: comparison.theirs } })
  return verdict === 'pass' || isCautious(vector.input as UpdaterInput, comparison) || differsInSparedPods(comparison)
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
  return { pods: judged, sorted: chooseCandidates(pass, pods).map(({ pod }) => pod.name) }
}

interface Loop {
  readonly actions: readonly Action[]
  readonly errors: readonly ResizeError[]
  readonly [part: string]: unknown
}

async function loop(input: UpdaterInput): Promise<Loop> {
  const { pass, pods, notes } = newPass(input)
  const gateOff = updateModeOf(pass.vpa) === 'InPlace' && !pass.options.inPlaceOnly
  const canEvict = byName(pods, (pod) => permissionToEvict(pass, pod) === 'granted')
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
  const forInPlace = inPlace ? chooseResizable(pass, ordinary) : []
  const forEviction = mode === 'Recreate' || mode === 'Auto' ? chooseEvictable(pass, ordinary) : []
  notes.events.length = 0
  await updatePods({ ...pass, hourly: new Hourly() }, ordinary)
  const { actions, events, errors } = notes
  return { canEvict, inPlaceDecision, boost, unboost, forInPlace: forInPlace.map(({ pod }) => pod.name), forEviction: forEviction.map(({ pod }) => pod.name), actions, events, errors }
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

