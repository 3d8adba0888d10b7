import { Counter, Gauge, type Registry } from 'prom-client'
import type { Clock } from './clock.ts'
import type { Store } from './cluster.ts'

/** How well the local copies follow the cluster, per kind. */
export class WatchMetrics {
  readonly #stores = new Map<string, Store<unknown>>()
  readonly #restarts: Counter<'kind'>
  readonly #unreadable: Counter<'kind'>

  constructor(registry: Registry, clock: Clock) {
    const stores = this.#stores
    const common = { labelNames: ['kind'] as const, registers: [registry] }
    this.#restarts = new Counter({ ...common, name: 'vpa_watch_restarts_total', help: 'Lists and watches that failed and were started again.' })
    this.#unreadable = new Counter({ ...common, name: 'vpa_watch_unreadable_objects_total', help: 'Objects and events that were skipped because they could not be read.' })
    const age = new Gauge({
      labelNames: ['kind'],
      registers: [],
      name: 'vpa_watch_age_seconds',
      help: 'Time since the API server was last heard of. Quiet kinds are heard of about once a minute.',
      collect() {
        for (const [kind, { heardAt }] of stores) if (heardAt !== undefined) this.set({ kind }, (clock.now() - heardAt) / 1000)
      },
    })
    const objects = new Gauge({
      labelNames: ['kind'],
      registers: [],
      name: 'vpa_watch_objects',
      help: 'Objects kept in memory.',
      collect() {
        for (const [kind, { size }] of stores) this.set({ kind }, size)
      },
    })
    registry.registerMetric(age)
    registry.registerMetric(objects)
  }

  add(kind: string, store: Store<unknown>): void {
    this.#stores.set(kind, store)
    this.#restarts.inc({ kind }, 0)
    this.#unreadable.inc({ kind }, 0)
  }

  restarted(kind: string): void {
    this.#restarts.inc({ kind })
  }

  skipped(kind: string): void {
    this.#unreadable.inc({ kind })
  }
}
