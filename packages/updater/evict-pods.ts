import type { Pod } from '@vpa/core/api/pod.ts'
import { MINUTE } from '@vpa/core/time.ts'
import { evictionPermission } from '@vpa/core/update/decide-resize.ts'
import type { VpaPass } from './vpa-pass.ts'

/** For so long a pod that may have been evicted counts as gone, however late its watch is. */
const LEAVING_TIME = 2 * MINUTE

/** Whether the pod's group can spare it now; the reason is logged. */
export function mayEvict(pass: VpaPass, pod: Pod): boolean {
  const permission = evictionPermission(pod, pass.groupOf(pod), pass.resizeTimes.elapsed(pod, pass.now))
  if (permission !== 'granted') pass.log.debug('Decided', { pod: `${pod.namespace}/${pod.name}`, do: 'nothing', why: permission })
  return permission === 'granted'
}

/**
 * Evicts in this order as many as their groups can spare. What the API server does not allow now is tried again in the next loop.
 *
 * @returns false when the loop has come to its end
 */
export async function evictPods(pass: VpaPass, pods: readonly Pod[]): Promise<boolean> {
  pass.tally.evictable = pods.length
  for (const pod of pods) {
    if (!mayEvict(pass, pod)) continue
    await pass.evictionLimit.take(pass.signal)
    if (pass.signal.aborted) {
      pass.tally.failedEvictions.EvictionRateLimiterWaitFailed += 1
      return false
    }
    await evict(pass, pod)
  }
  return true
}

async function evict({ cluster, log, vpa, tally, groupOf, leaving, now }: VpaPass, pod: Pod): Promise<void> {
  const { namespace, name, uid } = pod
  const fields = { pod: `${namespace}/${name}` }
  log.info('Evicting pod', fields)
  const answer = await cluster.evict({ namespace, name, uid })
  // A pod that went by itself is missing in its group just as well; one that nobody can tell of may be.
  if (answer.outcome === 'done' || answer.outcome === 'gone' || answer.outcome === 'unknown') {
    groupOf(pod)?.recordEviction(pod)
    leaving.set(uid, now + LEAVING_TIME)
  }
  if (answer.outcome !== 'done') {
    const level = answer.outcome === 'rejected' ? 'warn' : 'info'
    log[level]('Eviction failed', { ...fields, why: answer.outcome, reason: answer.message })
    tally.failedEvictions.EvictionError += 1
    return
  }
  tally.evicted += 1
  cluster.event({
    regarding: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid },
    type: 'Normal',
    reason: 'EvictedByVPA',
    message: 'Pod was evicted by VPA Updater to apply resource recommendation.',
  })
  cluster.event({
    regarding: { apiVersion: vpa.apiVersion, kind: 'VerticalPodAutoscaler', namespace, name: vpa.name, uid: vpa.uid },
    type: 'Normal',
    reason: 'EvictedPod',
    message: `VPA Updater evicted Pod ${name} to apply resource recommendation.`,
  })
}
