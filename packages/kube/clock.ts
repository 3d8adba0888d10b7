import type { DurationMs, EpochMs } from '@vpa/core/time.ts'

/** Where time enters the programs. Tests have one that is moved by hand. */
export interface Clock {
  now(): EpochMs
  /** Goes on evenly, whatever is done to the system's time; only differences mean something. */
  uptime(): DurationMs
  /** Resolves after that long, or at once when the signal is aborted. Never rejects. */
  sleep(duration: DurationMs, signal?: AbortSignal): Promise<void>
}

/** Node's timers take a 32-bit number; a longer one would be over at once. 24.8 days. */
const LONGEST_TIMER: DurationMs = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  uptime: () => performance.now(),
  async sleep(duration, signal) {
    await timer(Math.min(duration, LONGEST_TIMER), signal)
    if (duration > LONGEST_TIMER && !signal?.aborted) await systemClock.sleep(duration - LONGEST_TIMER, signal)
  },
}

function timer(duration: DurationMs, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const done = () => {
      clearTimeout(running)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const running = setTimeout(done, duration)
    signal?.addEventListener('abort', done, { once: true })
  })
}
