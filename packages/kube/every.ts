import type { DurationMs } from '@vpa/core/time.ts'
import type { Clock } from './clock.ts'

export interface EveryOptions {
  readonly clock: Clock
  readonly signal: AbortSignal
  /** The first tick does not wait for an interval to pass. */
  readonly atOnce?: boolean
}

/**
 * Runs a tick once per interval, first after one interval, until the signal is aborted.
 *
 * Ticks never overlap. After one that took longer than the interval the next comes at once, further missed ones are
 * dropped, and the rhythm stays: with an interval of 60 s and a first tick of 150 s, ticks begin at 60, 210 and 240 s
 * (Go's time.Ticker).
 *
 * @throws what the tick throws; that ends the loop
 */
export async function every(interval: DurationMs, tick: () => Promise<void>, { clock, signal, atOnce = false }: EveryOptions): Promise<void> {
  let due = clock.uptime() + (atOnce ? 0 : interval)
  for (;;) {
    await clock.sleep(Math.max(0, due - clock.uptime()), signal)
    if (signal.aborted) return
    await tick()
    const missed = Math.floor((clock.uptime() - due) / interval)
    due += Math.max(1, missed) * interval
  }
}
