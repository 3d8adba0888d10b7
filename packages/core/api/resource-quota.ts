import type { ResourceList } from '../quantity.ts'
import { type ObjectMeta, type RawMeta, projectMeta } from './object.ts'
import { projectResourceList } from './pod.ts'

/** What the pods of a namespace may request in total, and what they do request. */
export interface ResourceQuota extends ObjectMeta {
  /** Applies to some pods of the namespace only. */
  readonly isScoped: boolean
  readonly hard: ResourceList
  readonly used: ResourceList
}

/**
 * @param raw a v1 ResourceQuota as the API server sends it
 * @throws RangeError when an amount is not a quantity
 */
export function projectResourceQuota(raw: unknown): ResourceQuota {
  const { metadata, spec, status } = raw as { metadata?: RawMeta; spec?: { scopes?: readonly string[] | null; scopeSelector?: object | null }; status?: { hard?: RawList; used?: RawList } }
  return {
    ...projectMeta(metadata),
    isScoped: (spec?.scopes ?? []).length > 0 || Boolean(spec?.scopeSelector),
    hard: projectResourceList(status?.hard ?? {}),
    used: projectResourceList(status?.used ?? {}),
  }
}

type RawList = Readonly<Record<string, string | number>> | null
