import { type DurationMs, HOUR } from '@vpa/core/time.ts'

/** Keeps what people are told at most once an hour, however often there is reason to. Times are uptimes of the clock. */
export class Hourly {
  readonly #toldAt = new Map<string, DurationMs>()

  /** Tells it, unless the same was told less than an hour ago. */
  tell(what: string, uptime: DurationMs, tell: () => void): void {
    if (uptime - (this.#toldAt.get(what) ?? -Infinity) < HOUR) return
    this.#toldAt.set(what, uptime)
    tell()
  }

  forgetOld(uptime: DurationMs): void {
    for (const [what, at] of this.#toldAt) if (uptime - at >= HOUR) this.#toldAt.delete(what)
  }
}
