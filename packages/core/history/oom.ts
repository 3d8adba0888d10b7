import { type Amount, isUsage } from '../amount.ts'
import type { EvictionEvent } from '../api/eviction-event.ts'
import type { ContainerStatus, Pod } from '../api/pod.ts'
import { currentResources } from '../policy/current-resources.ts'
import { parseQuantity, wholeValue } from '../quantity.ts'
import type { EpochMs } from '../time.ts'
import type { ContainerId } from './usage-history.ts'

/** A container that was killed because it used more memory than it may. */
export interface Oom extends ContainerId {
  readonly at: EpochMs
  /** What it had requested, or used when its pod was evicted; in bytes, 0 for nothing. */
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

/** The latest OOM of each container, as a pod tells that is seen for the first time. */
export function oomsToldBy(pod: Pod): readonly Oom[] {
  return pod.containerStatuses.flatMap(({ name, terminated, lastTermination }) => {
    const killed = [terminated, lastTermination].find((termination) => termination?.reason === 'OOMKilled')
    return killed ? oomOf(pod, name, killed.finishedAt) : []
  })
}

/**
 * Containers that used more memory than they requested when their node ran short of it. The kubelet evicts such a pod before
 * anything is killed, and only its event tells (upstream: oom/observer.go, parseEvictionEvent).
 *
 * @returns nothing of amounts that are none
 */
export function oomsOfEviction({ namespace, podName, at, offenders }: EvictionEvent): readonly Oom[] {
  if (podName === undefined || at === undefined) return []
  return offenders.flatMap(({ containerName, usage, starvedResource }) => {
    const used = parseQuantity(usage)
    const bytes = used === undefined ? Number.NaN : Number(wholeValue(used))
    return starvedResource === 'memory' && isUsage(bytes) ? [{ namespace, podName, containerName, at, requested: bytes }] : []
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
