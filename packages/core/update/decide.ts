import type { Pod } from '../api/pod.ts'
import type { Recommendation, Vpa } from '../api/vpa.ts'
import { type DurationMs, type EpochMs, SECOND } from '../time.ts'
import { meetsEvictionRequirements } from './eviction-requirements.ts'
import { type Priority, priorityOf } from './priority.ts'
import { forgetsOom, quickOoms } from './quick-oom.ts'

export interface UpdateOptions {
  /** Pods within their range are left alone until they are this old. */
  readonly lifetimeThreshold: DurationMs
  /** Pods within their range are left alone while their resource difference is smaller. */
  readonly minimumDifference: number
  readonly evictAfterOomThreshold: DurationMs
  /** Whether the VPA's own `evictAfterOOMSeconds` counts (feature gate PerVPAConfig). */
  readonly perVpaConfig: boolean
  /** Whether a pod that ran out of memory waits for a recommendation that knows of it; the Go updater may give it less than it ran out of. */
  readonly waitsForOom: boolean
}

/** Whether a pod should get other resources, apart from whether its group can spare it now. */
export type UpdateDecision =
  | { readonly do: 'update'; readonly why: 'outside-range' | 'quick-oom' | 'old-and-different'; readonly priority: Priority }
  | { readonly do: 'nothing'; readonly why: 'not-started' | 'short-lived' | 'little-difference' | 'oom-but-nothing-to-change' | 'oom-not-known-yet' }
  | { readonly do: 'nothing'; readonly why: 'eviction-requirements'; readonly priority: Priority }

export interface UpdateCandidate {
  readonly pod: Pod
  readonly vpa: Vpa
  /** Fitted to the pod: policy, LimitRanges, container limits. */
  readonly recommendation: Recommendation
}

/**
 * A pod outside of its recommended range is updated at once; one inside only when it is old and the difference is worth it,
 * or when it ran out of memory soon after its start (upstream: UpdatePriorityCalculator.AddPod).
 */
export function decideUpdate(candidate: UpdateCandidate, now: EpochMs, options: UpdateOptions): UpdateDecision {
  const { pod, vpa, recommendation } = candidate
  const priority = priorityOf(pod, recommendation)
  const killed = quickOoms(pod, vpa.spec.resourcePolicy?.containerPolicies, oomThreshold(vpa, options), now)
  const quickOom = killed.length > 0
  if (quickOom && priority.resourceDifference === 0) return { do: 'nothing', why: 'oom-but-nothing-to-change' }
  if (options.waitsForOom && forgetsOom(pod, recommendation, killed)) return { do: 'nothing', why: 'oom-not-known-yet' }
  if (!priority.outsideRange && !quickOom) {
    if (pod.startedAt === undefined) return { do: 'nothing', why: 'not-started' }
    if (now - pod.startedAt < options.lifetimeThreshold) return { do: 'nothing', why: 'short-lived' }
    if (priority.resourceDifference < options.minimumDifference) return { do: 'nothing', why: 'little-difference' }
  }
  const { updatePolicy } = vpa.spec
  const allowed = updatePolicy === undefined || meetsEvictionRequirements(pod, recommendation, updatePolicy.evictionRequirements ?? [])
  if (!allowed) return { do: 'nothing', why: 'eviction-requirements', priority }
  return { do: 'update', why: priority.outsideRange ? 'outside-range' : quickOom ? 'quick-oom' : 'old-and-different', priority }
}

function oomThreshold(vpa: Vpa, { perVpaConfig, evictAfterOomThreshold }: UpdateOptions): DurationMs {
  const seconds = perVpaConfig ? vpa.spec.updatePolicy?.evictAfterOOMSeconds : undefined
  return seconds === undefined ? evictAfterOomThreshold : seconds * SECOND
}
