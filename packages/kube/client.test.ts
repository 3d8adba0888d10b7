import { SECOND } from '@vpa/core/time.ts'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { clientOf, json, refuse, sendWithoutEnd, startApiServer } from '../../test/support/api-server.ts'

test('sends JSON with the content type of the patch, and decodes the answer', async () => {
  const server = await startApiServer((_, response) => json(response, 200, { kind: 'Pod' }))
  const patch = [{ op: 'add', path: '/metadata/annotations', value: {} }]
  const answer = await clientOf(server).request({ method: 'PATCH', path: '/api/v1/namespaces/kong/pods/a', query: { dryRun: 'All', force: undefined }, body: patch })
  expect(answer).toEqual({ kind: 'Pod' })
  expect(server.seen).toMatchObject([
    { method: 'PATCH', path: '/api/v1/namespaces/kong/pods/a', query: { dryRun: 'All' }, body: patch, headers: { 'content-type': 'application/json-patch+json', 'user-agent': 'test' } },
  ])
})

test('goes through a path prefix of the server, as a proxy in front of several clusters has', async () => {
  const server = await startApiServer((_, response) => json(response, 200, {}))
  await clientOf({ url: `${server.url}/k8s/clusters/c-1/` }).request({ path: '/version' })
  expect(server.seen.map(({ path }) => path)).toEqual(['/k8s/clusters/c-1/version'])
})

test('a refusal carries status, reason, message and causes', async () => {
  const details = { reason: 'Forbidden', message: 'no node is that large', details: { causes: [{ reason: 'NodeCapacity', message: 'too large' }] } }
  const server = await startApiServer((_, response) => refuse(response, 403, details))
  await expect(clientOf(server).request({ path: '/x' })).rejects.toMatchObject({
    name: 'ApiError', status: 403, reason: 'Forbidden', message: 'no node is that large', causes: [{ reason: 'NodeCapacity' }],
  })
})

test.for([
  ['a refusal', 500, { name: 'ApiError', status: 500, message: 'x'.repeat(300) }],
  ['an object', 200, { message: 'GET /x: the answer is larger than 33554432 bytes' }],
] as const)('%s that never ends is not read to its end', async ([, status, error]) => {
  let closed: Promise<unknown> | undefined
  const server = await startApiServer((_, response) => {
    closed = new Promise((resolve) => response.on('close', () => resolve(response.writableFinished)))
    sendWithoutEnd(response, status, '')
  })
  await expect(clientOf(server).request({ path: '/x' })).rejects.toMatchObject(error)
  expect(await closed).toBe(false)
})

test("a proxy's error page is quoted", async () => {
  const server = await startApiServer((_, response) => void response.writeHead(502).end('<h1>Bad Gateway</h1>'))
  await expect(clientOf(server).request({ path: '/x' })).rejects.toMatchObject({ status: 502, message: '<h1>Bad Gateway</h1>' })
})

test('an unreachable server is an error that names the request', async () => {
  await expect(clientOf({ url: 'http://127.0.0.1:1' }).request({ path: '/api/v1/pods' })).rejects.toThrow(/^GET \/api\/v1\/pods: connect ECONNREFUSED/)
})

test.for([
  ['a throttled read waits as long as asked and asks again', 'GET', 429, { 'retry-after': '2' }, {}, [2 * SECOND]],
  ['a throttled write too: it was not done', 'POST', 429, { 'retry-after': '2' }, {}, [2 * SECOND]],
  ['a disruption budget that says no is an answer', 'POST', 429, { 'retry-after': '2' }, { details: { causes: [{ reason: 'DisruptionBudget' }] } }, []],
  ['a read of an overloaded server waits as well', 'GET', 503, { 'retry-after': '2' }, {}, [2 * SECOND]],
  ['a write that ended in 503 may have been done', 'PATCH', 503, { 'retry-after': '2' }, {}, []],
  ['it does not wait for an hour', 'GET', 429, { 'retry-after': '3600' }, {}, [30 * SECOND]],
  ['a Status may say how long as well', 'GET', 429, {}, { details: { retryAfterSeconds: 2 } }, [2 * SECOND]],
  ['a wait that is no number is none', 'GET', 429, {}, { details: { retryAfterSeconds: 'soon' } }, []],
  ['nor is one below zero', 'GET', 429, { 'retry-after': '-1' }, {}, []],
  ['without Retry-After nothing is repeated', 'GET', 503, {}, {}, []],
] as const)('%s', async ([, method, status, headers, body, expected]) => {
  const waits: number[] = []
  const clock = { now: () => 0, uptime: () => 0, sleep: async (duration: number) => void waits.push(duration) }
  const server = await startApiServer((_, response) => {
    if (server.seen.length === 1) refuse(response, status, body, headers)
    else json(response, 200, 'done')
  })
  const answer = await clientOf(server, { clock }).request({ method, path: '/x' }).catch(() => 'refused')
  expect({ answer, waits }).toEqual({ answer: expected.length > 0 ? 'done' : 'refused', waits: expected })
})

test('a token that rotated is read again, once', async () => {
  const tokens = ['old', 'new']
  const server = await startApiServer(({ headers }, response) => (headers.authorization === 'new' ? json(response, 200, {}) : refuse(response, 401)))
  const credentials = { server: server.url, tls: {}, headers: async () => ({ authorization: tokens[0]! }), refused: () => void tokens.shift() }
  const clock = { now: () => 0, uptime: () => 0, sleep: async () => {} }
  await expect(clientOf(server, { credentials, clock }).request({ path: '/x' })).resolves.toEqual({})
})

test('requests are counted under the names of client-go', async () => {
  const registry = new Registry()
  const server = await startApiServer((_, response) => json(response, 200, {}))
  await clientOf(server, { registry }).request({ path: '/x' })
  await clientOf({ url: 'http://127.0.0.1:1' }, { registry }).request({ path: '/x' }).catch(() => {})
  expect((await registry.getSingleMetric('rest_client_requests_total')!.get()).values).toEqual([
    { value: 1, labels: { method: 'GET', host: new URL(server.url).host, code: '200' } },
    { value: 1, labels: { method: 'GET', host: '127.0.0.1:1', code: '<error>' } },
  ])
})
