import type { DurationMs } from '@vpa/core/time.ts'
import { isConflict, isNotFound } from './api-error.ts'
import type { Client } from './client.ts'
import type { Clock } from './clock.ts'
import type { Log } from './log.ts'

export interface LeaderElectionOptions {
  readonly client: Pick<Client, 'request'>
  readonly clock: Clock
  readonly log: Log
  /** Who we are; unique among replicas and restarts. */
  readonly identity: string
  readonly namespace: string
  readonly name: string
  /** How long a holder that does not renew keeps others waiting. */
  readonly leaseDuration: DurationMs
  /** How long a holder tries to renew before it must stop working. */
  readonly renewDeadline: DurationMs
  readonly retryPeriod: DurationMs
  /** From 0 to below 1; spreads the tries of replicas that wait. */
  readonly random: () => number
}

/** The right to work, until it is lost or given back. */
export interface Leadership {
  /** Resolves when the lease could not be renewed in time; never after {@link release}. */
  readonly lost: Promise<void>
  /** Gives the lease back, so that another replica need not wait for it to run out. */
  release(): Promise<void>
}

/**
 * Waits until we hold the lease, and renews it from then on (client-go's tools/leaderelection with a Lease lock).
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
    async release() {
      released.abort()
      await lock.release()
    },
  }
}

/** The parts of a `coordination.k8s.io/v1` Lease that matter here. */
interface Lease {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly resourceVersion?: string }
  readonly spec?: LeaseSpec
}

interface LeaseSpec {
  readonly holderIdentity?: string | null
  readonly leaseDurationSeconds?: number | null
  readonly acquireTime?: string | null
  readonly renewTime?: string | null
  readonly leaseTransitions?: number | null
}

/** What came of a try. `taken`: another holds the lease, and renews it. */
type Turn = 'held' | 'taken' | 'failed'

class LeaseLock {
  readonly #options: LeaderElectionOptions
  /** The lease as last seen, and when we first saw it so. */
  #seen: { readonly lease: Lease; readonly at: DurationMs } | undefined

  constructor(options: LeaderElectionOptions) {
    this.#options = options
  }

  /** Takes or renews the lease. `failed` when the API server cannot be asked, or when another replica was faster. */
  async tryToHold(signal: AbortSignal): Promise<Turn> {
    try {
      const lease = await this.#read(signal)
      if (lease === undefined) {
        await this.#write('POST', { spec: this.#ownSpec(undefined) }, signal)
        return 'held'
      }
      if (this.#heldByAnother(lease)) return 'taken'
      await this.#write('PUT', { ...lease, spec: this.#ownSpec(lease.spec) }, signal)
      return 'held'
    } catch (error) {
      // A conflict means that another replica was faster.
      if (!isConflict(error) && !signal.aborted) this.#options.log.warn('Cannot acquire or renew the leader lease', { lease: this.#options.name, error })
      return 'failed'
    }
  }

  async release(): Promise<void> {
    const { identity, log, name } = this.#options
    const lease = this.#seen?.lease
    if (lease?.spec?.holderIdentity !== identity) return
    const now = this.#microTime()
    const spec = { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, acquireTime: now, renewTime: now }
    try {
      await this.#write('PUT', { ...lease, spec })
    } catch (error) {
      log.warn('Cannot release the leader lease', { lease: name, error })
    }
  }

  async #read(signal: AbortSignal): Promise<Lease | undefined> {
    try {
      const lease = await this.#options.client.request<Lease>({ path: `${this.#collection}/${this.#options.name}`, timeout: this.#options.renewDeadline, signal })
      if (lease.metadata.resourceVersion !== this.#seen?.lease.metadata.resourceVersion) this.#see(lease)
      return lease
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }

  async #write(method: 'POST' | 'PUT', lease: Pick<Lease, 'spec'> & Partial<Lease>, signal?: AbortSignal): Promise<void> {
    const { client, namespace, name, renewDeadline } = this.#options
    const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { namespace, name }, ...lease }
    const path = method === 'POST' ? this.#collection : `${this.#collection}/${name}`
    this.#see(await client.request<Lease>({ method, path, body, timeout: renewDeadline, ...(signal && { signal }) }))
  }

  /** How long the lease as last seen still holds, at least a millisecond. */
  get remaining(): DurationMs {
    const { lease, at = -Infinity } = this.#seen ?? {}
    return Math.max(1, at + (lease?.spec?.leaseDurationSeconds ?? 0) * 1000 - this.#options.clock.uptime())
  }

  #see(lease: Lease): void {
    this.#seen = { lease, at: this.#options.clock.uptime() }
  }

  #heldByAnother({ spec = {} }: Lease): boolean {
    const { identity, clock } = this.#options
    if (!spec.holderIdentity || spec.holderIdentity === identity || this.#seen === undefined) return false
    return clock.uptime() < this.#seen.at + (spec.leaseDurationSeconds ?? 0) * 1000
  }

  #ownSpec(before: LeaseSpec | undefined): LeaseSpec {
    const { identity, leaseDuration } = this.#options
    const now = this.#microTime()
    const renews = before?.holderIdentity === identity
    return {
      holderIdentity: identity,
      leaseDurationSeconds: Math.trunc(leaseDuration / 1000),
      acquireTime: renews ? (before.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: (before?.leaseTransitions ?? 0) + (renews || before === undefined ? 0 : 1),
    }
  }

  /** A Lease has times in microseconds. */
  #microTime(): string {
    return new Date(this.#options.clock.now()).toISOString().replace('Z', '000Z')
  }

  get #collection(): string {
    return `/apis/coordination.k8s.io/v1/namespaces/${this.#options.namespace}/leases`
  }
}
