import { SECOND } from '@vpa/core/time.ts'
import { expect, test } from 'vitest'
import { type FakeClock, fakeClock } from '../../test/support/fake-clock.ts'
import { ApiError } from './api-error.ts'
import type { ApiRequest } from './client.ts'
import { awaitLeadership, type Leadership, type LeaderElectionOptions } from './leader.ts'
import { createLog } from './log.ts'

interface StoredLease {
  metadata: { resourceVersion?: string }
  spec?: { holderIdentity?: string; leaseTransitions?: number; leaseDurationSeconds?: number; renewTime?: string }
}

/** An API server with room for one lease. */
function leaseServer(clock: FakeClock) {
  let lease: StoredLease | undefined
  let version = 0
  const server = {
    down: false,
    hangs: false,
    /** How long each read takes. */
    readTime: 0,
    /** Does as it is asked, but does not answer. */
    losesAnswers: false,
    get lease() {
      return lease
    },
    async request<T>({ method = 'GET', body, signal }: ApiRequest): Promise<T> {
      if (server.hangs) await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new Error('aborted'))))
      if (method === 'GET' && server.readTime > 0) await clock.sleep(server.readTime, signal)
      if (server.down) throw new ApiError(500, { message: 'etcd is away' })
      const sent = structuredClone(body) as StoredLease
      if (method === 'POST' && lease !== undefined) throw new ApiError(409, { reason: 'AlreadyExists' })
      if (method === 'PUT' && sent.metadata.resourceVersion !== lease?.metadata.resourceVersion) throw new ApiError(409, { reason: 'Conflict' })
      if (method !== 'GET') lease = { ...sent, metadata: { ...sent.metadata, resourceVersion: `${(version += 1)}` } }
      if (method !== 'GET' && server.losesAnswers) await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new Error('aborted'))))
      return structuredClone(lease) as T
    },
    find: <T>(request: ApiRequest) => server.request<T | undefined>(request),
  }
  return server
}

function election() {
  const clock = fakeClock()
  const server = leaseServer(clock)
  const options = (identity: string): LeaderElectionOptions => ({
    client: server,
    clock,
    log: createLog({ verbosity: 4, format: 'json', clock, destination: { write: () => {} } }),
    identity,
    namespace: 'kube-system',
    name: 'vpa-updater',
    leaseDuration: 15 * SECOND,
    renewDeadline: 10 * SECOND,
    retryPeriod: 2 * SECOND,
    random: () => 0,
  })
  /** A replica that waits to lead, and what has become of it. */
  const replica = (identity: string) => {
    const stop = new AbortController()
    const state = { leads: false, lost: false, gaveUp: false, stop, leadership: undefined as Leadership | undefined }
    void awaitLeadership(options(identity), stop.signal).then((leadership) => {
      state.gaveUp = leadership === undefined
      state.leads = leadership !== undefined
      state.leadership = leadership
      void leadership?.lost.then(() => (state.lost = true))
    })
    return state
  }
  return { clock, server, replica }
}

test('one replica leads, the other waits for as long as the first renews', async () => {
  const { clock, server, replica } = election()
  const first = replica('first')
  await clock.advance(SECOND)
  const second = replica('second')
  await clock.advance(600 * SECOND)
  expect([first.leads, first.lost, second.leads]).toEqual([true, false, false])
  expect(server.lease?.spec).toMatchObject({ holderIdentity: 'first', leaseDurationSeconds: 15, leaseTransitions: 0, renewTime: '2026-03-01T00:10:00.000000Z' })
})

test('a lease that is given back is taken at the next try', async () => {
  const { clock, server, replica } = election()
  const first = replica('first')
  await clock.advance(SECOND)
  const second = replica('second')
  await clock.advance(SECOND)
  await first.leadership!.release()
  expect(server.lease?.spec).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1 })
  await clock.advance(2 * SECOND)
  expect([first.lost, second.leads]).toEqual([false, true])
  expect(server.lease?.spec).toMatchObject({ holderIdentity: 'second', leaseTransitions: 1 })
})

test('who has given its lease back does not hold it, though it has not run out', async () => {
  const { clock, replica } = election()
  const leader = replica('leader')
  await clock.advance(SECOND)
  const releasing = leader.leadership!.release()
  expect(leader.leadership?.isHeld).toBe(false)
  await releasing
  expect(leader.leadership?.isHeld).toBe(false)
})

test('a lease that is given back while a renewal is under way is free, whatever came of the renewal', async () => {
  const { clock, server, replica } = election()
  const first = replica('first')
  await clock.advance(SECOND)
  server.losesAnswers = true
  await clock.advance(2 * SECOND)
  server.losesAnswers = false
  await first.leadership!.release()
  expect(server.lease?.spec).toMatchObject({ holderIdentity: '' })
})

test('a lease that another holds by now is not given back', async () => {
  const { clock, server, replica } = election()
  const first = replica('first')
  await clock.advance(SECOND)
  await server.request({ method: 'PUT', path: '', body: { ...server.lease, spec: { ...server.lease?.spec, holderIdentity: 'other' } } })
  await first.leadership!.release()
  expect(server.lease?.spec).toMatchObject({ holderIdentity: 'other' })
})

test('a holder that went away without a word is followed after its lease, counted from when it was last seen to renew', async () => {
  const { clock, server, replica } = election()
  await server.request({ method: 'POST', path: '', body: { metadata: {}, spec: { holderIdentity: 'gone', leaseDurationSeconds: 15, renewTime: '1999-01-01T00:00:00.000000Z' } } })
  const next = replica('next')
  await clock.advance(14 * SECOND)
  expect(next.leads).toBe(false)
  await clock.advance(2 * SECOND)
  expect(next.leads).toBe(true)
})

test.for([
  ['fails', { down: true }],
  ['does not answer', { hangs: true }],
] as const)('an API server that %s for the renew deadline costs the lead', async ([, failure]) => {
  const { clock, server, replica } = election()
  const leader = replica('leader')
  await clock.advance(SECOND)
  Object.assign(server, failure)
  await clock.advance(10 * SECOND)
  expect(leader.lost).toBe(false)
  await clock.advance(2 * SECOND)
  expect(leader.lost).toBe(true)
})

test('a holder knows without asking when its lease may have run out', async () => {
  const { clock, server, replica } = election()
  const leader = replica('leader')
  await clock.advance(60 * SECOND)
  expect(leader.leadership?.isHeld).toBe(true)
  server.hangs = true
  await clock.advance(14 * SECOND)
  expect(leader.leadership?.isHeld).toBe(true)
  await clock.advance(SECOND)
  expect(leader.leadership?.isHeld).toBe(false)
})

test('a holder whose lease is read slowly holds it all the time: it counts from when it was renewed', async () => {
  const { clock, server, replica } = election()
  server.readTime = 9 * SECOND
  const leader = replica('leader')
  await clock.advance(9 * SECOND)
  for (let second = 0; second < 60; second += 1) {
    expect(leader.leadership?.isHeld).toBe(true)
    await clock.advance(SECOND)
  }
})

test('a shorter failure does not', async () => {
  const { clock, server, replica } = election()
  const leader = replica('leader')
  await clock.advance(SECOND)
  server.down = true
  await clock.advance(8 * SECOND)
  server.down = false
  await clock.advance(60 * SECOND)
  expect(leader.lost).toBe(false)
})

test('a lease that runs out between two tries is taken when it runs out', async () => {
  const { clock, server, replica } = election()
  await server.request({ method: 'POST', path: '', body: { metadata: {}, spec: { holderIdentity: 'gone', leaseDurationSeconds: 3 } } })
  const next = replica('next')
  await clock.advance(2 * SECOND + 999)
  expect(next.leads).toBe(false)
  await clock.advance(1)
  expect(next.leads).toBe(true)
})

test('a holder that was frozen past its lease stops as soon as it sees that another leads', async () => {
  const { clock, server, replica } = election()
  const frozen = replica('frozen')
  await clock.advance(SECOND)
  const { lease } = server
  await server.request({ method: 'PUT', path: '', body: { ...lease, spec: { ...lease?.spec, holderIdentity: 'other' } } })
  await clock.advance(2 * SECOND)
  expect(frozen.lost).toBe(true)
})

test('a holder that sees its lease with another does not hold it, though it would not have run out', async () => {
  const { clock, server, replica } = election()
  const leader = replica('leader')
  await clock.advance(SECOND)
  const { lease } = server
  await server.request({ method: 'PUT', path: '', body: { ...lease, spec: { ...lease?.spec, holderIdentity: 'other' } } })
  await clock.advance(2 * SECOND)
  expect(leader.leadership?.isHeld).toBe(false)
})

test.for([
  ['on', 3600],
  ['back', -3600],
] as const)('a system clock that is set %s neither shortens nor lengthens the wait for a holder that went away', async ([, step]) => {
  const { clock, server, replica } = election()
  await server.request({ method: 'POST', path: '', body: { metadata: {}, spec: { holderIdentity: 'gone', leaseDurationSeconds: 15 } } })
  const next = replica('next')
  await clock.advance(5 * SECOND)
  clock.step(step * SECOND)
  await clock.advance(9 * SECOND)
  expect(next.leads).toBe(false)
  await clock.advance(2 * SECOND)
  expect(next.leads).toBe(true)
})

test('who is stopped while waiting does not lead', async () => {
  const { clock, replica } = election()
  replica('first')
  await clock.advance(SECOND)
  const second = replica('second')
  await clock.advance(SECOND)
  second.stop.abort()
  await clock.advance(SECOND)
  expect([second.gaveUp, second.leads]).toEqual([true, false])
})
