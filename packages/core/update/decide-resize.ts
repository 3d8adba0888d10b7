import type { Pod } from '../api/pod.ts'
import { type Recommendation, type Vpa, updateModeOf } from '../api/vpa.ts'
import { compareQuantities } from '../quantity.ts'
import type { DurationMs } from '../time.ts'
import type { Permission, ReplicaGroup } from './replica-group.ts'
import { isResizeStuck, resizeStatusOf } from './resize-status.ts'

/** What a pod's group, and a resize that is under way, allow. */
export type EvictionPermission = Permission | 'no-group' | 'resize-under-way'

/** @param resizingFor how long a resize of the pod has been under way, if one is */
export function evictionPermission(pod: Pod, group: ReplicaGroup | undefined, resizingFor: DurationMs): EvictionPermission {
  if (group === undefined) return 'no-group'
  const permission = group.eviction(pod)
  const status = pod.phase === 'Pending' ? undefined : resizeStatusOf(pod)
  return permission === 'granted' && status !== undefined && !isResizeStuck(status, resizingFor) ? 'resize-under-way' : permission
}

export type ResizeDecision =
  /** `infeasible`: what was asked for before; what is recommended by now is to be tried once, and remembered. */
  | { readonly do: 'resize'; readonly why: 'granted' | 'disrupts-nothing' | 'never-evicts' | 'infeasible' }
  | { readonly do: 'evict'; readonly why: 'resize-stuck' }
  | { readonly do: 'nothing'; readonly why: EvictionPermission | 'pending' | 'no-recommendation' | 'infeasible-before' }

export interface ResizeFacts {
  readonly vpa: Vpa
  readonly group: ReplicaGroup | undefined
  /** How long a resize has been under way, if one is. */
  readonly resizingFor: DurationMs
  /** What was recommended when the pod's node could not give it. */
  readonly infeasible: Recommendation | undefined
  readonly skipDisruptionBudget: boolean
}

/**
 * Whether a pod in mode InPlaceOrRecreate or InPlace is to be resized, evicted, or left alone. The latter mode never evicts, and only
 * a known refusal stops it (AEP 8818), or that too many containers would restart at a time, which upstream does not mind.
 */
export function decideResize(pod: Pod, facts: ResizeFacts): ResizeDecision {
  const { vpa, group, resizingFor, infeasible, skipDisruptionBudget } = facts
  if (group === undefined) return { do: 'nothing', why: 'no-group' }
  const inPlaceOnly = updateModeOf(vpa) === 'InPlace'
  const recommendation = vpa.status.recommendation?.containerRecommendations
  const hindrance = pod.phase === 'Pending' ? 'pending' : recommendation === undefined ? 'no-recommendation' : undefined
  if (hindrance !== undefined) return inPlaceOnly ? { do: 'resize', why: 'never-evicts' } : { do: 'nothing', why: hindrance }
  if (inPlaceOnly && infeasible !== undefined && !asksForLess(recommendation ?? [], infeasible)) return { do: 'nothing', why: 'infeasible-before' }

  const status = resizeStatusOf(pod)
  if (status !== undefined && inPlaceOnly) return { do: 'resize', why: status === 'Infeasible' ? 'infeasible' : 'never-evicts' }
  const permission = group.resizing()
  if (status !== undefined) {
    const stuck = permission === 'granted' && isResizeStuck(status, resizingFor)
    return stuck ? { do: 'evict', why: 'resize-stuck' } : { do: 'nothing', why: 'resize-under-way' }
  }
  const restartsNothing = pod.containers.every(({ restartsOnResizeOf }) => restartsOnResizeOf.length === 0)
  if (skipDisruptionBudget && restartsNothing) return { do: 'resize', why: 'disrupts-nothing' }
  if (permission === 'granted') return { do: 'resize', why: 'granted' }
  return inPlaceOnly && restartsNothing ? { do: 'resize', why: 'never-evicts' } : { do: 'nothing', why: permission }
}

/** Whether some container's target is now lower than in a recommendation that was infeasible: then it is worth another attempt. */
export function asksForLess(recommendation: Recommendation, infeasible: Recommendation): boolean {
  return recommendation.some(({ containerName, target = {} }) => {
    const before = infeasible.find((container) => container.containerName === containerName)?.target ?? {}
    return Object.entries(target).some(([resource, amount]) => {
      const refused = before[resource]
      return refused !== undefined && compareQuantities(amount, refused) < 0
    })
  })
}
