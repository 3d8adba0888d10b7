import { type DurationMs, HOUR } from '@vpa/core/time.ts'

/** Keeps what people are told at most once an hour, however often there is reason to. Times are uptimes of the clock. */
export class Hourly {
  readonly #toldAt = new Map<string, DurationMs>()

  /** Whether it is to be told now; then it counts as told. */
  isDue(what: string, uptime: DurationMs): boolean {
    if (uptime - (this.#toldAt.get(what) ?? -Infinity) < HOUR) return false
    this.#toldAt.set(what, uptime)
    return true
  }

  forgetOld(uptime: DurationMs): void {
    for (const [what, at] of this.#toldAt) if (uptime - at >= HOUR) this.#toldAt.delete(what)
  }
}
