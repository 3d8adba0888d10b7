import type { OwnerReference } from '../api/object.ts'
import type { Pod } from '../api/pod.ts'
import { type ObjectRef, type WorkloadLookup, isWellKnown } from './workload.ts'

/** The topmost controller; undefined where nothing on the way up can be scaled. */
export type TopmostAnswer = { readonly topmost: ObjectRef | undefined } | { readonly failed: string }

/** The owner that manages the pod. The API server lets an object have at most one. */
export function controllerOf({ owners }: Pick<Pod, 'owners'>): OwnerReference | undefined {
  return owners.find(({ controller }) => controller)
}

/**
 * Walks up the controllers and keeps the last one that can be scaled: ReplicaSet `web-7c9` of Deployment `web` is `web`.
 * Which name a VPA's targetRef must bear for a pod is decided here (upstream: FindTopMostWellKnownOrScalable).
 *
 * @param owner where the walk starts: a pod's controller, or a VPA's target
 */
export function topmostController(namespace: string, owner: ObjectRef, lookup: WorkloadLookup): TopmostAnswer {
  const visited: ObjectRef[] = []
  let topmost: ObjectRef | undefined
  for (let current: ObjectRef | undefined = owner; current !== undefined; ) {
    // Chains have two or three links.
    for (const earlier of visited) if (isSame(earlier, current)) return { failed: 'cycle detected in ownership chain' }
    visited.push(current)

    // Static pods belong to their node, which no VPA can have as a target.
    if (current.kind === 'Node') return { failed: 'node is not a valid owner' }
    const answer = lookup(namespace, current)
    if ('failed' in answer) return answer
    if ('missing' in answer) return isWellKnown(current.kind) ? { failed: answer.message } : { topmost }
    topmost = { apiVersion: current.apiVersion, kind: current.kind, name: current.name }
    current = controllerOf(answer.found)
  }
  return { topmost }
}

function isSame(a: ObjectRef, b: ObjectRef): boolean {
  return a.name === b.name && a.kind === b.kind && a.apiVersion === b.apiVersion
}
