import type { Pod } from '@vpa/core/api/pod.ts'
import { updateModeOf } from '@vpa/core/api/vpa.ts'
import { type ResizeDecision, decideResize } from '@vpa/core/update/decide-resize.ts'
import { infeasiblePatch } from '@vpa/core/update/infeasible-annotation.ts'
import { planResize } from '@vpa/core/update/resize-patch.ts'
import { resizeStatusOf } from '@vpa/core/update/resize-status.ts'
import { expiredBoosts } from '@vpa/core/update/startup-boost-expiry.ts'
import { regardingPod } from '@vpa/kube/regarding.ts'
import { type Candidate, chooseCandidates, noteHindrance } from './candidates.ts'
import { note, noteLeftAlone } from './decision.ts'
import { type VpaPass, infeasibleFor } from './vpa-pass.ts'

/** What came of a resize. `later`: neither done nor refused as far as is known; the next loop looks again. */
type Resized = { readonly outcome: 'done' } | { readonly outcome: 'later' | 'infeasible' | 'failed'; readonly why: string }

/** Chooses the pods that should be updated and that may be resized, or evicted instead, the most urgent first. Notes why the others are not chosen. */
export function chooseResizable(pass: VpaPass, pods: readonly Pod[]): readonly Candidate[] {
  const possible: Pod[] = []
  for (const pod of pods) {
    const decision = decide(pass, pod)
    if (decision.do !== 'nothing') possible.push(pod)
    else if (decision.why === 'infeasible-before') noteInfeasibleBefore(pass, pod)
    else noteHindrance(pass, pod, decision.why)
  }
  return chooseCandidates(pass, possible)
}

/**
 * Resizes pods in place as far as their groups can spare a restart of containers.
 *
 * @returns the pods that are to be evicted instead; undefined when the loop has come to its end
 */
export async function resizePods(pass: VpaPass, pods: readonly Pod[]): Promise<readonly Candidate[] | undefined> {
  const inPlaceOnly = updateModeOf(pass.vpa) === 'InPlace'
  const chosen = chooseResizable(pass, pods)
  pass.tally.inPlaceUpdatable = chosen.length
  const fallBacks: Candidate[] = []
  for (const candidate of chosen) {
    const { pod } = candidate
    // Decided anew: what was done to other pods of the group counts by now.
    const decision = decide(pass, pod)
    if (decision.do === 'nothing') noteLeftAlone(pass, pod, decision.why)
    if (decision.do === 'evict') fallBacks.push(candidate)
    if (decision.do !== 'resize') continue
    const answer = await limitedResize(pass, pod, candidate.why)
    if (answer === undefined) return undefined
    if (decision.why === 'infeasible' || (inPlaceOnly && answer.outcome === 'infeasible')) await remember(pass, pod)
    if (hasFailed(answer)) pass.tally.failedResizes[inPlaceOnly && answer.outcome === 'infeasible' ? 'InPlaceUpdateInfeasible' : 'InPlaceUpdateError'] += 1
    if (hasFailed(answer) && !inPlaceOnly) {
      pass.log.warn('In-place resize failed, falling back to eviction', { pod: `${pod.namespace}/${pod.name}` })
      fallBacks.push(candidate)
    } else if (answer.outcome !== 'done') {
      noteLeftAlone(pass, pod, answer.why)
    }
  }
  return fallBacks
}

/**
 * Takes back startup boosts that are over. Never evicts.
 *
 * @returns false when the loop has come to its end
 */
export async function unboostPods(pass: VpaPass, pods: readonly Pod[]): Promise<boolean> {
  for (const pod of pods) {
    if (!mayUnboost(pass, pod)) continue
    const answer = await limitedResize(pass, pod, 'boost-over')
    if (answer === undefined) return false
    if (answer.outcome !== 'done') noteLeftAlone(pass, pod, answer.why)
    if (hasFailed(answer)) pass.tally.failedResizes.UnboostError += 1
  }
  return true
}

export function mayUnboost({ vpa, now, groupOf }: VpaPass, pod: Pod): boolean {
  if (expiredBoosts(pod, vpa, now).length === 0) return false
  return pod.phase !== 'Pending' && resizeStatusOf(pod) === undefined && groupOf(pod)?.resizing() === 'granted'
}

export function decide(pass: VpaPass, pod: Pod): ResizeDecision {
  const { vpa, groupOf, resizeTimes, now, options } = pass
  return decideResize(pod, {
    vpa,
    group: groupOf(pod),
    resizingFor: resizeTimes.elapsed(pod, now),
    infeasible: infeasibleFor(pass, pod),
    skipDisruptionBudget: options.inPlaceSkipDisruptionBudget,
  })
}

function noteInfeasibleBefore(pass: VpaPass, pod: Pod): void {
  note(pass, pod, { do: 'nothing', why: 'infeasible-before' })
  pass.tally.infeasibleSkipped += 1
  pass.hourly.tell(`${pod.uid}/infeasible`, pass.uptime, () =>
    pass.cluster.event({
      regarding: regardingPod(pod),
      type: 'Normal',
      reason: 'InPlaceResizeSkipped',
      message: 'Previously recorded in-place update was infeasible, current recommendation is not lower than previous, skipping resize',
    }),
  )
}

function hasFailed({ outcome }: Resized): boolean {
  return outcome === 'failed' || outcome === 'infeasible'
}

/** In memory, and on the pod for the time after a restart. */
async function remember({ vpa, infeasible, cluster, log }: VpaPass, pod: Pod): Promise<void> {
  const refused = vpa.status.recommendation?.containerRecommendations ?? []
  infeasible.set(pod.uid, refused)
  const patch = infeasiblePatch(pod, refused)
  const answer = patch && (await cluster.patchPod(pod, patch))
  if (answer && answer.outcome !== 'done') log.info('Failed to annotate the pod whose resize is infeasible', { pod: `${pod.namespace}/${pod.name}`, why: answer.outcome, reason: answer.message })
}

/** @returns undefined when the loop has come to its end */
async function limitedResize(pass: VpaPass, pod: Pod, why: string): Promise<Resized | undefined> {
  await pass.resizeLimit.take(pass.signal)
  if (!pass.signal.aborted) return resize(pass, pod, why)
  pass.tally.failedResizes.InPlaceUpdateRateLimiterWaitFailed += 1
  return undefined
}

/** Notes what is done; who asked for it notes that nothing is, unless the pod may be evicted instead. */
async function resize(pass: VpaPass, pod: Pod, why: string): Promise<Resized> {
  const { cluster, log, tally, groupOf, capInput, now } = pass
  const { namespace, name, uid } = pod
  const fields = { pod: `${namespace}/${name}` }
  const plan = planResize(capInput(pod), now)
  if (plan.do === 'nothing') {
    if (plan.why === 'asked-for-already') return { outcome: 'later', why: plan.why }
    log.warn('In-place resize failed', { ...fields, why: plan.why === 'qos-class' ? plan.why : 'no resource patches were calculated to apply' })
    return { outcome: 'failed', why: plan.why }
  }
  log.info('Resizing pod in place', fields)
  const answer = plan.resources.length > 0 ? await cluster.resize({ namespace, name, uid }, plan.resources) : ({ outcome: 'done' } as const)
  if (answer.outcome === 'unknown') groupOf(pod)?.recordResize()
  if (answer.outcome !== 'done') {
    log.warn('In-place resize failed', { ...fields, why: answer.outcome, reason: answer.message })
    if (answer.outcome === 'infeasible') return { outcome: 'infeasible', why: answer.outcome }
    return { outcome: answer.outcome === 'rejected' ? 'failed' : 'later', why: answer.outcome }
  }
  groupOf(pod)?.recordResize()
  note(pass, pod, { do: 'resize', why })
  tally.resized += 1
  cluster.event({ regarding: regardingPod(pod), type: 'Normal', reason: 'InPlaceResizedByVPA', message: 'Pod was resized in place by VPA Updater.' })
  const annotated = await cluster.patchPod({ namespace, name, uid }, plan.annotations)
  if (annotated.outcome !== 'done') log.info('Failed to annotate the resized pod', { ...fields, why: annotated.outcome, reason: annotated.message })
  return { outcome: 'done' }
}
