import type { ServerResponse } from 'node:http'
import type { DurationMs } from '@vpa/core/time.ts'
import { expired } from './api-error.ts'
import { inVersion } from './api.ts'
import type { Clock } from './clock.ts'
import type { Faults } from './faults.ts'
import { type Kind, groupVersionOf } from './kind.ts'
import type { KubeObject } from './object.ts'
import { type Storage, type StorageEvent, storageName } from './storage.ts'

export interface WatchRequest {
  readonly kind: Kind
  readonly path: string
  readonly matches: (object: KubeObject) => boolean
  /** undefined or 0: begin with what there is. */
  readonly resourceVersion: number | undefined
  readonly bookmarks: boolean
  /** Ends the initial objects with a bookmark that says so (a watch-list). */
  readonly initialEvents: boolean
  readonly timeout: DurationMs
  /** The object as the client wants it: plain, or a row of a table. */
  readonly render: (object: KubeObject) => object
}

interface WatchParts {
  readonly storage: Storage
  readonly clock: Clock
  readonly faults: Faults
  readonly bookmarkInterval: DurationMs
}

/** Streams changes as lines of JSON until the timeout, a fault or the client ends it. */
export function watch(response: ServerResponse, request: WatchRequest, parts: WatchParts): void {
  const { storage, faults } = parts
  const { kind, resourceVersion = 0, matches, render } = request
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' })
  response.flushHeaders()
  const line = (type: string, object: object) => faults.write(response, `${JSON.stringify({ type, object })}\n`, type)
  const bookmark = (annotations?: Record<string, string>) => {
    const metadata = { resourceVersion: `${storage.version}`, creationTimestamp: null, ...(annotations && { annotations }) }
    line('BOOKMARK', { kind: kind.kind, apiVersion: groupVersionOf(kind), metadata })
  }
  const show = (event: StorageEvent) => {
    const type = visibleType(event, request)
    if (type !== undefined) line(type, render(inVersion(kind, event.object)))
  }

  const missed = resourceVersion === 0 || request.initialEvents ? [] : storage.since(resourceVersion)
  if (missed === undefined) {
    line('ERROR', expired(`too old resource version: ${resourceVersion} (${storage.compactedAt + 1})`).toJSON())
    faults.end(response)
    return
  }
  if (resourceVersion === 0 || request.initialEvents) for (const object of storage.list(kind)) if (matches(object)) line('ADDED', render(inVersion(kind, object)))
  if (request.initialEvents) bookmark({ 'k8s.io/initial-events-end': 'true' })
  missed.forEach(show)
  const unsubscribe = storage.subscribe(show)
  const ended = new AbortController()
  faults.track(response, request.path)
  response.on('close', () => {
    unsubscribe()
    ended.abort()
  })
  void keepAlive({ ...parts, request, ended: ended.signal, bookmark }).then(() => faults.end(response))
}

async function keepAlive({ clock, bookmarkInterval, request, ended, bookmark }: WatchParts & { request: WatchRequest; ended: AbortSignal; bookmark: () => void }): Promise<void> {
  const end = clock.now() + request.timeout
  while (!ended.aborted && clock.now() < end) {
    await clock.sleep(Math.min(bookmarkInterval, end - clock.now()), ended)
    if (request.bookmarks && !ended.aborted) bookmark()
  }
}

/** A change seen through selectors: an object that begins to match is added, one that ceases to is deleted. */
function visibleType(event: StorageEvent, { kind, matches }: WatchRequest): StorageEvent['type'] | undefined {
  if (storageName(event.kind) !== storageName(kind)) return undefined
  const was = event.before !== undefined && matches(event.before)
  const is = event.type !== 'DELETED' && matches(event.object)
  if (is) return was ? 'MODIFIED' : 'ADDED'
  return was ? 'DELETED' : undefined
}
