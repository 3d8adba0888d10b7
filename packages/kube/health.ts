import type { DurationMs } from '@vpa/core/time.ts'
import type { Clock } from './clock.ts'

export interface HealthOptions {
  /** How long the program may be silent; undefined for one that only answers requests. */
  readonly timeout: DurationMs | undefined
  readonly clock: Pick<Clock, 'uptime'>
}

/** Whether the program's loop still turns, and whether it has begun to work (upstream: metrics.HealthCheck). */
export class Health {
  readonly #options: HealthOptions
  #state: 'starting' | 'standing by' | 'working' | 'stopping' = 'starting'
  /** By the clock's uptime: a step of the system's time must not look like silence. */
  #lastBeat: DurationMs
  #problem: string | undefined

  constructor(options: HealthOptions) {
    this.#options = options
    this.#lastBeat = options.clock.uptime()
  }

  /** Healthy and ready, without a loop: another replica leads, or the history is being read. A rollout waits for ready pods, so this is one. */
  standBy(): void {
    this.#state = 'standing by'
  }

  /** The loop is about to begin, or requests are answered from now on: silence counts from here. */
  start(): void {
    this.#state = 'working'
    this.beat()
  }

  /** The loop has turned. */
  beat(): void {
    this.#lastBeat = this.#options.clock.uptime()
  }

  stop(): void {
    this.#state = 'stopping'
  }

  /** What keeps the program from doing its work although it runs; undefined: nothing any more. */
  report(problem: string | undefined): void {
    this.#problem = problem
  }

  /** For how long the loop has been silent when that is too long; undefined while all is well. */
  silentFor(): DurationMs | undefined {
    const { timeout, clock } = this.#options
    const silence = clock.uptime() - this.#lastBeat
    return this.#state === 'working' && timeout !== undefined && silence > timeout ? Math.trunc(silence) : undefined
  }

  /** Undefined when the program does its work, or what it does instead. */
  notReady(): string | undefined {
    return this.#state === 'starting' || this.#state === 'stopping' ? this.#state : this.#problem
  }
}
