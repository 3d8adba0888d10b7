import type { Pod } from '../api/pod.ts'
import type { Vpa } from '../api/vpa.ts'
import { policyFor } from '../policy/container-policy.ts'
import { type DurationMs, type EpochMs, SECOND } from '../time.ts'

/** Followed by the container's name; the value holds its resources before the boost. */
export const STARTUP_BOOST_PREFIX = 'vpaCpuStartupBoost/'

/** Whether any container still has the extra CPU it was given for its start. */
export function isBoosted(pod: Pod): boolean {
  return boostedContainers(pod).length > 0
}

/** A VPA may boost by itself or in the policy of a container. */
export function hasStartupBoost({ spec }: Vpa): boolean {
  return spec.startupBoost !== undefined || (spec.resourcePolicy?.containerPolicies ?? []).some(({ startupBoost }) => startupBoost !== undefined)
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

function boostedContainers(pod: Pod): readonly string[] {
  const keys = Object.keys(pod.annotations ?? {}).filter((key) => key.startsWith(STARTUP_BOOST_PREFIX))
  return keys.map((key) => key.slice(STARTUP_BOOST_PREFIX.length)).toSorted()
}
