import type { Pod } from '@vpa/core/api/pod.ts'
import { MINUTE } from '@vpa/core/time.ts'
import { changeDirections } from '@vpa/core/update/change-directions.ts'
import { type EvictionPermission, evictionPermission } from '@vpa/core/update/decide-resize.ts'
import type { Outcome } from '@vpa/kube/cluster.ts'
import { regardingPod, regardingVpa } from '@vpa/kube/regarding.ts'
import { type Candidate, chooseCandidates, noteHindrance } from './candidates.ts'
import { note, noteLeftAlone } from './decision.ts'
import type { Admission } from './outcome-watch.ts'
import type { VpaPass } from './vpa-pass.ts'

/** For so long a pod that may have been evicted counts as gone, however late its watch is. */
const LEAVING_TIME = 2 * MINUTE

/** Whether the pod's group can spare it now. */
export function permissionToEvict({ groupOf, resizeTimes, now }: VpaPass, pod: Pod): EvictionPermission {
  return evictionPermission(pod, groupOf(pod), resizeTimes.elapsed(pod, now))
}

/** Chooses the pods that should be updated and that their groups can spare, the most urgent first. Notes why the others are not chosen. */
export function chooseEvictable(pass: VpaPass, pods: readonly Pod[]): readonly Candidate[] {
  const spared: Pod[] = []
  for (const pod of pods) {
    const permission = permissionToEvict(pass, pod)
    if (permission === 'granted') spared.push(pod)
    else noteHindrance(pass, pod, permission)
  }
  return chooseCandidates(pass, spared)
}

/**
 * Evicts in this order as many as their groups can spare. What the API server does not allow now is tried again in the next loop.
 *
 * @returns false when the loop has come to its end
 */
export async function evictPods(pass: VpaPass, chosen: readonly Candidate[]): Promise<boolean> {
  pass.tally.evictable = chosen.length
  if (chosen.length === 0) return true
  const podsBefore = new Set(pass.allPodsOf.get(pass.vpa)?.map(({ uid }) => uid))
  for (const [index, candidate] of chosen.entries()) {
    const permission = permissionToEvict(pass, candidate.pod)
    if (permission !== 'granted') {
      noteLeftAlone(pass, candidate.pod, permission)
      continue
    }
    const admission = await admit(pass, candidate, podsBefore)
    if (admission !== undefined && 'held' in admission) {
      // What holds one pod of a VPA back holds all.
      for (const { pod } of chosen.slice(index)) noteLeftAlone(pass, pod, admission.held)
      return !pass.signal.aborted
    }
    await pass.evictionLimit.take(pass.signal)
    if (pass.signal.aborted) {
      if (admission !== undefined) pass.outcomes?.cancel(admission.granted)
      pass.tally.failedEvictions.EvictionRateLimiterWaitFailed += 1
      return false
    }
    const { outcome } = await evict(pass, candidate)
    if (admission === undefined) continue
    if (mayBeDone(outcome)) pass.outcomes?.done(admission.granted)
    else pass.outcomes?.cancel(admission.granted)
  }
  return true
}

/** undefined where outcomes are not looked at. */
function admit({ outcomes, vpa, signal, groupOf }: VpaPass, { pod, recommendation, why }: Candidate, podsBefore: ReadonlySet<string>): Promise<Admission> | undefined {
  return outcomes?.admit({ vpa, pod, podsBefore, directions: changeDirections(pod, recommendation), urgent: why === 'quick-oom', groupSize: groupOf(pod)?.configured ?? 0 }, signal)
}

async function evict(pass: VpaPass, { pod, why }: Candidate): Promise<Outcome> {
  const { cluster, log, vpa, tally, groupOf, leaving, uptime } = pass
  const { namespace, name, uid } = pod
  const fields = { pod: `${namespace}/${name}` }
  log.info('Evicting pod', fields)
  const answer = await cluster.evict({ namespace, name, uid })
  // A pod that went by itself is missing in its group just as well; one that nobody can tell of may be.
  if (answer.outcome === 'gone' || mayBeDone(answer.outcome)) {
    groupOf(pod)?.recordEviction(pod)
    leaving.set(uid, uptime + LEAVING_TIME)
  }
  if (answer.outcome !== 'done') {
    const level = answer.outcome === 'rejected' ? 'warn' : 'info'
    log[level]('Eviction failed', { ...fields, why: answer.outcome, reason: answer.message })
    noteLeftAlone(pass, pod, answer.outcome)
    tally.failedEvictions.EvictionError += 1
    return answer
  }
  note(pass, pod, { do: 'evict', why })
  tally.evicted += 1
  cluster.event({
    regarding: regardingPod(pod),
    type: 'Normal',
    reason: 'EvictedByVPA',
    message: 'Pod was evicted by VPA Updater to apply resource recommendation.',
  })
  cluster.event({
    regarding: regardingVpa(vpa),
    type: 'Normal',
    reason: 'EvictedPod',
    message: `VPA Updater evicted Pod ${name} to apply resource recommendation.`,
  })
  return answer
}

function mayBeDone(outcome: Outcome['outcome']): boolean {
  return outcome === 'done' || outcome === 'unknown'
}
