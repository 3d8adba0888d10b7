import type { Clock } from '@vpa/kube/clock.ts'
import type { DurationMs, EpochMs } from '@vpa/core/time.ts'

/** Time that only moves by hand. */
export interface FakeClock extends Clock {
  /** Moves on, waking sleepers in the order of their times, each at its own time and with room to go to sleep again. */
  advance(duration: DurationMs): Promise<void>
  /** Sets the system's time on or back: no time passes, nobody wakes. */
  step(duration: DurationMs): void
  /** How many are asleep: wait for it to know that the code under test has come to rest. */
  readonly sleeping: number
}

interface Sleeper {
  readonly until: EpochMs
  readonly wake: () => void
}

/** Starts at 2026-03-01T00:00:00Z unless told otherwise. */
export function fakeClock(start: EpochMs = Date.UTC(2026, 2, 1)): FakeClock {
  let now = start
  let stepped = 0
  const sleepers = new Set<Sleeper>()

  function sleep(duration: DurationMs, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const sleeper = { until: now + Math.max(0, duration), wake }
      function wake() {
        sleepers.delete(sleeper)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      sleepers.add(sleeper)
      signal?.addEventListener('abort', wake, { once: true })
    })
  }

  async function advance(duration: DurationMs): Promise<void> {
    const end = now + duration
    await settled()
    for (let next = earliest(); next !== undefined && next.until <= end; next = earliest()) {
      now = Math.max(now, next.until)
      next.wake()
      await settled()
    }
    now = end
    await settled()
  }

  /** Ties go to whoever fell asleep first: a Set keeps its order. */
  function earliest(): Sleeper | undefined {
    let first: Sleeper | undefined
    for (const sleeper of sleepers) if (first === undefined || sleeper.until < first.until) first = sleeper
    return first
  }

  return { now: () => now + stepped, uptime: () => now, sleep, advance, step: (duration) => void (stepped += duration), get sleeping() { return sleepers.size } }
}

/** Lets promises that are ready run before time moves on. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
