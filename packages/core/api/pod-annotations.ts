import type { Labels } from '../selector.ts'
import { ownCopy } from './own-copy.ts'

/** Which containers the pod had when it was admitted: those injected later are none of the VPA's business. Joined by `, `. */
export const OBSERVED_CONTAINERS_ANNOTATION = 'vpaObservedContainers'
/** What was changed and why, for people. Programs read only how it begins. */
export const UPDATES_ANNOTATION = 'vpaUpdates'
/** What a boosted pod's annotations begin with, followed by the container's name; the value is what the container had. */
export const BOOST_ANNOTATION_PREFIX = 'vpaCpuStartupBoost/'
/** What was recommended when the pod's node could not give it, so that an updater that has just started does not try it again. */
export const INFEASIBLE_ANNOTATION = 'vpaInfeasibleResize'

/** Of what we write, each container takes about 130 characters, with names and amounts as long as they may be. */
const LONGEST_PER_CONTAINER = 512
/** For containers that the pod does not have, or has no more: a recommendation tells of all that its VPA's pods had lately. */
const LONGEST_OF_OTHERS = 8192
/** Its first words, and the name of a VPA, which has up to 253 characters. */
const UPDATES_BEGIN_WITHIN = 300

/** By which a pod is known to have been changed for this VPA. */
export function updatesAnnotationStart(vpaName: string): string {
  return `Pod resources updated by ${vpaName}: `
}

/**
 * Of a pod's annotations, those that we read, and of them no more than we could have written. Whoever owns a pod may write 256 KiB into each,
 * and thousands of them would not fit into our memory. What is longer counts as what is not there; a boost, as one that does not tell what was before.
 */
export function keptPodAnnotations(all: Labels, containerNames: readonly string[]): Labels {
  const kept: Record<string, string> = {}
  const longest = LONGEST_PER_CONTAINER * containerNames.length + LONGEST_OF_OTHERS
  for (const key of [OBSERVED_CONTAINERS_ANNOTATION, INFEASIBLE_ANNOTATION]) {
    const text = all[key]
    if (text !== undefined && text.length <= longest) kept[key] = text
  }
  const updates = all[UPDATES_ANNOTATION]
  if (updates !== undefined) kept[UPDATES_ANNOTATION] = updates.length <= UPDATES_BEGIN_WITHIN ? updates : ownCopy(updates.slice(0, UPDATES_BEGIN_WITHIN))
  for (const name of containerNames) {
    const before = all[BOOST_ANNOTATION_PREFIX + name]
    if (before !== undefined) kept[BOOST_ANNOTATION_PREFIX + name] = before.length <= LONGEST_PER_CONTAINER ? before : ''
  }
  return kept
}
