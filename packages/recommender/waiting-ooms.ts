import type { Oom } from '@vpa/core/history/oom.ts'

/** Of all namespaces together. */
const MOST_WAITING = 5000

/**
 * OOMs that wait for the next turn. Where there are too many, the namespace that has most of them loses its oldest: who lets containers
 * be killed, or writes events, by the thousand does so at the cost of nobody else.
 */
export class WaitingOoms {
  /** Oldest first. */
  readonly #byNamespace = new Map<string, Oom[]>()
  #count = 0
  #dropped = 0

  add(ooms: readonly Oom[]): void {
    for (const oom of ooms) {
      const own = this.#byNamespace.get(oom.namespace)
      if (own) own.push(oom)
      else this.#byNamespace.set(oom.namespace, [oom])
      this.#count += 1
      if (this.#count > MOST_WAITING) this.#dropOne()
    }
  }

  /** All of them, and how many were dropped; none waits any more. Those of one namespace are in order. */
  take(): { readonly ooms: readonly Oom[]; readonly dropped: number } {
    const taken = { ooms: [...this.#byNamespace.values()].flat(), dropped: this.#dropped }
    this.#byNamespace.clear()
    this.#count = 0
    this.#dropped = 0
    return taken
  }

  #dropOne(): void {
    let most: Oom[] = []
    for (const own of this.#byNamespace.values()) if (own.length > most.length) most = own
    most.shift()
    this.#count -= 1
    this.#dropped += 1
  }
}
