import type { Recommendation, Vpa, VpaCondition, VpaStatus } from '../api/vpa.ts'
import type { EpochMs } from '../time.ts'

export interface StatusFacts {
  readonly recommendation: Recommendation
  /** How many pods the VPA's selector matches. */
  readonly podCount: number
  /** Why the target cannot be scaled; undefined when it can. */
  readonly unsupported: string | undefined
}

const NO_PODS = { reason: 'NoPodsMatched', message: 'No pods match this VPA object' }
const NO_REASON = { reason: '', message: '' }

/**
 * The status that a VPA should have. A condition keeps its transition time while its status stays the same;
 * conditions that others have set are kept (upstream: Vpa.UpdateConditions, AsStatus).
 */
export function nextStatus(vpa: Vpa, { recommendation, podCount, unsupported }: StatusFacts, now: EpochMs): VpaStatus {
  const conditions = new Map((vpa.status.conditions ?? []).map((condition) => [condition.type, condition]))
  const set = (type: string, holds: boolean, explanation: { reason: string; message: string }) => {
    const before = conditions.get(type)
    const status = holds ? 'True' : 'False'
    conditions.set(type, { type, status, ...explanation, lastTransitionTime: before?.status === status ? before.lastTransitionTime : now })
  }

  conditions.delete('ConfigDeprecated')
  if (unsupported === undefined) conditions.delete('ConfigUnsupported')
  else set('ConfigUnsupported', true, { reason: '', message: unsupported })

  if (podCount > 0) conditions.delete('NoPodsMatched')
  else set('NoPodsMatched', true, NO_PODS)

  if (recommendation.length > 0) set('RecommendationProvided', true, NO_REASON)
  else set('RecommendationProvided', false, podCount > 0 ? NO_REASON : NO_PODS)

  return {
    recommendation: { containerRecommendations: [...recommendation] },
    conditions: [...conditions.values()].toSorted(byType),
    observedGeneration: vpa.generation,
  }
}

/** Whether both say the same, however their amounts are written: `1000m` is `1`. Times count in seconds, as the API has them. */
export function sameStatus(a: VpaStatus, b: VpaStatus): boolean {
  return fingerprint(a) === fingerprint(b)
}

function fingerprint({ recommendation, conditions = [], observedGeneration }: VpaStatus): string {
  const containers = recommendation?.containerRecommendations ?? []
  const lists = containers.map(({ containerName, target, lowerBound, upperBound, uncappedTarget }) => [
    containerName,
    [target, lowerBound, upperBound, uncappedTarget].map((amounts) => Object.entries(amounts ?? {}).map(([resource, { nanos }]) => `${resource}=${nanos}`).toSorted()),
  ])
  const facts = conditions.map(({ type, status, reason, message, lastTransitionTime = 0 }) => [type, status, reason, message, Math.trunc(lastTransitionTime / 1000)])
  return JSON.stringify([recommendation !== undefined, lists, facts, observedGeneration ?? 0])
}

function byType(a: VpaCondition, b: VpaCondition): number {
  return a.type < b.type ? -1 : 1
}
