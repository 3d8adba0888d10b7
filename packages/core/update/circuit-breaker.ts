import { type DurationMs, HOUR } from '../time.ts'
import { type BackOffOptions, backOff } from './back-off.ts'
import type { Moment } from './moment.ts'

export interface BreakerOptions extends BackOffOptions {
  /** VPAs that fail in a row before nothing is evicted any more. */
  readonly breakerThreshold: number
}

interface Open {
  /** Of it and of the attempts since. */
  readonly failures: number
  readonly since: Moment
  /** As uptime. */
  readonly probeAt: DurationMs
}

/** Failures that lie further back do not open it. */
const WINDOW = HOUR

/**
 * Stops the evictions of all VPAs when several fail in a row: then it is not their fault. After a back-off one eviction at a time
 * finds out whether all is well again; a single success closes it. Its waits go by uptime.
 */
export class CircuitBreaker {
  readonly #options: BreakerOptions
  /** By VPA uid: uptimes of the failures since the last success. */
  readonly #failedAt = new Map<string, DurationMs>()
  #open: Open | undefined

  constructor(options: BreakerOptions) {
    this.#options = options
  }

  /** undefined while it is closed. */
  get openSince(): Moment | undefined {
    return this.#open?.since
  }

  /** @param underWay evictions whose outcome is not known */
  allows(underWay: number, { uptime }: Moment): boolean {
    return this.#open === undefined || (uptime >= this.#open.probeAt && underWay === 0)
  }

  /** VPAs that have failed lately, and nothing went well since. */
  recentFailures({ uptime }: Moment): number {
    return [...this.#failedAt.values()].filter((at) => uptime - at < WINDOW).length
  }

  /**
   * @param evictedAt what was evicted before it opened is no probe
   * @returns whether this has opened it
   */
  fail(uid: string, evictedAt: Moment, now: Moment): boolean {
    this.#failedAt.set(uid, now.uptime)
    const { failures, since } = this.#open ?? { failures: 0, since: now }
    const counts = this.#open === undefined ? this.recentFailures(now) >= this.#options.breakerThreshold : evictedAt.uptime > since.uptime
    if (!counts) return false
    this.#open = { failures: failures + 1, since, probeAt: now.uptime + backOff(failures + 1, this.#options) }
    return failures === 0
  }

  /** @returns whether this has closed it */
  succeed(): boolean {
    const wasOpen = this.#open !== undefined
    this.#failedAt.clear()
    this.#open = undefined
    return wasOpen
  }

  /** Forgets all but these VPAs. */
  keepOnly(uids: ReadonlySet<string>): void {
    for (const uid of this.#failedAt.keys()) if (!uids.has(uid)) this.#failedAt.delete(uid)
  }
}
