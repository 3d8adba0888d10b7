import type { LimitRange } from '../api/limit-range.ts'
import { type Quantity, type ResourceList, compareQuantities } from '../quantity.ts'

/** What all LimitRanges of a namespace demand together of one kind of thing (a container, or a pod as a whole). */
export interface EffectiveLimits {
  /** Neither the request nor the limit may be lower. */
  readonly min?: ResourceList
  /** The limit may not be higher. */
  readonly max?: ResourceList
  /** The limit of a container that has none. */
  readonly default?: ResourceList
}

/**
 * The strictest of all items of that type: the lowest max, the highest min, the last default.
 *
 * Only cpu and memory are compared; any other resource counts where the first item that has a max (or min) names it.
 * LimitRanges are taken in the order of their names, so that the same ones always have the same effect
 * (upstream's limitrange.NewLimitsRangeCalculator takes them in random order).
 *
 * @param ranges those of one namespace
 * @returns undefined when nothing is demanded
 */
export function effectiveLimits(ranges: Iterable<LimitRange>, type: 'Container' | 'Pod'): EffectiveLimits | undefined {
  let effective: EffectiveLimits = {}
  for (const { items } of [...ranges].toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    for (const item of items) {
      if (item.type !== type) continue
      effective = {
        ...effective,
        ...(item.max && { max: stricter(effective.max, item.max, -1) }),
        ...(item.min && { min: stricter(effective.min, item.min, 1) }),
        ...(item.default && { default: item.default }),
      }
    }
  }
  return effective.min || effective.max || effective.default ? effective : undefined
}

/** What the LimitRanges of a namespace demand of its pods and of their containers. */
export interface NamespaceLimits {
  readonly containerLimits: EffectiveLimits | undefined
  readonly podLimits: EffectiveLimits | undefined
}

/** Of a namespace without LimitRanges. */
export const NO_LIMITS: NamespaceLimits = { containerLimits: undefined, podLimits: undefined }

/** @param ranges those of one namespace, see {@link effectiveLimits} */
export function namespaceLimits(ranges: readonly LimitRange[]): NamespaceLimits {
  return { containerLimits: effectiveLimits(ranges, 'Container'), podLimits: effectiveLimits(ranges, 'Pod') }
}

/** @param sign of the comparison that keeps the amount there is: -1 keeps the lower one, 1 the higher one */
function stricter(known: ResourceList | undefined, other: ResourceList, sign: -1 | 1): ResourceList {
  if (known === undefined) return other
  const pick = (a: Quantity | undefined, b: Quantity | undefined) => (a && b && compareQuantities(a, b) !== sign ? b : (a ?? b))
  const cpu = pick(known.cpu, other.cpu)
  const memory = pick(known.memory, other.memory)
  return { ...known, ...(cpu && { cpu }), ...(memory && { memory }) }
}
