import { type EpochMs, formatTime } from '@vpa/core/time.ts'
import { Counter, type Registry } from 'prom-client'
import type { Client } from './client.ts'
import type { Clock } from './clock.ts'
import type { EventWrite } from './cluster.ts'
import type { Log } from './log.ts'
import { NotSentError } from './not-sent-error.ts'
import { RateLimit } from './rate-limit.ts'
import { EVENTS, pathOf } from './resources.ts'

export interface EventRecorderOptions {
  readonly client: Pick<Client, 'request'>
  /** Who reports, such as `vpa-updater`. */
  readonly source: string
  readonly clock: Clock
  readonly log: Log
  readonly registry: Registry
  /** Ends the writing: what waits then is lost. */
  readonly signal: AbortSignal
}

interface RecordedEvent extends EventWrite {
  readonly at: EpochMs
}

/** Events are told to people; they must not crowd out the work they tell of. */
const EVENTS_PER_SECOND = 50
const BURST = 100
const MOST_WAITING = 5000
/** Of any object in Kubernetes. */
const LONGEST_NAME = 253

/**
 * Writes events in the background, one after the other: an API server that is busy with the work they tell of, and slow therefore,
 * gets few of them until it is done. What cannot be written is logged, counted and forgotten.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions
  readonly #limit: RateLimit
  readonly #lost: Counter
  readonly #waiting = new Set<RecordedEvent>()
  #isWriting = false
  #written = 0

  constructor(options: EventRecorderOptions) {
    this.#options = options
    this.#limit = new RateLimit({ rate: EVENTS_PER_SECOND, burst: BURST, clock: options.clock })
    this.#lost = new Counter({ name: 'vpa_events_lost_total', help: 'Events that were not written: too many at once, refused, or too late.', registers: [options.registry] })
  }

  record(event: EventWrite): void {
    if (this.#waiting.size >= MOST_WAITING) return void this.#lost.inc()
    this.#waiting.add({ ...event, at: this.#options.clock.now() })
    if (!this.#isWriting) void this.#writeAll()
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true
    // Also those that are added meanwhile.
    for (const event of this.#waiting) {
      await this.#limit.take(this.#options.signal)
      if (this.#options.signal.aborted) break
      try {
        await this.#write(event)
      } catch (error) {
        // None of the others may be sent either.
        if (error instanceof NotSentError) break
        this.#lost.inc()
        this.#options.log.warn('Cannot write an event', { reason: event.reason, namespace: event.regarding.namespace, name: event.regarding.name, error })
      }
      this.#waiting.delete(event)
    }
    this.#isWriting = false
    if (this.#waiting.size > 0) this.#giveUp()
  }

  #giveUp(): void {
    this.#options.log.info('Stopped before all events were written', { lost: this.#waiting.size })
    this.#lost.inc(this.#waiting.size)
    this.#waiting.clear()
  }

  /** Unique as client-go's, which has nanoseconds. Of a long name no more than fits: the API server refuses a longer one. */
  #nameFor(name: string, at: EpochMs): string {
    const id = (BigInt(at) * 1_000_000n + BigInt(this.#written % 1_000_000)).toString(16)
    return `${name.slice(0, LONGEST_NAME - 1 - id.length).replace(/[-.]+$/, '')}.${id}`
  }

  async #write({ regarding, type, reason, message, at }: RecordedEvent): Promise<void> {
    const { client, source } = this.#options
    const { namespace, name } = regarding
    this.#written += 1
    const body = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { namespace, name: this.#nameFor(name, at) },
      involvedObject: regarding,
      type,
      reason,
      message,
      source: { component: source },
      reportingComponent: source,
      firstTimestamp: formatTime(at),
      lastTimestamp: formatTime(at),
      count: 1,
    }
    await client.request({ method: 'POST', path: pathOf(EVENTS, namespace), body })
  }
}
