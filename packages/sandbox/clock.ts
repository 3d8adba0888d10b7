import type { DurationMs, EpochMs } from '@vpa/core/time.ts'

/** The cluster's time: what timestamps show and what the simulation waits for. */
export interface Clock {
  now(): EpochMs
  /** Resolves after that long, or at once when the signal is aborted. */
  sleep(duration: DurationMs, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (duration, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const done = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, duration)
      signal?.addEventListener('abort', done, { once: true })
    }),
}
