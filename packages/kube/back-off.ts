import { type DurationMs, SECOND } from '@vpa/core/time.ts'

const FIRST = 0.8 * SECOND
/**
 * What changed during an outage is to be known within 10 s of its end; client-go's 30 s would not do. A handful of watches that ask every 5 s
 * are no burden: the API server turns away what is too much for it, and says by Retry-After when to come again.
 */
const LONGEST = 5 * SECOND

/** Ever longer waits between attempts: 0.8, 1.6, 3.2, 5 s, each up to twice as long by chance, but no longer than 5 s, so that programs do not come back together. */
export class BackOff {
  readonly #random: () => number
  #failures = 0

  /** @param random from 0 up to 1 */
  constructor(random: () => number) {
    this.#random = random
  }

  next(): DurationMs {
    const wait = FIRST * 2 ** this.#failures
    this.#failures += 1
    return Math.min(LONGEST, Math.round(wait * (1 + this.#random())))
  }

  reset(): void {
    this.#failures = 0
  }
}
