import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { Gauge, type Registry } from 'prom-client'
import type { z } from 'zod'
import type { Client } from './client.ts'
import type { Clock } from './clock.ts'
import { openClient } from './connect.ts'
import type { leaderElectionFlags } from './flags.ts'
import type { Health } from './health.ts'
import { type Leadership, awaitLeadership } from './leader.ts'
import type { Log } from './log.ts'

/** What `leaderElectionFlags` say, and how to reach the API server. */
export type ElectionConfig = z.output<z.ZodObject<ReturnType<typeof leaderElectionFlags>>> & { readonly kubeconfig: string }

export interface ElectionContext {
  readonly log: Log
  readonly clock: Clock
  readonly registry: Registry
  /** Ends the wait for the lease. */
  readonly signal: AbortSignal
  readonly health: Pick<Health, 'standBy'>
}

/** A replica's part in the election of the one that works. */
export class Election {
  /** Rejects when we led and lost the lease. */
  readonly lost: Promise<never>
  readonly #program: string
  readonly #config: Readonly<ElectionConfig>
  readonly #context: ElectionContext
  readonly #lose: (error: Error) => void
  #client: Client | undefined
  #leadership: Leadership | undefined

  /** @param program such as `vpa-recommender`, for user agents */
  constructor(program: string, config: Readonly<ElectionConfig>, context: ElectionContext) {
    this.#program = program
    this.#config = config
    this.#context = context
    const { promise, reject } = Promise.withResolvers<never>()
    this.lost = promise
    this.#lose = reject
  }

  /**
   * Waits for the lease, and holds it until {@link end}.
   *
   * @returns false when the signal was aborted first
   * @throws Error that says what is wrong with the kubeconfig or the ServiceAccount
   */
  async lead(): Promise<boolean> {
    const { log, clock, registry, signal, health } = this.#context
    const config = this.#config
    // A client of its own: renewals never queue behind the program's requests.
    this.#client = await openClient({ kubeconfig: config.kubeconfig, source: `${this.#program}/leader-election`, qps: 0, burst: 0, clock, registry })
    const options = {
      client: this.#client,
      clock,
      log,
      identity: `${hostname()}_${randomUUID()}`,
      namespace: config.leaderElectResourceNamespace,
      name: config.leaderElectResourceName,
      leaseDuration: config.leaderElectLeaseDuration,
      renewDeadline: config.leaderElectRenewDeadline,
      retryPeriod: config.leaderElectRetryPeriod,
      random: Math.random,
    }
    const leads = leaderGauge(registry)
    leads.set({ name: options.name }, 0)
    health.standBy()
    log.info('Waiting for the leader lease', { namespace: options.namespace, lease: options.name })
    this.#leadership = await awaitLeadership(options, signal)
    leads.set({ name: options.name }, Number(this.#leadership !== undefined))
    void this.#leadership?.lost.then(() => this.#lose(new Error('lost master')))
    return this.#leadership !== undefined
  }

  /** Whether no other replica can lead now. */
  get isLeader(): boolean {
    return this.#leadership?.isHeld ?? false
  }

  /** The work has ended. Gives the lease back, if we hold it. */
  async end(): Promise<void> {
    await this.#leadership?.release()
    await this.#client?.close()
  }
}

/** The name and label of Kubernetes' own metric. Who has lost the lease ends, and so its series does. */
export function leaderGauge(registry: Registry): Gauge<'name'> {
  return new Gauge({ name: 'leader_election_master_status', help: '1 while this replica leads, 0 while it stands by; by the name of the lease.', labelNames: ['name'], registers: [registry] })
}
