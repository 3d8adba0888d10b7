import type { LabelSelector } from '../selector.ts'
import { type ObjectMeta, type RawMeta, projectMeta } from './object.ts'

/** A PodDisruptionBudget, as far as it says whether a pod may be evicted now. */
export interface DisruptionBudget extends ObjectMeta {
  /** undefined: it is about no pod. */
  readonly selector: LabelSelector | undefined
  readonly disruptionsAllowed: number
}

/** @param raw a PodDisruptionBudget of policy/v1 as the API server sends it */
export function projectDisruptionBudget(raw: unknown): DisruptionBudget {
  const { metadata, spec, status } = raw as { metadata?: RawMeta; spec?: { selector?: LabelSelector | null }; status?: { disruptionsAllowed?: number } }
  return { ...projectMeta(metadata), selector: spec?.selector ?? undefined, disruptionsAllowed: status?.disruptionsAllowed ?? 0 }
}
