import type { Pod } from '../api/pod.ts'
import { BOOST_ANNOTATION_PREFIX } from '../api/pod-annotations.ts'
import type { Vpa } from '../api/vpa.ts'
import { policyFor } from '../policy/container-policy.ts'
import { type DurationMs, type EpochMs, SECOND } from '../time.ts'

/** Whether any container still has the extra CPU it was given for its start. */
export function isBoosted(pod: Pod): boolean {
  return boostedContainers(pod).length > 0
}

/**
 * Containers whose boost is over: the pod is ready, and has been for longer than `durationSeconds`
 * of the container's policy, otherwise of the VPA, otherwise 0.
 */
export function expiredBoosts(pod: Pod, vpa: Vpa, now: EpochMs): readonly string[] {
  const ready = pod.conditions.find(({ type }) => type === 'Ready')
  if (ready?.status !== 'True') return []
  const readyFor = now - (ready.changedAt ?? 0)
  return boostedContainers(pod).filter((name) => {
    const duration = boostDuration(vpa, name)
    return duration === 0 || readyFor > duration
  })
}

function boostDuration({ spec }: Vpa, containerName: string): DurationMs {
  const policy = policyFor(spec.resourcePolicy?.containerPolicies, containerName)
  return (policy?.startupBoost?.cpu?.durationSeconds ?? spec.startupBoost?.cpu?.durationSeconds ?? 0) * SECOND
}

/** By name. */
export function boostedContainers(pod: Pod): readonly string[] {
  const keys = Object.keys(pod.annotations ?? {}).filter((key) => key.startsWith(BOOST_ANNOTATION_PREFIX))
  return keys.map((key) => key.slice(BOOST_ANNOTATION_PREFIX.length)).toSorted()
}
