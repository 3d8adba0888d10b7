import type { ResourceList } from '../quantity.ts'
import { type ObjectMeta, type RawMeta, projectMeta } from './object.ts'
import { projectResourceList } from './pod.ts'

/** A node, as far as pods have to fit on it. */
export interface Node extends ObjectMeta {
  readonly allocatable: ResourceList
}

/**
 * @param raw a v1 Node as the API server sends it
 * @throws RangeError when an amount is not a quantity
 */
export function projectNode(raw: unknown): Node {
  const { metadata, status } = raw as { metadata?: RawMeta; status?: { allocatable?: Readonly<Record<string, string | number>> | null } }
  const { cpu, memory } = projectResourceList(status?.allocatable ?? {})
  return { ...projectMeta(metadata), allocatable: { ...(cpu && { cpu }), ...(memory && { memory }) } }
}
