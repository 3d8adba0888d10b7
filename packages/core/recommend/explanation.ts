import type { VpaCondition, VpaStatus } from '../api/vpa.ts'
import type { EpochMs } from '../time.ts'

/** Conditions beyond those of the Go implementation. Each is there only while it holds. */
const EXPLANATIONS = ['LimitedByLimitRange', 'LimitedByQuota', 'LowConfidence', 'ScalingConflict', 'TargetConflict', 'TargetExceedsNodes'] as const

/** Why a recommendation is not what its users may expect, or will not have the effect that they may expect. */
export interface Explanation {
  readonly type: (typeof EXPLANATIONS)[number]
  /** One word for programs. */
  readonly reason: string
  /** A sentence for people. */
  readonly message: string
}

/** The status with these explanations and no others, each since it began to hold. */
export function withExplanations(status: VpaStatus, explanations: readonly Explanation[], before: VpaStatus, now: EpochMs): VpaStatus {
  const others = (status.conditions ?? []).filter(({ type }) => !(EXPLANATIONS as readonly string[]).includes(type))
  const conditions = explanations.map((explanation): VpaCondition => ({ ...explanation, status: 'True', lastTransitionTime: holding(before, explanation)?.lastTransitionTime ?? now }))
  return { ...status, conditions: [...others, ...conditions].toSorted((a, b) => (a.type < b.type ? -1 : 1)) }
}

/** What a status did not tell before: its users learn of it by an event. */
export function newlyHolding(explanations: readonly Explanation[], before: VpaStatus): readonly Explanation[] {
  return explanations.filter((explanation) => holding(before, explanation) === undefined)
}

function holding({ conditions = [] }: VpaStatus, { type }: Explanation): VpaCondition | undefined {
  return conditions.find((condition) => condition.type === type && condition.status === 'True')
}
