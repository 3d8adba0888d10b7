import type { ServerResponse } from 'node:http'
import { MINUTE, SECOND } from '@vpa/core/time.ts'
import { Registry } from 'prom-client'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type ApiServer, clientOf, json, refuse, sendWithoutEnd, startApiServer } from '../../test/support/api-server.ts'
import { type FakeClock, fakeClock } from '../../test/support/fake-clock.ts'
import { PATIENCE } from '../../test/support/patience.ts'
import { logTo } from '../../test/support/recorded-log.ts'
import { type StoredObject, ObjectStore } from './store.ts'
import { WatchMetrics } from './watch-metrics.ts'
import { Watch } from './watch.ts'

interface Thing extends StoredObject {
  readonly size: number
}

/** `thing('a', 5)`: object `a` of namespace `ns` as it is at version 5. */
function thing(name: string, version: number, options: { size?: unknown; uid?: string } = {}) {
  return { metadata: { namespace: 'ns', name, uid: options.uid ?? `uid-${name}`, resourceVersion: String(version) }, size: options.size ?? 1 }
}

function project(raw: unknown): Thing {
  const { metadata, size } = raw as ReturnType<typeof thing>
  if (typeof size !== 'number') throw new RangeError(`not a number: ${String(size)}`)
  return { ...metadata, size }
}

type Answer = (response: ServerResponse) => void

const list = (version: number, ...items: readonly unknown[]): Answer => (response) => json(response, 200, { metadata: { resourceVersion: String(version) }, items })
const events = (...lines: readonly unknown[]) => lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)) + '\n').join('')
const added = (object: unknown) => ({ type: 'ADDED', object })
const modified = (object: unknown) => ({ type: 'MODIFIED', object })
const deleted = (object: unknown) => ({ type: 'DELETED', object })
const bookmark = (version: number) => ({ type: 'BOOKMARK', object: { metadata: { resourceVersion: String(version) } } })
/** Sends the events and stays open. */
const stream = (...lines: readonly unknown[]): Answer => (response) => void response.writeHead(200).write(events(...lines) || ' ')
/** Sends the events and ends, as the API server does when the time of a watch is over. */
const ending = (...lines: readonly unknown[]): Answer => (response) => void response.writeHead(200).end(events(...lines))
/** Breaks the connection in the middle of a line. */
const torn = (...lines: readonly unknown[]): Answer => (response) => void response.writeHead(200).write(`${events(...lines)}{"type":"ADD`, () => response.destroy())
/** Breaks the connection without an answer. */
const gone: Answer = (response) => void response.destroy()
const status = (code: number): Answer => (response) => refuse(response, code)

interface Watched {
  readonly store: ObjectStore<Thing>
  readonly clock: FakeClock
  readonly server: ApiServer
  readonly watch: Watch<Thing>
  readonly registry: Registry
  readonly warnings: string[]
  /** Between attempts, in milliseconds. */
  readonly waits: number[]
  /** What the store told its listeners: `+a`, `~a`, `-a`. */
  readonly changes: string[]
}

/** Runs a watch against a server that gives these answers one after the other, and nothing after the last. */
async function watching(...answers: readonly Answer[]): Promise<Watched> {
  const clock = fakeClock()
  const server = await startApiServer((_, response) => answers[server.seen.length - 1]?.(response))
  const stop = new AbortController()
  const registry = new Registry()
  const warnings: string[] = []
  const waits: number[] = []
  const warn = (message: string, fields: { retryInMs?: number } = {}) => {
    warnings.push(message)
    if (fields.retryInMs !== undefined) waits.push(fields.retryInMs)
  }
  const log = logTo(warn)
  const store = new ObjectStore<Thing>((error) => warn(String(error)))
  const changes: string[] = []
  store.subscribe(({ before, now }) => changes.push(now === undefined ? `-${before!.name}` : `${before === undefined ? '+' : '~'}${now.name}`))
  const metrics = new WatchMetrics(registry, clock)
  metrics.add('things', store)
  const watch = new Watch({
    kind: 'things', path: '/apis/x/v1/things', project, store, client: clientOf(server, { clock }), clock, log, metrics, signal: stop.signal, random: () => 0,
  })
  const running = watch.run()
  onTestFinished(async () => {
    stop.abort()
    await running
  })
  return { store, clock, server, watch, registry, warnings, waits, changes }
}

function kept({ store }: Watched): Record<string, number> {
  return Object.fromEntries([...store.list()].map(({ name, size }) => [name, size]))
}

/** `list` or `watch from 5`. */
function requests({ server }: Watched): string[] {
  return server.seen.map(({ query }) => (query['watch'] ? `watch from ${query['resourceVersion']}` : query['continue'] ? `list on from ${query['continue']}` : 'list'))
}

/** Lets real I/O happen, and time pass, until the watch has asked that often. */
async function asked(watched: Watched, times: number): Promise<void> {
  const advance = async () => {
    await watched.clock.advance(SECOND)
    expect(watched.server.seen.length).toBeGreaterThanOrEqual(times)
  }
  await vi.waitFor(advance, { ...PATIENCE, interval: 2 })
}

test('lists, then follows: additions, changes, deletions', async () => {
  const watched = await watching(
    list(5, thing('a', 1), thing('b', 2)),
    stream(added(thing('c', 6)), modified(thing('a', 7, { size: 9 })), deleted(thing('b', 8))),
  )
  await watched.watch.synced
  await vi.waitFor(() => expect(kept(watched)).toEqual({ a: 9, c: 1 }), PATIENCE)
  expect(watched.changes).toEqual(['+a', '+b', '+c', '~a', '-b'])
  expect(requests(watched)).toEqual(['list', 'watch from 5'])
  expect(watched.server.seen[0]!.query).toEqual({ limit: '500', resourceVersion: '0' })
  expect(watched.server.seen[1]!.query).toEqual({ watch: 'true', resourceVersion: '5', allowWatchBookmarks: 'true', timeoutSeconds: '300' })
})

test('a list in pages is read to its end before it counts', async () => {
  const watched = await watching(
    (response) => json(response, 200, { metadata: { resourceVersion: '5', continue: 'next' }, items: [thing('a', 1)] }),
    list(5, thing('b', 2)),
    stream(),
  )
  await watched.watch.synced
  expect(kept(watched)).toEqual({ a: 1, b: 1 })
  expect(watched.server.seen[1]!.query).toEqual({ limit: '500', continue: 'next' })
})

test('a list that outlived its beginning is asked for in one answer', async () => {
  const watched = await watching(
    (response) => json(response, 200, { metadata: { resourceVersion: '5', continue: 'next' }, items: [thing('a', 1)] }),
    status(410),
    list(9, thing('b', 2)),
    stream(),
  )
  await asked(watched, 4)
  await watched.watch.synced
  expect(kept(watched)).toEqual({ b: 1 })
  expect(watched.server.seen[2]!.query).toEqual({ resourceVersion: '0' })
})

test.for([
  ['after its time is over, a watch goes on from the latest event', ending(added(thing('b', 7))), ['list', 'watch from 5', 'watch from 7']],
  ['or from the latest bookmark', ending(bookmark(40)), ['list', 'watch from 5', 'watch from 40']],
  ['a torn line is told again', torn(added(thing('b', 7))), ['list', 'watch from 5', 'watch from 7']],
  ['an overloaded API server is asked for the same again', status(503), ['list', 'watch from 5', 'watch from 5']],
  ['a broken API server is asked for a list', status(500), ['list', 'watch from 5', 'list']],
  ['so is one that says Gone', status(410), ['list', 'watch from 5', 'list']],
  ['also in the stream', stream({ type: 'ERROR', object: { code: 410, reason: 'Expired' } }), ['list', 'watch from 5', 'list']],
  ['so is one whose line never ends', (response: ServerResponse) => sendWithoutEnd(response, 200, '{"type":"'), ['list', 'watch from 5', 'list']],
  ['a line that is not JSON may have been any event', stream('{"type":"ADDED"<html>'), ['list', 'watch from 5', 'list']],
] as const)('%s', async ([, answer, expected]) => {
  const watched = await watching(list(5, thing('a', 1)), answer)
  await asked(watched, 3)
  expect(requests(watched).slice(0, 3)).toEqual(expected)
})

test('a new list is told as the difference: deleted, changed, added, replaced; what is the same is not told', async () => {
  const watched = await watching(
    list(5, thing('gone', 1), thing('same', 2), thing('changed', 3), thing('replaced', 4)),
    status(410),
    list(20, thing('same', 2), thing('changed', 11), thing('replaced', 12, { uid: 'another' }), thing('new', 13)),
    stream(),
  )
  await asked(watched, 4)
  expect(watched.changes.slice(4)).toEqual(['~changed', '-replaced', '+replaced', '+new', '-gone'])
})

test.for<[string, unknown]>([
  ['is no list', { status: 'under maintenance' }],
  ['has no version', { metadata: {}, items: [] }],
])('an answer that %s, such as that of a proxy on the way, does not empty the store', async ([, answer]) => {
  const watched = await watching(list(5, thing('a', 1)), status(410), (response) => json(response, 200, answer), list(6, thing('a', 1), thing('b', 6)), stream())
  await asked(watched, 5)
  await vi.waitFor(() => expect(kept(watched)).toEqual({ a: 1, b: 1 }), PATIENCE)
  expect(watched.changes).toEqual(['+a', '+b'])
})

test('while the API server is away the store serves what it has, and waits grow to 5 s', async () => {
  const watched = await watching(list(5, thing('a', 1)), ...Array<Answer>(7).fill(status(503)), stream(added(thing('b', 6))))
  await asked(watched, 8)
  expect(kept(watched)).toEqual({ a: 1 })
  await vi.waitFor(() => expect(watched.waits).toEqual([800, 1600, 3200, 5000, 5000, 5000, 5000]), PATIENCE)
  await asked(watched, 9)
  await vi.waitFor(() => expect(kept(watched)).toEqual({ a: 1, b: 1 }), PATIENCE)
})

test('what an API server that could not be reached says when it is back is answered soon', async () => {
  const watched = await watching(list(5), ...Array<Answer>(5).fill(gone), status(500), list(6), stream())
  await asked(watched, 9)
  expect(watched.waits).toEqual([800, 1600, 3200, 5000, 5000, 800])
})

test('a place that is too old costs no waiting, also after an outage; twice in a row it does', async () => {
  const watched = await watching(list(5), status(503), status(503), status(410), list(6), status(410), list(7), stream(bookmark(8)))
  await asked(watched, 8)
  expect(watched.waits).toEqual([800, 1600, 0, 800])
})

test.for([
  ['an hour', { details: { retryAfterSeconds: 3600 } }, {}, 30_000],
  ['an hour, in a header', {}, { 'retry-after': '3600' }, 30_000],
  ['no number', { details: { retryAfterSeconds: 'soon' } }, { 'retry-after': 'soon' }, 800],
] as const)('an API server that asks to wait for %s is asked again all the same', async ([, details, headers, wait]) => {
  const watched = await watching(list(5), (response) => refuse(response, 500, details, headers), list(6), stream())
  await asked(watched, 3)
  await vi.waitFor(() => expect(watched.waits).toEqual([wait]), PATIENCE)
})

test('a connection that fell silent is given up and resumed', async () => {
  const watched = await watching(list(5), stream(added(thing('a', 6))), stream(added(thing('b', 7))))
  await vi.waitFor(() => expect(kept(watched)).toEqual({ a: 1 }), PATIENCE)
  await watched.clock.advance(2 * MINUTE - SECOND)
  expect(requests(watched)).toHaveLength(2)
  await asked(watched, 3)
  expect(requests(watched)[2]).toBe('watch from 6')
  await vi.waitFor(() => expect(kept(watched)).toEqual({ a: 1, b: 1 }), PATIENCE)
})

test('an object that cannot be read costs only itself; its last readable form stays until it is deleted', async () => {
  const watched = await watching(
    list(5, thing('never', 1, { size: 'xl' }), thing('a', 2)),
    stream(modified(thing('a', 6, { size: 'xl' })), added(thing('b', 7))),
  )
  await vi.waitFor(() => expect(kept(watched)).toEqual({ a: 1, b: 1 }), PATIENCE)
  expect(watched.warnings).toEqual(Array(2).fill('Cannot read an object, its last readable form stays'))
  expect(await watched.registry.metrics()).toContain('vpa_watch_unreadable_objects_total{kind="things"} 2')
})

test.for([
  ['no object', added(undefined)],
  ['nothing', null],
  ['an object without a name', added({ metadata: { namespace: 'ns', uid: 'uid-a', resourceVersion: '6' }, size: 9 })],
  ['an object without a uid', modified({ metadata: { namespace: 'ns', name: 'a', resourceVersion: '6' }, size: 9 })],
  ['an object without a version', modified({ metadata: { namespace: 'ns', name: 'a', uid: 'uid-a' }, size: 9 })],
  ['a version that is no text', modified({ metadata: { namespace: 'ns', name: 'a', uid: 'uid-a', resourceVersion: 6 }, size: 9 })],
  ['a deletion without a uid', deleted({ metadata: { namespace: 'ns', name: 'a', resourceVersion: '6' } })],
] as const)('an event that tells of %s changes nothing; a list tells what it was meant to say', async ([, event]) => {
  const watched = await watching(list(5, thing('a', 1)), stream(event), list(7, thing('a', 6, { size: 2 })), stream())
  await asked(watched, 4)
  expect(watched.changes).toEqual(['+a', '~a'])
  expect(requests(watched)).toEqual(['list', 'watch from 5', 'list', 'watch from 7'])
  expect(kept(watched)).toEqual({ a: 2 })
})

test('events that come twice or late change nothing', async () => {
  const watched = await watching(
    list(5, thing('a', 99, { uid: 'new' })),
    stream(modified(thing('a', 101, { uid: 'new', size: 3 })), modified(thing('a', 100, { uid: 'new', size: 2 })), deleted(thing('a', 98, { uid: 'old' })), bookmark(102), added(thing('b', 103))),
  )
  await vi.waitFor(() => expect(kept(watched)).toEqual({ a: 3, b: 1 }), PATIENCE)
  expect(watched.changes).toEqual(['+a', '~a', '+b'])
})

test('an event that comes after what followed it does not bring back what was deleted', async () => {
  const watched = await watching(
    list(5, thing('a', 4)),
    stream(deleted(thing('a', 8)), modified(thing('a', 7))),
    list(9, thing('b', 6)),
    stream(),
  )
  await asked(watched, 3)
  await vi.waitFor(() => expect(kept(watched)).toEqual({ b: 1 }), PATIENCE)
  expect(watched.changes).toEqual(['+a', '-a', '+b'])
})

test('a list that cannot be had is asked for until it comes', async () => {
  const watched = await watching(status(403), status(500), (response) => void response.destroy(), list(5, thing('a', 1)), stream())
  await asked(watched, 5)
  await watched.watch.synced
  expect(kept(watched)).toEqual({ a: 1 })
  expect(watched.warnings).toEqual(Array(3).fill('Cannot list, trying again'))
})

test('says how old its knowledge is', async () => {
  const watched = await watching(list(5, thing('a', 1)), stream())
  await watched.watch.synced
  await watched.clock.advance(30 * SECOND)
  expect(await watched.registry.metrics()).toMatch(/vpa_watch_age_seconds\{kind="things"\} (29|30)\n/)
  expect(await watched.registry.metrics()).toContain('vpa_watch_objects{kind="things"} 1')
})
