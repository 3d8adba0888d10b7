import { request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SECOND } from '@vpa/core/time.ts'
import fastify from 'fastify'
import { expect, onTestFinished, test, vi } from 'vitest'
import { fakeClock } from '../../test/support/fake-clock.ts'
import { PATIENCE } from '../../test/support/patience.ts'
import { limitLargeBodies } from './large-bodies.ts'

const MIB = 1024 * 1024
const LIMIT = 5 * MIB

/** A server that answers 200 once a body is there whole. */
async function start() {
  const clock = fakeClock()
  const server = fastify({ bodyLimit: LIMIT })
  let taken = 0
  limitLargeBodies(server, { limit: LIMIT, clock, refuse: (reply) => void reply.code(503).send() })
  server.addHook('onRequest', async () => void (taken += 1))
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, _body, done) => done(null))
  server.post('/', (_request, reply) => reply.send())
  onTestFinished(() => server.close())
  await server.listen({ host: '127.0.0.1', port: 0 })
  const { port } = server.server.address() as AddressInfo
  /** Sends the headers of a request. */
  const open = (headers: Readonly<Record<string, string | number>>) => {
    const request = httpRequest({ host: '127.0.0.1', port, agent: false, method: 'POST', headers: { 'content-type': 'application/json', ...headers } })
    onTestFinished(() => void request.destroy())
    const outcome = new Promise<number | string | undefined>((resolve) => request.on('error', () => resolve('cut off')).on('response', (response) => resolve(response.resume().statusCode)))
    request.flushHeaders()
    return { outcome, end: (size: number) => (request.end(Buffer.alloc(size)), outcome) }
  }
  return {
    clock,
    /** The headers of requests that the server has taken when this resolves. */
    async begin(count: number, headers: Readonly<Record<string, string | number>>) {
      const expected = taken + count
      const begun = Array.from({ length: count }, () => open(headers))
      await vi.waitFor(() => expect(taken).toBe(expected), PATIENCE)
      return begun
    },
    answerTo: (size: number) => open({ 'content-length': size }).end(size),
    /** A body that nobody reads could break the connection before there is an answer: there is none. */
    refusalOf: (size: number) => open({ 'content-length': size }).outcome,
  }
}

test.for([
  ['that tell their length', { 'content-length': LIMIT }],
  ['that do not', { 'transfer-encoding': 'chunked' }],
] as const)('headers of large requests %s, without their bodies, keep no review out for longer than two seconds', async ([, headers]) => {
  const { clock, begin, answerTo, refusalOf } = await start()
  await begin(12, headers)
  await begin(2, { 'content-length': 2 * MIB - 1024 })
  await clock.advance(2 * SECOND)
  expect(await refusalOf(60_000)).toBe(503)
  expect(await answerTo(20_000)).toBe(200)
  await clock.advance(1)
  expect(await answerTo(60_000)).toBe(200)
})

test('when there is no room, no more are cut off than it takes, the oldest first, and none that are younger than two seconds', async () => {
  const { clock, begin, answerTo, refusalOf } = await start()
  const [oldest] = await begin(1, { 'content-length': LIMIT })
  const [old] = await begin(1, { 'content-length': LIMIT })
  await clock.advance(SECOND)
  const young = await begin(10, { 'content-length': LIMIT })
  await begin(1, { 'content-length': 4 * MIB })
  await clock.advance(SECOND + 1)
  expect(await answerTo(LIMIT)).toBe(200)
  expect(await oldest?.outcome).toBe('cut off')
  const [another] = await begin(1, { 'content-length': LIMIT })
  const [last] = await begin(1, { 'content-length': LIMIT })
  expect(await old?.outcome).toBe('cut off')
  expect(await refusalOf(LIMIT)).toBe(503)
  expect(await Promise.all([...young, another, last].map((request) => request?.end(LIMIT)))).toEqual(Array(12).fill(200))
})
