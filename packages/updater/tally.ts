import type { Decision } from './decision.ts'

/** What one pass over a VPA's pods comes to; the metrics count it. */
export interface Tally {
  evictable: number
  evicted: number
  inPlaceUpdatable: number
  resized: number
  infeasibleSkipped: number
  /** One for each pod that was thought about. */
  readonly decisions: Decision[]
  /** Pods that should have other resources, by the reason why nothing was done. */
  readonly leftAlone: Map<string, number>
  readonly failedEvictions: Record<'EvictionError' | 'EvictionRateLimiterWaitFailed', number>
  readonly failedResizes: Record<'InPlaceUpdateError' | 'InPlaceUpdateInfeasible' | 'InPlaceUpdateRateLimiterWaitFailed' | 'UnboostError', number>
}

export function emptyTally(): Tally {
  return {
    evictable: 0,
    evicted: 0,
    inPlaceUpdatable: 0,
    resized: 0,
    infeasibleSkipped: 0,
    decisions: [],
    leftAlone: new Map(),
    failedEvictions: { EvictionError: 0, EvictionRateLimiterWaitFailed: 0 },
    failedResizes: { InPlaceUpdateError: 0, InPlaceUpdateInfeasible: 0, InPlaceUpdateRateLimiterWaitFailed: 0, UnboostError: 0 },
  }
}
