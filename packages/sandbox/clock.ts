import type { DurationMs, EpochMs } from '@vpa/core/time.ts'

/** The cluster's time: what timestamps show and what the simulation waits for. */
export interface Clock {
  now(): EpochMs
  /** Resolves after that long, or at once when the signal is aborted. */
  sleep(duration: DurationMs, signal?: AbortSignal): Promise<void>
}

/** A clock that stands still until it is moved; whoever sleeps wakes in order. */
export class ManualClock implements Clock {
  #now: EpochMs
  readonly #sleepers = new Set<{ readonly until: EpochMs; readonly wake: () => void }>()

  constructor(now: EpochMs) {
    this.#now = now
  }

  now(): EpochMs {
    return this.#now
  }

  sleep(duration: DurationMs, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const sleeper = { until: this.#now + duration, wake: resolve }
      this.#sleepers.add(sleeper)
      signal?.addEventListener('abort', () => {
        this.#sleepers.delete(sleeper)
        resolve()
      }, { once: true })
    })
  }

  /** Moves on, and lets those who woke act before it returns. */
  async advance(duration: DurationMs): Promise<void> {
    const end = this.#now + duration
    for (;;) {
      const [next] = [...this.#sleepers].filter(({ until }) => until <= end).toSorted((a, b) => a.until - b.until)
      if (next === undefined) break
      this.#now = Math.max(this.#now, next.until)
      this.#sleepers.delete(next)
      next.wake()
      await new Promise((resolve) => { setImmediate(resolve) })
    }
    this.#now = end
  }
}
