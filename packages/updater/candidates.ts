import type { Pod } from '@vpa/core/api/pod.ts'
import { type Recommendation, resourceListJson, updateModeOf } from '@vpa/core/api/vpa.ts'
import { type UpdateDecision, decideUpdate } from '@vpa/core/update/decide.ts'
import { asksForLess } from '@vpa/core/update/decide-resize.ts'
import { type Priority, comparePriority } from '@vpa/core/update/priority.ts'
import { note, noteLeftAlone } from './decision.ts'
import { type VpaPass, infeasibleFor, recommendationFor } from './vpa-pass.ts'

/** A pod that should have other resources. */
export interface Candidate {
  readonly pod: Pod
  readonly recommendation: Recommendation
  readonly why: Extract<UpdateDecision, { do: 'update' }>['why']
  readonly priority: Priority
}

/** Those of the pods that should be updated, the most urgent first; pods alike keep their order. */
export function candidates(pass: VpaPass, pods: readonly Pod[]): readonly Candidate[] {
  const chosen = pods.flatMap((pod) => candidateOf(pass, pod) ?? []).toSorted((a, b) => comparePriority(a.priority, b.priority))
  for (const { pod, recommendation, why, priority } of chosen) {
    const { resourceDifference } = priority
    pass.log.info('Pod accepted for update', { pod: `${pod.namespace}/${pod.name}`, priority: resourceDifference, why, processedRecommendations: readable(recommendation) })
  }
  return chosen
}

/** Notes why nothing is done about a pod; `why` is the reason if it should be updated. */
export function leaveAlone(pass: VpaPass, pod: Pod, why: string): void {
  if (candidateOf(pass, pod) !== undefined) noteLeftAlone(pass, pod, why)
}

function candidateOf(pass: VpaPass, pod: Pod): Candidate | undefined {
  const { vpa, now, options } = pass
  const recommendation = recommendationFor(pass, pod)
  const refused = updateModeOf(vpa) === 'InPlace' ? infeasibleFor(pass, pod) : undefined
  if (refused !== undefined && !asksForLess(recommendation, refused)) {
    note(pass, pod, { do: 'nothing', why: 'infeasible-before' })
    return undefined
  }
  const decision = decideUpdate({ vpa, pod, recommendation }, now, options)
  if (decision.do === 'update') return { pod, recommendation, why: decision.why, priority: decision.priority }
  if (decision.why === 'eviction-requirements') noteLeftAlone(pass, pod, decision.why)
  else note(pass, pod, decision)
  return undefined
}

function readable(recommendation: Recommendation): object {
  return Object.fromEntries(recommendation.map(({ containerName, target }) => [containerName, resourceListJson(target ?? {})]))
}
