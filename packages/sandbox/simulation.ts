import { type DurationMs, type EpochMs, HOUR, MINUTE, parseTime } from '@vpa/core/time.ts'
import { ApiError } from './api-error.ts'
import { runDeployments } from './deployment.ts'
import { type DisruptionBudget, budgetStatus } from './disruption-budget.ts'
import { DISRUPTION_BUDGETS, EVENTS, NAMESPACES, SERVICE_ACCOUNTS } from './kind.ts'
import { runKubelet } from './kubelet.ts'
import { runReplicas } from './replicas.ts'
import { runScheduler } from './scheduler.ts'
import { storageName } from './storage.ts'
import { type World, setStatus } from './world.ts'

/** Controllers that wait for each other settle in a few rounds; more would be two of them fighting. */
const MOST_ROUNDS = 50
const EVENT_LIFETIME = HOUR
/** There may be tens of thousands of events, and nothing waits for their end. */
const EVENTS_SWEPT_EVERY: DurationMs = MINUTE

/** What makes the objects live: controllers, scheduler and kubelet, run after changes and as time passes. */
export class Simulation {
  readonly #world: World
  #settling: Promise<void> = Promise.resolve()
  #isWaiting = false
  #eventsSweptAt: EpochMs = -Infinity
  readonly #ended = new AbortController()
  readonly #unsubscribe: () => void

  constructor(world: World, step: DurationMs) {
    this.#world = world
    this.#unsubscribe = world.storage.subscribe(({ kind }) => {
      if (kind !== EVENTS) this.#wake()
    })
    void this.#followTime(step)
  }

  /** Resolves when there is nothing left to do at this moment. */
  settle(): Promise<void> {
    this.#settling = this.#settling.then(() => this.#run())
    return this.#settling
  }

  async stop(): Promise<void> {
    this.#unsubscribe()
    this.#ended.abort()
    await this.#settling
  }

  #wake(): void {
    if (this.#isWaiting || this.#ended.signal.aborted) return
    this.#isWaiting = true
    setImmediate(() => {
      this.#isWaiting = false
      void this.settle()
    })
  }

  async #followTime(step: DurationMs): Promise<void> {
    const { signal } = this.#ended
    while (!signal.aborted) {
      await this.#world.clock.sleep(step, signal)
      this.#sweepEvents()
      await this.settle()
    }
  }

  #sweepEvents(): void {
    const { storage, clock } = this.#world
    const now = clock.now()
    if (now - this.#eventsSweptAt < EVENTS_SWEPT_EVERY) return
    this.#eventsSweptAt = now
    for (const event of storage.list(EVENTS)) {
      const at = parseTime(String(event['lastTimestamp'] ?? event.metadata.creationTimestamp)) ?? 0
      if (now - at > EVENT_LIFETIME) storage.remove(EVENTS, event)
    }
  }

  async #run(): Promise<void> {
    const { storage } = this.#world
    for (let round = 0; round < MOST_ROUNDS && !this.#ended.signal.aborted; round += 1) {
      const before = storage.version
      try {
        await runAll(this.#world)
      } catch (error) {
        // What the API refuses, a webhook for example, is tried again with the next step.
        if (!(error instanceof ApiError)) throw error
        return
      }
      if (storage.version === before) return
    }
  }
}

async function runAll(world: World): Promise<void> {
  collectGarbage(world)
  await createServiceAccounts(world)
  await runDeployments(world)
  await runReplicas(world)
  runScheduler(world)
  runKubelet(world)
  runDisruptionBudgets(world)
}

/** Removes objects whose owners are gone. Events have none, and are none. */
function collectGarbage({ storage, api }: World): void {
  const all = api.kinds.filter((kind) => storageName(kind) !== storageName(EVENTS)).flatMap((kind) => storage.list(kind).map((object) => ({ kind, object })))
  const uids = new Set(all.map(({ object }) => object.metadata.uid))
  for (const { kind, object } of all) {
    const { ownerReferences = [], namespace, name, deletionTimestamp } = object.metadata
    const isOrphan = ownerReferences.length > 0 && ownerReferences.every(({ uid }) => !uids.has(uid))
    if (isOrphan && deletionTimestamp === undefined && storage.get(kind, namespace ? `${namespace}/${name}` : name)) api.delete(kind, { namespace, name })
  }
}

/** Pods of a namespace run as its service account `default`. */
async function createServiceAccounts({ storage, api }: World): Promise<void> {
  for (const { metadata } of storage.list(NAMESPACES)) {
    const ref = { namespace: metadata.name, name: 'default' }
    if (!api.has(SERVICE_ACCOUNTS, ref)) await api.create(SERVICE_ACCOUNTS, ref.namespace, { metadata: { name: ref.name } })
  }
}

function runDisruptionBudgets(world: World): void {
  for (const budget of world.storage.list(DISRUPTION_BUDGETS) as readonly DisruptionBudget[]) setStatus(world, DISRUPTION_BUDGETS, budget, budgetStatus(budget, world.storage))
}
