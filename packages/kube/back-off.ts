import { type DurationMs, SECOND } from '@vpa/core/time.ts'

const FIRST = 0.8 * SECOND
const LONGEST = 30 * SECOND

/** Ever longer waits between attempts: 0.8, 1.6, 3.2 … 30 s, each up to twice as long by chance so that programs do not come back together. */
export class BackOff {
  readonly #random: () => number
  #failures = 0

  /** @param random from 0 up to 1 */
  constructor(random: () => number) {
    this.#random = random
  }

  next(longest: DurationMs = LONGEST): DurationMs {
    const wait = Math.min(longest, FIRST * 2 ** this.#failures)
    this.#failures += 1
    return Math.min(longest, Math.round(wait * (1 + this.#random())))
  }

  reset(): void {
    this.#failures = 0
  }
}
