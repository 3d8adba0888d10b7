import type { DurationMs, EpochMs } from '@vpa/core/time.ts'

/** Where time enters the programs. Tests have one that is moved by hand. */
export interface Clock {
  now(): EpochMs
  /** Goes on evenly, whatever is done to the system's time; only differences mean something. */
  uptime(): DurationMs
  /** Resolves after that long, or at once when the signal is aborted. Never rejects. */
  sleep(duration: DurationMs, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  uptime: () => performance.now(),
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
