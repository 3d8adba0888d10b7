import type { RawMeta } from '@vpa/core/api/object.ts'
import { type DurationMs, MINUTE, SECOND } from '@vpa/core/time.ts'
import { ApiError, isExpired } from './api-error.ts'
import { BackOff } from './back-off.ts'
import type { Client } from './client.ts'
import type { Clock } from './clock.ts'
import { Interner } from './intern.ts'
import { readList } from './list.ts'
import type { Log } from './log.ts'
import { LineSplitter } from './splitter.ts'
import type { ObjectStore, StoredObject } from './store.ts'
import type { WatchMetrics } from './watch-metrics.ts'

export interface WatchOptions<T extends StoredObject> {
  /** The plural, as log and metrics show it: `pods`. */
  readonly kind: string
  readonly path: string
  readonly fieldSelector?: string
  /** What is kept of an object. May throw: that object is then skipped, and its last readable form stays. */
  readonly project: (raw: unknown) => T
  readonly store: ObjectStore<T>
  readonly client: Client
  readonly clock: Clock
  readonly log: Log
  readonly metrics: WatchMetrics
  readonly signal: AbortSignal
  /** Whether the first list must be as new as the cluster; otherwise it may come from the API server's cache, which costs less and may be behind. */
  readonly isFirstListExact?: boolean
  /** From 0 up to 1; spreads time-outs and waits. */
  readonly random?: () => number
}

const PAGE_SIZE = 500
const SHORTEST_WATCH = 5 * MINUTE
/** The API server sends a bookmark about once a minute. One that is silent for longer than this is gone; asking anew costs one request. */
const LONGEST_SILENCE = 2 * MINUTE

/**
 * Keeps a store equal to the cluster: one list, then a watch that is resumed wherever it broke off, for as long as the program
 * runs. The store serves its last state meanwhile. The guarantees are those of client-go's Reflector:
 *
 * - every state that lasts is seen, in order per object; what happened unseen is told as the difference to a new list
 * - no error ends it; waits between attempts grow to 5 s
 * - an object that cannot be read costs only itself
 */
export class Watch<T extends StoredObject> {
  /** Resolves after the first list. */
  readonly synced: Promise<void>
  readonly #options: Required<WatchOptions<T>>
  readonly #backOff: BackOff
  readonly #interner = new Interner()
  readonly #listed: () => void
  /** Where to go on; undefined: list first. */
  #resourceVersion: string | undefined
  /** The next list may come from the API server's cache. */
  #mayBeBehind: boolean
  /** The latest failure was that {@link #resourceVersion} was too old. */
  #expired = false
  /** The latest failure was that no API server answered. */
  #unreachable = false
  #pageSize: number | undefined = PAGE_SIZE

  constructor(options: WatchOptions<T>) {
    this.#options = { random: Math.random, fieldSelector: '', isFirstListExact: false, ...options }
    this.#mayBeBehind = !this.#options.isFirstListExact
    this.#backOff = new BackOff(this.#options.random)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.synced = promise
    this.#listed = resolve
  }

  /** Resolves when the signal is aborted. Never rejects. */
  async run(): Promise<void> {
    const { clock, signal } = this.#options
    while (!signal.aborted) {
      try {
        if (this.#resourceVersion === undefined) await this.#list()
        await this.#watch(this.#resourceVersion ?? '')
      } catch (error) {
        if (!signal.aborted) await clock.sleep(this.#failed(error), signal)
      }
    }
  }

  /** @returns how long to wait */
  #failed(error: unknown): DurationMs {
    const { kind, log, metrics } = this.#options
    // Where the API server, and not the way to it, is what failed, the place to go on from may be why. Being too busy says nothing about it.
    const listAgain = error instanceof BrokenLine || (error instanceof ApiError && error.status !== 429 && error.status !== 503)
    if (error instanceof BrokenLine) metrics.skipped(kind)
    if (listAgain) this.#resourceVersion = undefined
    // A place that is too old is nothing unusual after an outage, and says that the API server is back. Twice in a row is a fault.
    const expiredAtLast = isExpired(error) && !this.#expired
    this.#expired = isExpired(error)
    const unreachable = !(error instanceof ApiError || error instanceof BrokenLine)
    if (expiredAtLast || unreachable !== this.#unreachable) this.#backOff.reset()
    this.#unreachable = unreachable
    const wait = expiredAtLast ? 0 : this.#backOff.next()
    const asked = error instanceof ApiError ? (error.retryAfter ?? 0) : 0
    const retryInMs = Math.max(wait, asked)
    metrics.restarted(kind)
    log.warn(this.#resourceVersion === undefined ? 'Cannot list, trying again' : 'Watch broke off, resuming', { kind, error, retryInMs })
    return retryInMs
  }

  /** A list after the first never comes from the API server's cache: it could be older than what is known already. */
  async #list(): Promise<void> {
    const { client, path, fieldSelector, store, clock, signal } = this.#options
    const seen = new Set<T>()
    const query = { resourceVersion: this.#mayBeBehind ? '0' : undefined, fieldSelector: fieldSelector || undefined }
    const onItem = (text: string) => {
      const kept = this.#apply(parsed(text) as RawObject, false)
      if (kept !== undefined) seen.add(kept)
    }
    try {
      const version = await readList(client, { path, query, signal, onItem, ...(this.#pageSize && { pageSize: this.#pageSize }) })
      // Whoever is on the way may answer with JSON of its own. Taken for an empty list, it would empty the store.
      if (version === '') throw new Error('the answer is no list of the API server: it has no resourceVersion')
      this.#resourceVersion = version
    } catch (error) {
      // The list outlived what the API server remembers. In one answer it cannot.
      if (isExpired(error)) this.#pageSize = undefined
      throw error
    }
    for (const object of store.list()) if (!seen.has(object)) store.remove(object)
    store.heardAt = clock.now()
    this.#pageSize = PAGE_SIZE
    this.#mayBeBehind = false
    this.#listed()
  }

  /** Resolves when the API server ends the watch in time. */
  async #watch(resourceVersion: string): Promise<void> {
    const { client, path, fieldSelector, random, clock, signal, store } = this.#options
    const over = new AbortController()
    const end = AbortSignal.any([signal, over.signal])
    const timeoutSeconds = Math.round((SHORTEST_WATCH * (1 + random())) / 1000)
    const query = { watch: true, resourceVersion, allowWatchBookmarks: true, timeoutSeconds, fieldSelector: fieldSelector || undefined }
    const startedAt = clock.uptime()
    let heardAt = startedAt
    const watchdog = async () => {
      for (let left = LONGEST_SILENCE; left > 0 && !end.aborted; left = heardAt + LONGEST_SILENCE - clock.uptime()) await clock.sleep(left, end)
      over.abort(new Error('the API server fell silent'))
    }
    void watchdog()
    try {
      const bytes = await client.stream({ path, query, signal: end, timeout: 0 })
      const splitter = new LineSplitter()
      for await (const chunk of bytes) {
        heardAt = clock.uptime()
        store.heardAt = clock.now()
        for (const line of linesOf(chunk, splitter)) this.#event(line)
      }
    } finally {
      over.abort()
    }
    if (heardAt === startedAt && clock.uptime() - startedAt < SECOND) throw new Error('the watch ended as soon as it began')
  }

  #event(line: string): void {
    const { type, object } = (parsed(line) ?? {}) as { type?: string; object?: RawObject }
    if (type === 'ERROR') throw new ApiError(object?.code ?? 500, object)
    if (type !== 'BOOKMARK' && !isIdentified(object)) throw new BrokenLine(`not an event of an object with name, uid and resourceVersion: ${line.slice(0, 100)}`)
    if (type === 'DELETED') this.#remove(object)
    else if (type !== 'BOOKMARK') this.#follow(object)
    const version = object?.metadata?.resourceVersion
    if (typeof version === 'string' && !isOlder(version, this.#resourceVersion ?? '')) this.#resourceVersion = version
    this.#backOff.reset()
    this.#expired = false
  }

  /** An event that comes late tells nothing new of an object that is there. Of one that is not, it might tell what was before its end. */
  #follow(raw: RawObject | undefined): void {
    const { namespace = '', name = '', uid, resourceVersion = '' } = raw?.metadata ?? {}
    const isLate = isOlder(resourceVersion, this.#resourceVersion ?? '')
    if (isLate && this.#options.store.get(namespace, name)?.uid !== uid) throw new BrokenLine(`events out of order: ${namespace}/${name} at ${resourceVersion} after ${this.#resourceVersion}`)
    this.#apply(raw, true)
  }

  #remove(raw: RawObject | undefined): void {
    const { namespace = '', name = '', uid } = raw?.metadata ?? {}
    const before = this.#options.store.get(namespace, name)
    if (before?.uid === uid) this.#options.store.remove({ namespace, name })
  }

  /**
   * @param inOrder keep what is newer: an event may be told twice. A list is right even where the cluster went back in time (a restored backup).
   * @returns what the store now holds of it
   */
  #apply(raw: RawObject | undefined, inOrder: boolean): T | undefined {
    const { store, project, kind, log, metrics } = this.#options
    const { namespace = '', name = '', uid, resourceVersion = '' } = raw?.metadata ?? {}
    const before = store.get(namespace, name)
    const known = before?.uid === uid ? before : undefined
    if (known?.resourceVersion === resourceVersion || (known && inOrder && isOlder(resourceVersion, known.resourceVersion))) return known
    try {
      store.set(this.#interner.intern(project(raw), store))
    } catch (error) {
      metrics.skipped(kind)
      log.warn('Cannot read an object, its last readable form stays', { kind, namespace, name, error })
    }
    return store.get(namespace, name)
  }
}

interface RawObject {
  readonly metadata?: RawMeta
  /** Of a Status. */
  readonly code?: number
}

/** Whether it can be told which object this is, and whether it is another one, or older, than what is known. */
function isIdentified(object: RawObject | undefined): boolean {
  const { name, uid, resourceVersion } = object?.metadata ?? {}
  return [name, uid, resourceVersion].every((text) => typeof text === 'string' && text !== '')
}

/** What came is not JSON, of no object that can be told, not in order, or larger than any object: what it was meant to say is lost, so only a new list helps. */
class BrokenLine extends Error {}

function linesOf(chunk: Buffer, splitter: LineSplitter): readonly string[] {
  try {
    return splitter.push(chunk)
  } catch (error) {
    throw new BrokenLine((error as RangeError).message, { cause: error })
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new BrokenLine(`not JSON: ${text.slice(0, 100)}`, { cause: error })
  }
}

/** Versions of one object are numbers that grow (KEP-5504); compared as text, because they may be larger than 2^53. */
function isOlder(a: string, b: string): boolean {
  return a.length === b.length ? a < b : a.length < b.length
}
