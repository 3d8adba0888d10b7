import type { DurationMs } from '@vpa/core/time.ts'
import { LeaseLock, type LeaseLockOptions, type Turn } from './lease-lock.ts'

export interface LeaderElectionOptions extends LeaseLockOptions {
  readonly retryPeriod: DurationMs
  /** From 0 to below 1; spreads the tries of replicas that wait. */
  readonly random: () => number
}

/** The right to work, until it is lost or given back. */
export interface Leadership {
  /** Resolves when the lease could not be renewed in time; never after {@link release}. */
  readonly lost: Promise<void>
  /** Whether no other can lead now; never after {@link release}. Who was frozen for longer than its lease finds out by this before {@link lost} resolves. */
  readonly isHeld: boolean
  /** Gives the lease back, so that another replica need not wait for it to run out. */
  release(): Promise<void>
}

/**
 * Waits until we hold the lease, and renews it from then on (client-go's tools/leaderelection with a {@link LeaseLock}).
 *
 * A holder is trusted for its lease's duration from when *we* last saw the lease change, by a clock that nobody sets: clocks of
 * different machines are never compared, and a step of our own does not make us take a lease that is held.
 *
 * @returns undefined when the signal was aborted first
 */
export async function awaitLeadership(options: LeaderElectionOptions, signal: AbortSignal): Promise<Leadership | undefined> {
  const { clock, retryPeriod, random, log, identity } = options
  const lock = new LeaseLock(options)
  while (!signal.aborted) {
    const turn = await lock.tryToHold(signal)
    if (turn === 'held') {
      log.info('Became leader', { identity })
      return hold(lock, options)
    }
    const wait = retryPeriod * (1 + JITTER * random())
    // A lease that runs out before the next try would leave the work undone for longer than needed.
    await clock.sleep(turn === 'taken' ? Math.min(wait, lock.remaining) : wait, signal)
  }
  return undefined
}

/** client-go waits up to 2.2 times the period. A few replicas need less to keep out of each other's way, and a lease that is given back is taken within 3 s. */
const JITTER = 0.5

function hold(lock: LeaseLock, { clock, retryPeriod, renewDeadline }: LeaderElectionOptions): Leadership {
  const released = new AbortController()
  async function renewUntilLost(): Promise<void> {
    do await clock.sleep(retryPeriod, released.signal)
    while (await renewInTime())
    // Who has given the lease back has not lost it.
    if (released.signal.aborted) await new Promise(() => {})
  }
  async function renewInTime(): Promise<boolean> {
    const round = new AbortController()
    const signal = AbortSignal.any([round.signal, released.signal])
    void clock.sleep(renewDeadline, signal).then(() => round.abort())
    let turn: Turn = 'failed'
    // Who finds the lease with another was asleep for too long: to go on until the deadline would be to work beside the other.
    while (!signal.aborted && (turn = await lock.tryToHold(signal)) === 'failed') await clock.sleep(retryPeriod, signal)
    round.abort()
    return turn === 'held'
  }
  return {
    lost: renewUntilLost(),
    get isHeld() {
      // A renewal that was under way may still be answered after the release.
      return !released.signal.aborted && lock.isHeld
    },
    async release() {
      released.abort()
      await lock.release()
    },
  }
}
