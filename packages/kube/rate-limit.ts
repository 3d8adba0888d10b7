import type { DurationMs } from '@vpa/core/time.ts'
import type { Clock } from './clock.ts'

export interface RateLimitOptions {
  /** Tokens a second; zero or less means no limit. */
  readonly rate: number
  /** How many may be taken at once after a rest. */
  readonly burst: number
  readonly clock: Clock
}

/** A token bucket, full at first. Whoever waits is served in the order of asking. Source: golang.org/x/time/rate. */
export class RateLimit {
  readonly #options: RateLimitOptions
  /** Below zero: owed to those who already wait. */
  #tokens: number
  #countedAt: DurationMs

  constructor(options: RateLimitOptions) {
    this.#options = options
    this.#tokens = options.burst
    this.#countedAt = options.clock.uptime()
  }

  /** Resolves when it is the caller's turn, or at once when the signal is aborted: then nothing is taken. */
  async take(signal?: AbortSignal): Promise<void> {
    const { rate, clock } = this.#options
    if (rate <= 0) return
    this.#refill()
    this.#tokens -= 1
    const wait: DurationMs = Math.ceil((-this.#tokens / rate) * 1000)
    if (wait > 0) await clock.sleep(wait, signal)
    if (signal?.aborted) this.#tokens += 1
  }

  #refill(): void {
    const { rate, burst, clock } = this.#options
    const now = clock.uptime()
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#countedAt) / 1000) * rate)
    this.#countedAt = now
  }
}
