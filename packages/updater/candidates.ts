import type { Pod } from '@vpa/core/api/pod.ts'
import { type Recommendation, resourceListJson, updateModeOf } from '@vpa/core/api/vpa.ts'
import { decideUpdate } from '@vpa/core/update/decide.ts'
import { asksForLess } from '@vpa/core/update/decide-resize.ts'
import { type Priority, comparePriority } from '@vpa/core/update/priority.ts'
import { type VpaPass, recommendationFor } from './vpa-pass.ts'

/** Those of the pods that should be updated, the most urgent first; pods alike keep their order. */
export function candidates(pass: VpaPass, pods: readonly Pod[]): readonly Pod[] {
  const accepted: { pod: Pod; priority: Priority }[] = []
  for (const pod of pods) {
    const priority = acceptedPriority(pass, pod)
    if (priority !== undefined) accepted.push({ pod, priority })
  }
  return accepted.toSorted((a, b) => comparePriority(a.priority, b.priority)).map(({ pod }) => pod)
}

function acceptedPriority(pass: VpaPass, pod: Pod): Priority | undefined {
  const { vpa, now, options, infeasible, log } = pass
  const name = `${pod.namespace}/${pod.name}`
  const recommendation = recommendationFor(pass, pod)
  const refused = updateModeOf(vpa) === 'InPlace' ? infeasible.get(pod.uid) : undefined
  if (refused !== undefined && !asksForLess(recommendation, refused)) {
    log.debug('Decided', { pod: name, do: 'nothing', why: 'infeasible-before' })
    return undefined
  }
  const decision = decideUpdate({ vpa, pod, recommendation }, now, options)
  log.debug('Decided', { pod: name, ...decision })
  if (decision.do === 'nothing') return undefined
  const { resourceDifference } = decision.priority
  log.info('Pod accepted for update', { pod: name, priority: resourceDifference, why: decision.why, processedRecommendations: readable(recommendation) })
  return decision.priority
}

function readable(recommendation: Recommendation): object {
  return Object.fromEntries(recommendation.map(({ containerName, target }) => [containerName, resourceListJson(target ?? {})]))
}
