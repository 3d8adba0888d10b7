import type { ContainerStatus, Pod } from '../api/pod.ts'
import type { ContainerPolicy } from '../api/vpa.ts'
import { policyFor, scalingModeOf } from '../policy/container-policy.ts'
import type { DurationMs, EpochMs } from '../time.ts'
import { observedContainers } from './observed-containers.ts'

/**
 * Whether a container ran out of memory lately, and soon after its start: waiting for better knowledge would only repeat that.
 *
 * @param threshold for the container's life as well as for the time since its end
 */
export function hasQuickOom(pod: Pod, policies: readonly ContainerPolicy[] | undefined, threshold: DurationMs, now: EpochMs): boolean {
  const isObserved = observedContainers(pod)
  return pod.containerStatuses.some(
    (status) => isObserved(status.name) && scalingModeOf(policyFor(policies, status.name)) !== 'Off' && wasKilledQuickly(status, threshold, now),
  )
}

function wasKilledQuickly({ lastTermination }: ContainerStatus, threshold: DurationMs, now: EpochMs): boolean {
  if (lastTermination?.reason !== 'OOMKilled') return false
  const { startedAt, finishedAt } = lastTermination
  if (startedAt === undefined || finishedAt === undefined) return false
  return finishedAt - startedAt < threshold && now - finishedAt < threshold
}
