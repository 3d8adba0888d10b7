import type { Vpa } from '../api/vpa.ts'
import type { LabelSelector } from '../selector.ts'
import { topmostController } from './owner.ts'
import { type WorkloadLookup, isWellKnown } from './workload.ts'

const NO_TARGET = 'targetRef not defined. If this is a v1beta1 object, switch to v1'

/** The texts are upstream's: users read them in conditions and logs. */
export type SelectorAnswer = { readonly selector: LabelSelector } | { readonly failed: string }

/** Which pods belong to the VPA's target (upstream: target.VpaTargetSelectorFetcher). */
export function selectorOfTarget(vpa: Vpa, lookup: WorkloadLookup): SelectorAnswer {
  const { targetRef } = vpa.spec
  if (targetRef === undefined) return { failed: NO_TARGET }
  const answer = lookup(vpa.namespace, targetRef)
  if ('found' in answer && answer.found.selector !== undefined) return { selector: answer.found.selector }

  const problem = 'found' in answer ? undefined : 'failed' in answer ? answer.failed : answer.message
  if (isWellKnown(targetRef.kind)) return { failed: problem ?? `${targetRef.kind} ${vpa.namespace}/${targetRef.name} has no selector` }
  const cause = problem ?? `resource ${vpa.namespace}/${targetRef.name} has an empty selector for scale sub-resource`
  return { failed: `unhandled targetRef ${targetRef.apiVersion} / ${targetRef.kind} / ${targetRef.name}, last error ${cause}` }
}

/**
 * Whether the VPA's target is one that a VPA can have; the text otherwise becomes the message of condition ConfigUnsupported.
 * Pods are matched by their topmost controller, so a target further down would never have any.
 */
export function checkTarget(vpa: Vpa, lookup: WorkloadLookup): { readonly selector: LabelSelector } | { readonly unsupported: string } {
  const { targetRef } = vpa.spec
  if (targetRef === undefined) return { unsupported: `Cannot read targetRef. Reason: ${NO_TARGET}` }
  const answer = selectorOfTarget(vpa, lookup)
  if ('failed' in answer) return { unsupported: `Cannot read targetRef. Reason: ${answer.failed}` }

  const target = `${targetRef.apiVersion}.${targetRef.kind}/${targetRef.name}`
  const check = topmostController(vpa.namespace, targetRef, lookup)
  if ('failed' in check) return { unsupported: `Error checking if target ${target} is a topmost well-known or scalable controller: ${check.failed}` }
  const { topmost } = check
  if (topmost === undefined) return { unsupported: `Unknown error during checking if target ${target} is a topmost well-known or scalable controller` }
  const same = topmost.apiVersion === targetRef.apiVersion && topmost.kind === targetRef.kind && topmost.name === targetRef.name
  if (same) return answer
  return { unsupported: `The target ${target} has a parent controller but it should point to a topmost well-known or scalable controller` }
}
