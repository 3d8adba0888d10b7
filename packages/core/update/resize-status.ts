import type { Pod } from '../api/pod.ts'
import { type DurationMs, type EpochMs, HOUR, MINUTE } from '../time.ts'

/** What the kubelet says of a resize under way. `Unknown`: a condition that is not understood. */
export type ResizeStatus = 'Deferred' | 'Infeasible' | 'InProgress' | 'Error' | 'Unknown'

const DEFERRED_TIMEOUT: DurationMs = 5 * MINUTE
const IN_PROGRESS_TIMEOUT: DurationMs = HOUR

/** @returns undefined when the pod is not being resized */
export function resizeStatusOf({ conditions }: Pod): ResizeStatus | undefined {
  const first = conditions.find(({ type }) => type === 'PodResizePending' || type === 'PodResizeInProgress')
  if (first?.status !== 'True') return undefined
  const pending = conditions.find(({ type }) => type === 'PodResizePending')
  if (pending !== undefined) return pending.reason === 'Deferred' || pending.reason === 'Infeasible' ? pending.reason : 'Unknown'
  if (first.reason === '' && first.message === '') return 'InProgress'
  return first.reason === 'Error' ? 'Error' : 'Unknown'
}

/** Whether waiting any longer is of no use, so that the pod may be evicted instead (upstream: CanEvictInPlacingPod). */
export function isResizeStuck(status: ResizeStatus, elapsed: DurationMs): boolean {
  switch (status) {
    case 'Deferred':
      return elapsed > DEFERRED_TIMEOUT
    case 'InProgress':
      return elapsed > IN_PROGRESS_TIMEOUT
    case 'Infeasible':
    case 'Error':
    case 'Unknown':
      return true
  }
}

/**
 * Whether a resize under way, by whichever updater, may be restarting containers: a group must do without such a pod for now.
 * One that is stuck is no such pod: it is to be evicted, which its own absence must not forbid.
 */
export function isRestartingForResize(pod: Pod, elapsed: DurationMs): boolean {
  return resizeStatusOf(pod) === 'InProgress' && !isResizeStuck('InProgress', elapsed) && pod.containers.some(({ restartsOnResizeOf }) => restartsOnResizeOf.length > 0)
}

/**
 * Since when pods are being resized. It is kept from loop to loop for kubelets that do not say it in the condition;
 * forgotten when the resize is over, so that the next one is measured from its own start.
 */
export class ResizeTimes {
  #firstSeen = new Map<string, EpochMs>()

  /** To be called once per loop with all pods. */
  observe(pods: Iterable<Pod>, now: EpochMs): void {
    const seen = new Map<string, EpochMs>()
    for (const pod of pods) if (resizeStatusOf(pod) !== undefined) seen.set(pod.uid, this.#firstSeen.get(pod.uid) ?? now)
    this.#firstSeen = seen
  }

  elapsed(pod: Pod, now: EpochMs): DurationMs {
    const condition = pod.conditions.find(({ type }) => type === 'PodResizePending' || type === 'PodResizeInProgress')
    return now - (condition?.changedAt ?? this.#firstSeen.get(pod.uid) ?? now)
  }
}
