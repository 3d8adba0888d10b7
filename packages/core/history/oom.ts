import type { Amount } from '../amount.ts'
import type { ContainerStatus, Pod } from '../api/pod.ts'
import { currentResources } from '../policy/current-resources.ts'
import { wholeValue } from '../quantity.ts'
import type { EpochMs } from '../time.ts'
import type { ContainerId } from './usage-history.ts'

/** A container that was killed because it used more memory than it may. */
export interface Oom extends ContainerId {
  readonly at: EpochMs
  /** What it had requested, in bytes; 0 for nothing. */
  readonly requested: Amount
}

/**
 * The OOMs that a change of a pod tells of, each one once (upstream: oom/observer.go).
 *
 * A container is seen terminated, or running again with the OOM as its last state. One that waits in between, as in a
 * crash loop, is told of when it terminates and not again when it runs.
 */
export function oomsBetween(before: Pod, now: Pod): readonly Oom[] {
  return now.containerStatuses.flatMap((status) => {
    const earlier = before.containerStatuses.find(({ name }) => name === status.name)
    const restarted = earlier !== undefined && status.restartCount > earlier.restartCount
    if (isOomKilled(status) && earlier !== undefined && (earlier.state !== 'terminated' || restarted)) {
      return oomOf(now, status.name, status.terminated?.finishedAt)
    }
    const ranOn = earlier?.state === 'running' && status.state === 'running' && restarted
    return ranOn && status.lastTermination?.reason === 'OOMKilled' ? oomOf(before, status.name, status.lastTermination.finishedAt) : []
  })
}

function isOomKilled({ state, terminated }: ContainerStatus): boolean {
  return state === 'terminated' && terminated?.reason === 'OOMKilled'
}

/** @param pod as it was when the container ran: an in-place resize may have changed the request since */
function oomOf(pod: Pod, containerName: string, at: EpochMs | undefined): readonly Oom[] {
  if (at === undefined) return []
  const requested = currentResources(pod, containerName).requests?.memory
  return [{ namespace: pod.namespace, podName: pod.name, containerName, at, requested: requested ? Number(wholeValue(requested)) : 0 }]
}
