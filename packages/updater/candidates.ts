import type { Pod } from '@vpa/core/api/pod.ts'
import { type Recommendation, resourceListJson, updateModeOf } from '@vpa/core/api/vpa.ts'
import { type UpdateDecision, decideUpdate } from '@vpa/core/update/decide.ts'
import { asksForLess } from '@vpa/core/update/decide-resize.ts'
import { type Priority, comparePriority } from '@vpa/core/update/priority.ts'
import { type Decision, note, noteLeftAlone } from './decision.ts'
import { type VpaPass, infeasibleFor, recommendationFor } from './vpa-pass.ts'

/** A pod that should have other resources. */
export interface Candidate {
  readonly do: 'update'
  readonly pod: Pod
  readonly recommendation: Recommendation
  readonly why: Extract<UpdateDecision, { do: 'update' }>['why']
  readonly priority: Priority
}

/** Chooses those of the pods that should be updated, the most urgent first; pods alike keep their order. Notes why the others are not chosen. */
export function chooseCandidates(pass: VpaPass, pods: readonly Pod[]): readonly Candidate[] {
  const chosen: Candidate[] = []
  for (const pod of pods) {
    const judgement = judge(pass, pod)
    if (judgement.do === 'update') chosen.push(judgement)
    else noteNotUpdated(pass, pod, judgement)
  }
  chosen.sort((a, b) => comparePriority(a.priority, b.priority))
  for (const { pod, recommendation, why, priority } of chosen) {
    const { resourceDifference } = priority
    pass.log.info('Pod accepted for update', { pod: `${pod.namespace}/${pod.name}`, priority: resourceDifference, why, processedRecommendations: readable(recommendation) })
  }
  return chosen
}

/** Notes why nothing is done about a pod: what is in the way or, where it should not be updated anyway, why that is. */
export function noteHindrance(pass: VpaPass, pod: Pod, hindrance: string): void {
  const judgement = judge(pass, pod)
  if (judgement.do === 'update') noteLeftAlone(pass, pod, hindrance)
  else noteNotUpdated(pass, pod, judgement)
}

/** What should happen to a pod as far as its VPA is concerned, whatever its group can spare. */
function judge(pass: VpaPass, pod: Pod): Candidate | NotUpdated {
  const { vpa, now, options } = pass
  const recommendation = recommendationFor(pass, pod)
  const refused = updateModeOf(vpa) === 'InPlace' ? infeasibleFor(pass, pod) : undefined
  if (refused !== undefined && !asksForLess(recommendation, refused)) return { do: 'nothing', why: 'infeasible-before' }
  const decision = decideUpdate({ vpa, pod, recommendation }, now, options)
  return decision.do === 'update' ? { ...decision, pod, recommendation } : decision
}

type NotUpdated = Decision & { readonly do: 'nothing' }

function noteNotUpdated(pass: VpaPass, pod: Pod, judgement: NotUpdated): void {
  if (judgement.why === 'eviction-requirements') noteLeftAlone(pass, pod, judgement.why)
  else note(pass, pod, judgement)
}

function readable(recommendation: Recommendation): object {
  return Object.fromEntries(recommendation.map(({ containerName, target }) => [containerName, resourceListJson(target ?? {})]))
}
