import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { HOUR, MINUTE, SECOND } from '@vpa/core/time.ts'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type ApiServer, type Handler, json, sendWithoutEnd, startApiServer } from '../../test/support/api-server.ts'
import { fakeClock } from '../../test/support/fake-clock.ts'
import { ANONYMOUS } from './authentication.ts'
import { Prometheus, type PrometheusAnswer, type PrometheusOptions, type Series } from './prometheus.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const T0 = Date.UTC(2026, 2, 1)
const RANGE = { query: 'memory', start: T0, end: T0 + 8 * HOUR, step: HOUR }

interface Scene {
  readonly prometheus: Prometheus
  readonly server: ApiServer
  readonly answers: readonly PrometheusAnswer[]
  /** What a range query handed on. */
  read(): Promise<{ series: readonly Series[]; error?: string; warnings?: readonly string[] }>
}

async function scene(handler: Handler, options: Partial<PrometheusOptions> = {}): Promise<Scene> {
  const server = await startApiServer(handler)
  const answers: PrometheusAnswer[] = []
  const prometheus = new Prometheus({
    address: server.url,
    insecure: false,
    authentication: ANONYMOUS,
    queryTimeout: MINUTE,
    clock: fakeClock(),
    signal: new AbortController().signal,
    onAnswer: (answer) => void answers.push(answer),
    ...options,
  })
  onTestFinished(() => prometheus.close())
  const read = async () => {
    const series: Series[] = []
    try {
      const { warnings } = await prometheus.queryRange(RANGE, (one) => void series.push(one))
      return { series, warnings }
    } catch (error) {
      return { series, error: (error as Error).message }
    }
  }
  return { prometheus, server, answers, read }
}

function success(resultType: string, result: unknown, more: object = {}): object {
  return { status: 'success', ...more, data: { resultType, result } }
}

const MATRIX = success('matrix', [
  { metric: { pod: 'a' }, values: [[1_772_323_200, '1.5'], [1_772_326_800.781, 'NaN'], [1_772_330_400, '+Inf']] },
  { metric: { pod: 'b', quote: '}]"' }, values: [] },
])

test('a matrix is handed on series by series, times in milliseconds', async () => {
  const { read } = await scene((_, response) => json(response, 200, MATRIX))
  expect(await read()).toEqual({
    series: [
      { labels: { pod: 'a' }, points: [{ at: T0, value: 1.5 }, { at: T0 + HOUR + 781, value: Number.NaN }, { at: T0 + 2 * HOUR, value: Number.NaN }] },
      { labels: { pod: 'b', quote: '}]"' }, points: [] },
    ],
    warnings: [],
  })
})

test('a vector has series of one point', async () => {
  const { prometheus } = await scene((_, response) => json(response, 200, success('vector', [{ metric: { pod: 'a' }, value: [1_772_323_200, '1'] }])))
  const series: Series[] = []
  expect(await prometheus.query('up', T0, (one) => void series.push(one))).toEqual({ resultType: 'vector', warnings: [] })
  expect(series).toEqual([{ labels: { pod: 'a' }, points: [{ at: T0, value: 1 }] }])
})

test('what is asked, with a path of its own before the API and with authorization', async () => {
  const { server, prometheus } = await scene((_, response) => json(response, 200, MATRIX), {})
  const behindProxy = new Prometheus({ address: `${server.url}/prom/`, insecure: false, authentication: { headers: async () => ({ authorization: 'Bearer abc' }), refused: () => {} }, queryTimeout: MINUTE, clock: fakeClock(), signal: new AbortController().signal, onAnswer: () => {} })
  onTestFinished(() => behindProxy.close())
  await prometheus.queryRange({ ...RANGE, step: 90 * SECOND, start: T0 + 500 }, () => {})
  await behindProxy.query('up[8d]', T0, () => {})
  expect(server.seen.map(({ method, path, body, headers }) => ({ method, path, body, authorization: headers.authorization }))).toEqual([
    { method: 'POST', path: '/api/v1/query_range', body: { query: 'memory', start: '1772323200.5', end: '1772352000', step: '90' }, authorization: undefined },
    { method: 'POST', path: '/prom/api/v1/query', body: { query: 'up[8d]', time: '1772323200' }, authorization: 'Bearer abc' },
  ])
})

test('a token that rotated is read again, once', async () => {
  const tokens = ['old', 'new']
  const authentication = { headers: async () => ({ authorization: tokens[0]! }), refused: () => void tokens.shift() }
  const { read, server } = await scene(({ headers }, response) => (headers.authorization === 'new' ? json(response, 200, MATRIX) : void response.writeHead(401).end('Unauthorized')), { authentication })
  expect((await read()).series).toHaveLength(2)
  expect(server.seen.map(({ headers }) => headers.authorization)).toEqual(['old', 'new'])
})

test('where POST is not allowed, GET asks the same; each answer is told of', async () => {
  const { read, server, answers } = await scene(({ method }, response) => (method === 'POST' ? json(response, 405, {}) : json(response, 200, MATRIX)))
  expect((await read()).series).toHaveLength(2)
  expect(server.seen[1]).toMatchObject({ method: 'GET', path: '/api/v1/query_range', query: { query: 'memory', start: '1772323200', end: '1772352000', step: '3600' } })
  expect(answers).toEqual([{ method: 'POST', status: 405, after: 0 }, { method: 'GET', status: 200, after: 0 }])
})

test("how long an answer took does not depend on the system's time, which may be set back meanwhile", async () => {
  const clock = fakeClock()
  const { read, answers } = await scene((_, response) => (clock.step(-MINUTE), json(response, 200, MATRIX)), { clock })
  await read()
  expect(answers).toEqual([{ method: 'POST', status: 200, after: 0 }])
})

test('warnings come along', async () => {
  const { read } = await scene((_, response) => json(response, 200, success('matrix', [], { warnings: ['store 10.0.0.7 is away'] })))
  expect(await read()).toEqual({ series: [], warnings: ['store 10.0.0.7 is away'] })
})

test('of warnings without end, twenty come along, the beginning of each', async () => {
  const warnings = ['x'.repeat(10_000), 7, null, ...Array.from({ length: 100 }, (_, index) => `store ${index} is away`)]
  const { read } = await scene((_, response) => json(response, 200, success('matrix', [], { warnings })))
  expect(await read()).toEqual({ series: [], warnings: ['x'.repeat(300), '7', 'null', ...Array.from({ length: 17 }, (_, index) => `store ${index} is away`)] })
})

test('warnings that are no list are none', async () => {
  const { read } = await scene((_, response) => json(response, 200, success('matrix', [], { warnings: { length: 3 } })))
  expect(await read()).toEqual({ series: [], warnings: [] })
})

test('an answer of more series than any cluster has containers is not read to its end', async () => {
  const { prometheus } = await scene((_, response) => {
    const many = `${'{},'.repeat(10_000)}`
    response.writeHead(200).write('{"status":"success","data":{"resultType":"matrix","result":[')
    // It would end after 3 million.
    for (let count = 0; count < 300; count += 1) response.write(many)
    response.end('{}]}}')
  })
  let seen = 0
  await expect(prometheus.queryRange(RANGE, () => void (seen += 1))).rejects.toThrow('expected at most 2000000 series in an answer of Prometheus; got more')
  expect(seen).toBe(2_000_000)
})

test.for([
  ['a query that Prometheus refuses', 422, JSON.stringify({ status: 'error', errorType: 'execution', error: 'query processing would load too many samples into memory' }), 'Prometheus answered 422: query processing would load too many samples into memory'],
  ['a proxy that knows nobody', 401, 'Unauthorized\n', 'Prometheus answered 401: Unauthorized'],
  ['an error that is long', 422, JSON.stringify({ status: 'error', error: 'e'.repeat(1000) }), `Prometheus answered 422: ${'e'.repeat(300)}`],
  ['an error in the clothes of a success', 200, JSON.stringify({ status: 'error', error: 'no' }), 'Prometheus answered: no'],
  ['a scalar', 200, JSON.stringify(success('scalar', [1, '2'])), 'expected a matrix or a vector of Prometheus; got something else'],
  ['no JSON', 200, '<html>Welcome</html>', 'expected a matrix or a vector of Prometheus; got something else'],
  ['nothing', 200, '', 'the answer ended before it was complete'],
] as const)('%s', async ([, status, text, expected]) => {
  const { read } = await scene((_, response) => void response.writeHead(status).end(text))
  expect((await read()).error).toBe(expected)
})

test.for([
  ['a refusal', 502, '<h1>', `Prometheus answered 502: <h1>${'x'.repeat(296)}`],
  ['a series', 200, '{"data":{"result":[{"metric":{"a":"', 'an item of an answer is larger than 33554432 bytes'],
] as const)('%s that never ends is not read to its end', async ([, status, beginning, expected]) => {
  const { read } = await scene((_, response) => sendWithoutEnd(response, status, beginning))
  expect(await read()).toEqual({ series: [], error: expected })
})

test('an answer that breaks off is an error; the series before it were handed on', async () => {
  const text = JSON.stringify(MATRIX)
  const { read } = await scene((_, response) => void response.writeHead(200).end(text.slice(0, text.indexOf('"b"'))))
  const { series, error } = await read()
  expect(series.map(({ labels }) => labels['pod'])).toEqual(['a'])
  expect(error).toBe('the answer ended before it was complete')
})

test('a Prometheus that nothing listens for', async () => {
  const { read } = await scene(() => {}, { address: 'http://127.0.0.1:9' })
  expect((await read()).error).toBe('cannot reach Prometheus at http://127.0.0.1:9: connect ECONNREFUSED 127.0.0.1:9')
})

test.for<[string, Handler, (scene: Scene) => number]>([
  ['is silent', () => {}, ({ server }) => server.seen.length],
  ['stops in the middle', (_, response) => void response.writeHead(200).write('{"status":"success","data":{"resultType":"matrix","result":['), ({ answers }) => answers.length],
])('a Prometheus that %s is left after the query timeout, not before', async ([, handler, soFar]) => {
  const clock = fakeClock()
  const facts = await scene(handler, { clock, queryTimeout: 2 * MINUTE })
  let isLeft = false
  const answer = facts.read().finally(() => (isLeft = true))
  await vi.waitFor(() => expect(soFar(facts)).toBe(1), { timeout: 10_000, interval: 5 })
  await clock.advance(2 * MINUTE - 1)
  expect(isLeft).toBe(false)
  await clock.advance(1)
  expect((await answer).error).toBe('Prometheus did not answer within 2m0s (--prometheus-query-timeout)')
})

test('who has an answer waits for nothing any more', async () => {
  const clock = fakeClock()
  const { read } = await scene((_, response) => json(response, 200, MATRIX), { clock })
  expect((await read()).series).toHaveLength(2)
  expect(clock.sleeping).toBe(0)
})

test('memory stays that of one series, however long the answer', async () => {
  const values = Array.from({ length: 1000 }, (_, index) => [T0 / SECOND + 60 * index, '460000000.5'])
  const one = JSON.stringify({ metric: { pod: 'a', id: 'x'.repeat(200) }, values })
  const series = 4000
  const { prometheus } = await scene((_, response) => {
    let sent = 0
    const send = (): void => {
      while (sent < series) {
        sent += 1
        if (!response.write(sent === 1 ? one : `,${one}`)) return void response.once('drain', send)
      }
      response.end(']}}')
    }
    response.writeHead(200).write('{"status":"success","data":{"resultType":"matrix","result":[')
    send()
  })
  let [seen, most] = [0, 0]
  const before = heldBytes()
  await prometheus.queryRange(RANGE, () => {
    seen += 1
    if (seen % 500 === 0) most = Math.max(most, heldBytes() - before)
  })
  expect(seen).toBe(series)
  expect(one.length * series).toBeGreaterThan(100e6)
  // What is under way between the two sockets is some megabytes, and varies.
  expect(most).toBeLessThan(30e6)
}, 30_000)

/** What is in use after a garbage collection. */
function heldBytes(): number {
  collectGarbage()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
