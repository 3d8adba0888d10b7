import { type DurationMs, SECOND } from '@vpa/core/time.ts'
import { isConflict } from './api-error.ts'
import type { Client } from './client.ts'
import type { Clock } from './clock.ts'
import { microTime } from './lease.ts'
import type { Log } from './log.ts'
import { LEASES, objectPath, pathOf } from './resources.ts'

export interface LeaseLockOptions {
  readonly client: Pick<Client, 'find' | 'request'>
  readonly clock: Clock
  readonly log: Log
  /** Who we are; unique among replicas and restarts. */
  readonly identity: string
  readonly namespace: string
  readonly name: string
  /** How long a holder that does not renew keeps others waiting. */
  readonly leaseDuration: DurationMs
  /** How long a holder tries to renew before it must stop working; also how long to wait for an answer. */
  readonly renewDeadline: DurationMs
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
export type Turn = 'held' | 'taken' | 'failed'

/** The Lease object by which replicas agree who works, seen by one of them. */
export class LeaseLock {
  readonly #options: LeaseLockOptions
  /** The lease as last seen, and when we first saw it so. */
  #seen: { readonly lease: Lease; readonly at: DurationMs } | undefined
  /** Until when nobody else can have taken it, by our uptime: others count from when they saw our last renewal, which was after we asked for it. */
  #heldUntil: DurationMs = -Infinity

  constructor(options: LeaseLockOptions) {
    this.#options = options
  }

  /** Takes or renews the lease. `failed` when the API server cannot be asked, or when another replica was faster. */
  async tryToHold(signal: AbortSignal): Promise<Turn> {
    const { clock, leaseDuration } = this.#options
    try {
      const lease = await this.#read(signal)
      const heldUntil = clock.uptime() + wholeSeconds(leaseDuration) * SECOND
      if (lease === undefined) {
        await this.#write('POST', { spec: this.#ownSpec(undefined) }, signal)
      } else {
        if (this.#heldByAnother(lease)) {
          this.#heldUntil = -Infinity
          return 'taken'
        }
        await this.#write('PUT', { ...lease, spec: this.#ownSpec(lease.spec) }, signal)
      }
      this.#heldUntil = heldUntil
      return 'held'
    } catch (error) {
      // A conflict means that another replica was faster.
      if (!isConflict(error) && !signal.aborted) this.#options.log.warn('Cannot acquire or renew the leader lease', { lease: this.#options.name, error })
      return 'failed'
    }
  }

  /** Whether it is surely ours now, as far as can be known without asking. */
  get isHeld(): boolean {
    return this.#options.clock.uptime() < this.#heldUntil
  }

  /** Gives the lease back, if it is ours. That it cannot be is logged: it then runs out by itself. */
  async release(): Promise<void> {
    const { log, name } = this.#options
    try {
      await this.#giveBack(this.#seen?.lease).catch(async (error: unknown) => {
        // A renewal whose answer nobody waits for any more may have been done.
        if (isConflict(error)) await this.#giveBack(await this.#read())
        else throw error
      })
    } catch (error) {
      log.warn('Cannot release the leader lease', { lease: name, error })
    }
  }

  async #giveBack(lease: Lease | undefined): Promise<void> {
    const { identity, clock } = this.#options
    if (lease?.spec?.holderIdentity !== identity) return
    const now = microTime(clock.now())
    const spec = { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, acquireTime: now, renewTime: now }
    await this.#write('PUT', { ...lease, spec })
  }

  async #read(signal?: AbortSignal): Promise<Lease | undefined> {
    const { client, renewDeadline } = this.#options
    const lease = await client.find<Lease>({ path: objectPath(LEASES, this.#options), timeout: renewDeadline, ...(signal && { signal }) })
    if (lease !== undefined && lease.metadata.resourceVersion !== this.#seen?.lease.metadata.resourceVersion) this.#see(lease)
    return lease
  }

  async #write(method: 'POST' | 'PUT', lease: Pick<Lease, 'spec'> & Partial<Lease>, signal?: AbortSignal): Promise<void> {
    const { client, namespace, name, renewDeadline } = this.#options
    const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { namespace, name }, ...lease }
    const path = method === 'POST' ? pathOf(LEASES, namespace) : objectPath(LEASES, { namespace, name })
    this.#see(await client.request<Lease>({ method, path, body, timeout: renewDeadline, ...(signal && { signal }) }))
  }

  /** How long the lease as last seen still holds, at least a millisecond. */
  get remaining(): DurationMs {
    const { lease, at = -Infinity } = this.#seen ?? {}
    return Math.max(1, at + (lease?.spec?.leaseDurationSeconds ?? 0) * SECOND - this.#options.clock.uptime())
  }

  #see(lease: Lease): void {
    this.#seen = { lease, at: this.#options.clock.uptime() }
  }

  #heldByAnother({ spec = {} }: Lease): boolean {
    const { identity, clock } = this.#options
    if (!spec.holderIdentity || spec.holderIdentity === identity || this.#seen === undefined) return false
    return clock.uptime() < this.#seen.at + (spec.leaseDurationSeconds ?? 0) * SECOND
  }

  #ownSpec(before: LeaseSpec | undefined): LeaseSpec {
    const { identity, leaseDuration, clock } = this.#options
    const now = microTime(clock.now())
    const renews = before?.holderIdentity === identity
    return {
      holderIdentity: identity,
      leaseDurationSeconds: wholeSeconds(leaseDuration),
      acquireTime: renews ? (before.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: (before?.leaseTransitions ?? 0) + (renews || before === undefined ? 0 : 1),
    }
  }
}

function wholeSeconds(duration: DurationMs): number {
  return Math.trunc(duration / SECOND)
}
