import type { LimitRange } from '@vpa/core/api/limit-range.ts'
import { NO_LIMITS, type NamespaceLimits, namespaceLimits } from '@vpa/core/policy/limit-range.ts'
import type { Store } from './cluster.ts'

/** What the LimitRanges of each namespace demand, computed when they change and not for every pod. */
export class LimitsByNamespace {
  readonly #ranges = new Map<string, Map<string, LimitRange>>()
  readonly #limits = new Map<string, NamespaceLimits>()

  constructor(store: Store<LimitRange>) {
    for (const range of store.list()) this.#update(undefined, range)
    store.subscribe(({ before, now }) => this.#update(before, now))
  }

  of(namespace: string): NamespaceLimits {
    return this.#limits.get(namespace) ?? NO_LIMITS
  }

  #update(before: LimitRange | undefined, now: LimitRange | undefined): void {
    const namespace = (now ?? before)?.namespace
    if (namespace === undefined) return
    const ranges = this.#ranges.get(namespace) ?? new Map<string, LimitRange>()
    if (before) ranges.delete(before.name)
    if (now) ranges.set(now.name, now)
    if (ranges.size > 0) {
      this.#ranges.set(namespace, ranges)
      this.#limits.set(namespace, namespaceLimits([...ranges.values()]))
    } else {
      this.#ranges.delete(namespace)
      this.#limits.delete(namespace)
    }
  }
}
