import type { ContainerStatus, Pod } from '../api/pod.ts'
import type { ContainerPolicy, Recommendation } from '../api/vpa.ts'
import { policyFor, scalingModeOf } from '../policy/container-policy.ts'
import { currentResources } from '../policy/current-resources.ts'
import { compareQuantities } from '../quantity.ts'
import type { DurationMs, EpochMs } from '../time.ts'
import { observedContainers } from './observed-containers.ts'

/**
 * The containers that ran out of memory lately, and soon after their start: waiting for better knowledge would only repeat that.
 *
 * @param threshold for the container's life as well as for the time since its end
 */
export function quickOoms(pod: Pod, policies: readonly ContainerPolicy[] | undefined, threshold: DurationMs, now: EpochMs): readonly string[] {
  const isObserved = observedContainers(pod)
  return pod.containerStatuses
    .filter((status) => isObserved(status.name) && scalingModeOf(policyFor(policies, status.name)) !== 'Off' && wasKilledQuickly(status, threshold, now))
    .map(({ name }) => name)
}

/**
 * Whether some of the containers would get less memory than they ran out of, because the recommendation does not know of it yet
 * (the recommender's next loop may come after the updater's). A cap that takes it away is no such reason.
 *
 * @param recommendation fitted to the pod
 */
export function forgetsOom(pod: Pod, recommendation: Recommendation, containers: readonly string[]): boolean {
  return containers.some((name) => {
    const { target, uncappedTarget } = recommendation.find(({ containerName }) => containerName === name) ?? {}
    const had = currentResources(pod, name).requests?.memory
    const known = uncappedTarget?.memory ?? target?.memory
    return had !== undefined && known !== undefined && compareQuantities(known, had) < 0
  })
}

function wasKilledQuickly({ lastTermination }: ContainerStatus, threshold: DurationMs, now: EpochMs): boolean {
  if (lastTermination?.reason !== 'OOMKilled') return false
  const { startedAt, finishedAt } = lastTermination
  if (startedAt === undefined || finishedAt === undefined) return false
  return finishedAt - startedAt < threshold && now - finishedAt < threshold
}
