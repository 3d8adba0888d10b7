/** Lets so many work at the same time; all others wait for their turn: one of each group after the other, within a group in order. */
export class Turns {
  #free: number
  /** Whose turn is next first. */
  readonly #waiting = new Map<string, (() => void)[]>()

  constructor(atOnce: number) {
    this.#free = atOnce
  }

  /** How many of a group have no turn yet. */
  waitingOf(group: string): number {
    return this.#waiting.get(group)?.length ?? 0
  }

  async take<T>(group: string, work: () => Promise<T>): Promise<T> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#queueOf(group).push(resolve))
    else this.#free -= 1
    try {
      return await work()
    } finally {
      const next = this.#next()
      if (next) next()
      else this.#free += 1
    }
  }

  #queueOf(group: string): (() => void)[] {
    const queue = this.#waiting.get(group) ?? []
    this.#waiting.set(group, queue)
    return queue
  }

  #next(): (() => void) | undefined {
    const [first] = this.#waiting
    if (first === undefined) return undefined
    const [group, queue] = first
    const next = queue.shift()
    this.#waiting.delete(group)
    if (queue.length > 0) this.#waiting.set(group, queue)
    return next
  }
}
