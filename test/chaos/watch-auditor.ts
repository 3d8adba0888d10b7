import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '@vpa/kube/clock.ts'
import type { Cluster } from '@vpa/kube/cluster.ts'
import { connect } from '@vpa/kube/connect.ts'
import { Registry } from 'prom-client'
import { silentLog } from '../support/recorded-log.ts'
import type { ChaosCluster, Manifest } from './chaos-cluster.ts'
import { NAMESPACE, vpa } from './workloads.ts'

/** How long a change may take to be seen once there are no faults. */
const PATIENCE_MS = 10_000
const PAUSE_MS = 100
const MOST_AT_A_TIME = 20


export interface Audit {
  /** Creations and deletions that were made. */
  readonly events: number
  /** Those that were not seen in time. */
  readonly missed: number
  /** The longest that one took to be seen, since it was made or, if that was later, since the last fault ended. */
  readonly slowestMs: number
}

/** Makes and deletes VPAs all the time, and looks whether the programs' own watch tells of each. */
export class WatchAuditor {
  readonly #cluster: Cluster
  readonly #target: ChaosCluster
  readonly #stop: AbortController
  readonly #lives = new Set<Promise<void>>()
  #count = 0
  #audit = { events: 0, missed: 0, slowestMs: 0 }
  /** Undefined while there are faults: then nothing is late. */
  #faultsEndedAt: number | undefined = 0
  #making = new AbortController()
  #maker: Promise<void> = Promise.resolve()

  static async open(target: ChaosCluster): Promise<WatchAuditor> {
    const stop = new AbortController()
    const cluster = await connect({
      kubeconfig: target.kubeconfig.auditor, qps: 0, burst: 0, source: 'auditor', ignoredNamespaces: [],
      clock: systemClock, log: silentLog, registry: new Registry(), signal: stop.signal, watch: { vpas: true },
    })
    await cluster.synced()
    return new WatchAuditor({ target, cluster, stop })
  }

  private constructor({ target, cluster, stop }: { target: ChaosCluster; cluster: Cluster; stop: AbortController }) {
    this.#target = target
    this.#cluster = cluster
    this.#stop = stop
  }

  /** Faults may be made from now on. */
  begin(): void {
    this.#audit = { events: 0, missed: 0, slowestMs: 0 }
    this.#faultsEndedAt = undefined
    this.#making = new AbortController()
    this.#maker = this.#makeMarks(this.#making.signal)
  }

  /** From now on each change must be seen in time, also those that were made before. More are made until {@link end}. */
  faultsEnded(): void {
    this.#faultsEndedAt = Date.now()
  }

  /** Resolves when all changes that were made are seen, or are missed. */
  async end(): Promise<Audit> {
    this.#making.abort()
    this.#faultsEndedAt ??= Date.now()
    await this.#maker
    await Promise.all(this.#lives)
    return this.#audit
  }

  async close(): Promise<void> {
    await this.end()
    this.#stop.abort()
    await this.#cluster.stop()
  }

  async #makeMarks(ended: AbortSignal): Promise<void> {
    for (; !ended.aborted; await sleep(PAUSE_MS)) {
      if (this.#lives.size >= MOST_AT_A_TIME) continue
      const life = this.#live(mark(this.#count++)).finally(() => this.#lives.delete(life))
      this.#lives.add(life)
    }
  }

  /** Made, seen, deleted, seen to be gone: only a state that lasts must be seen. */
  async #live(manifest: Manifest): Promise<void> {
    const { name } = manifest.metadata
    const isThere = () => this.#cluster.vpas.get(NAMESPACE, name) !== undefined
    // An API server that is away may have taken it all the same.
    const made = await this.#target.apply(manifest).then(() => true, () => false)
    if (made) await this.#seen(isThere)
    while (!(await this.#target.remove(manifest).then(() => true, () => false))) await sleep(PAUSE_MS)
    if (made) await this.#seen(() => !isThere())
  }

  async #seen(holds: () => boolean): Promise<void> {
    this.#audit.events += 1
    const madeAt = Date.now()
    const late = () => (this.#faultsEndedAt === undefined ? 0 : Date.now() - Math.max(madeAt, this.#faultsEndedAt))
    while (!holds() && late() < PATIENCE_MS) await sleep(20)
    if (!holds()) this.#audit.missed += 1
    this.#audit.slowestMs = Math.max(this.#audit.slowestMs, late())
  }
}

function mark(count: number): Manifest {
  return vpa(`audit-${count}`, { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'nobody' }, updatePolicy: { updateMode: 'Off' } })
}
