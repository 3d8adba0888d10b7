import type { ResourceList } from '../quantity.ts'
import { type ObjectMeta, type RawMeta, projectMeta } from './object.ts'
import { projectResourceList } from './pod.ts'

export interface LimitRange extends ObjectMeta {
  readonly items: readonly LimitRangeItem[]
}

export interface LimitRangeItem {
  readonly type: string
  readonly min?: ResourceList
  readonly max?: ResourceList
  readonly default?: ResourceList
}

type RawList = Readonly<Record<string, string | number>> | null

/**
 * @param raw a v1 LimitRange as the API server sends it
 * @throws RangeError when an amount is not a quantity
 */
export function projectLimitRange(raw: unknown): LimitRange {
  const { metadata, spec } = raw as { metadata?: RawMeta; spec?: { limits?: readonly { type?: string; min?: RawList; max?: RawList; default?: RawList }[] | null } }
  return {
    ...projectMeta(metadata),
    items: (spec?.limits ?? []).map(({ type = '', min, max, default: fallback }) => ({
      type,
      ...(min && { min: projectResourceList(min) }),
      ...(max && { max: projectResourceList(max) }),
      ...(fallback && { default: projectResourceList(fallback) }),
    })),
  }
}
