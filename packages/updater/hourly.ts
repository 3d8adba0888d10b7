import { type EpochMs, HOUR } from '@vpa/core/time.ts'

/** Keeps what people are told at most once an hour, however often there is reason to. */
export class Hourly {
  readonly #toldAt = new Map<string, EpochMs>()

  /** Whether it is to be told now; then it counts as told. */
  isDue(what: string, now: EpochMs): boolean {
    if (now - (this.#toldAt.get(what) ?? -Infinity) < HOUR) return false
    this.#toldAt.set(what, now)
    return true
  }

  forgetOld(now: EpochMs): void {
    for (const [what, at] of this.#toldAt) if (now - at >= HOUR) this.#toldAt.delete(what)
  }
}
