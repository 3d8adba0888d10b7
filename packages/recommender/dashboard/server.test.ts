import type { ListAnswer, VpaAnswer } from '@vpa/core/advise/dashboard-answer.ts'
import { MINUTE } from '@vpa/core/time.ts'
import fastify, { type InjectOptions } from 'fastify'
import { expect, onTestFinished, test } from 'vitest'
import { addDeployment, addVpa, scene } from '../../../test/support/recommender-scene.ts'
import { type Line, logInto, silentLog } from '../../../test/support/recorded-log.ts'
import { dashboardServer, listen } from './server.ts'

const LOCAL = { host: 'localhost', port: 8948 }

/** Deployment `web` with its VPA after so many minutes, and its dashboard. */
async function setUp(minutes: number) {
  const cluster = await scene()
  await cluster.run(minutes)
  const server = dashboardServer({ data: cluster.dashboard, address: LOCAL, log: silentLog })
  const ask = async (url: string, options: Omit<InjectOptions, 'url'> = {}) => {
    const { statusCode, headers, body } = await server.inject({ url, headers: { host: 'localhost:8948' }, ...options })
    return { status: statusCode, headers, body }
  }
  return { ...cluster, ask, list: async (query = '') => JSON.parse((await ask(`/api/vpas${query}`)).body) as ListAnswer, view: async (name = 'web') => JSON.parse((await ask(`/api/vpas/default/${name}`)).body) as VpaAnswer }
}

test('the list: each VPA with its severity, its mode and what it could save', async () => {
  const { list } = await setUp(3)
  const { rows, totals, namespaces, matching, turnedAt, at } = await list()
  expect(rows).toMatchObject([{ namespace: 'default', name: 'web', target: { kind: 'Deployment', name: 'web' }, mode: 'Recreate', pods: 1, severity: 'warning', why: 'cpu and memory less than it needs', resources: { cpu: { request: 100, target: 548 } } }])
  expect(rows[0]?.monthly.saving).toBeLessThan(0)
  expect({ totals, namespaces, matching }).toMatchObject({ totals: { vpas: 1, severities: { warning: 1 } }, namespaces: ['default'], matching: 1 })
  expect(at - (turnedAt ?? 0)).toBeLessThan(MINUTE)
})

test('a VPA without pods is in the list, too', async () => {
  const { sandbox, clock, run, list } = await setUp(1)
  await addVpa(sandbox, 'nobody')
  await run(1)
  await clock.advance(15_000)
  expect((await list('?sort=name&direction=ascending')).rows.map(({ name, pods, severity, why }) => [name, pods, severity, why])).toEqual([['nobody', 0, 'unknown', 'nothing is recommended'], ['web', 1, 'warning', expect.any(String)]])
})

test('one VPA: usage and recommendation over time, their distribution, and why', async () => {
  const { view } = await setUp(5)
  const { containers: [app], conditions, hindrances, marks, marksMissing } = await view()
  expect(app?.series?.cpu).toMatchObject({ usage: [460, 460, 460, 460, 460], request: [100, 100, 100, 100, 100], target: [548, 548, 548, 548, 548] })
  expect(app?.resources.cpu).toMatchObject({ request: 100, target: 548, usage: 460, why: [expect.stringContaining('90th percentile of usage 477m + 15% margin = 548m'), expect.any(String)] })
  expect(app?.resources.cpu.distribution?.percentiles).toEqual([{ of: 'lowerBound', percentile: 0.5, amount: 477 }, { of: 'target', percentile: 0.9, amount: 477 }, { of: 'upperBound', percentile: 0.95, amount: 477 }])
  expect(app?.resources.memory.distribution?.buckets.reduce((sum, { part }) => sum + part, 0)).toBeCloseTo(1)
  expect(conditions).toMatchObject([{ type: 'RecommendationProvided', status: 'True' }])
  expect({ hindrances, marks, marksMissing }).toEqual({ hindrances: [], marks: [], marksMissing: undefined })
})

test('two VPAs of the same pods both show what they use; a container that is not scaled is left out', async () => {
  const { sandbox, run, view } = await setUp(1)
  await addVpa(sandbox, 'twin', { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } })
  await addVpa(sandbox, 'none', { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, resourcePolicy: { containerPolicies: [{ containerName: '*', mode: 'Off' }] } })
  await run(2)
  const usageOf = async (name: string) => (await view(name)).containers.map(({ series }) => series?.cpu.usage.at(-1))
  expect([await usageOf('web'), await usageOf('twin'), await usageOf('none')]).toEqual([[460], [460], []])
  expect((await view('twin')).hindrances.map(({ what }) => what)).toEqual(['TargetConflict'])
})

test('evictions and OOMs are told', async () => {
  const { sandbox, run, view, clock } = await setUp(2)
  const involvedObject = { kind: 'VerticalPodAutoscaler', namespace: 'default', name: 'web' }
  const lastTimestamp = new Date(clock.now()).toISOString()
  await sandbox.apply({ apiVersion: 'v1', kind: 'Event', metadata: { namespace: 'default', name: 'web.1' }, involvedObject, reason: 'EvictedPod', message: 'VPA Updater evicted Pod web-1 to apply resource recommendation.', lastTimestamp })
  await addDeployment(sandbox, 'web', { limits: { memory: '300Mi' } })
  await run(3)
  const { marks } = await view()
  expect(marks.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['eviction', 'oom']))
  expect(marks.at(-1)?.text).toBe('Pod web-1 was evicted.')
})

test.for([
  ['?page=0', 'page: expected a whole number from 1 to 1000000; got "0"'],
  ['?size=1000', 'size: expected a whole number from 1 to 200; got "1000"'],
  ['?page=1e3', 'page: expected a whole number from 1 to 1000000; got "1e3"'],
  ['?severity=bad', 'severity: expected one of unknown, good, ok, warning, critical; got "bad"'],
  ['?sort=price', 'sort: expected one of waste, severity, name, mode, pods, cpu, memory; got "price"'],
  ['?text=a&text=b', 'text: expected it once'],
  ['?colour=red', 'expected text, namespace, severity, mode, sort, direction, page or size; got colour'],
])('a query that is wrong is refused with what was expected: %s', async ([query, error]) => {
  const server = dashboardServer({ data: { list: () => expect.fail('asked'), view: () => expect.fail('asked') }, address: LOCAL, log: silentLog })
  const { statusCode, body } = await server.inject({ url: `/api/vpas${query}`, headers: { host: 'localhost' } })
  expect([statusCode, JSON.parse(body)]).toEqual([400, { error }])
})

test.for([
  ['a VPA that is not there', '/api/vpas/default/none', {}, 404, 'there is no VerticalPodAutoscaler default/none that this recommender handles'],
  ['a page that is not there', '/secrets', {}, 404, 'there is nothing at /secrets'],
  ['who wants to change something', '/api/vpas', { method: 'POST' }, 405, 'expected GET or HEAD, got POST'],
  ['a name that somebody has pointed to this address', '/api/vpas', { headers: { host: 'evil.example:8948' } }, 403, 'expected to be asked as localhost, 127.0.0.1, ::1, got "evil.example"'],
] as const)('refused: %s', async ([, url, options, status, error]) => {
  const { ask } = await setUp(0)
  const answer = await ask(url, options)
  expect([answer.status, JSON.parse(answer.body)]).toEqual([status, { error }])
})

test('nothing may be loaded from elsewhere, framed, guessed or kept', async () => {
  const { ask } = await setUp(0)
  for (const url of ['/', '/dashboard.js', '/dashboard.css', '/icon.svg', '/api/vpas', '/nothing']) {
    const { headers } = await ask(url)
    expect(headers).toMatchObject({ 'content-security-policy': expect.stringMatching(/^default-src 'none'; script-src 'self'; style-src 'self';/), 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' })
    expect(headers['content-security-policy']).not.toContain('unsafe')
  }
  const html = (await ask('/')).body
  expect([html.match(/<script(?![^>]* src=)/), html.match(/\bstyle=|<style|https?:/)]).toEqual([null, null])
})

test('a request that is not there whole after 30 s is given up', () => {
  const data = { list: () => expect.unreachable(), view: () => expect.unreachable() }
  expect(dashboardServer({ data, address: LOCAL, log: silentLog }).server).toMatchObject({ requestTimeout: 30_000, headersTimeout: 30_000 })
})

test('a HEAD is answered, and an address that is not local is asked by any name', async () => {
  const server = dashboardServer({ data: { list: () => ({}) as ListAnswer, view: async () => undefined }, address: { host: '', port: 1 }, log: silentLog })
  expect((await server.inject({ method: 'HEAD', url: '/api/vpas', headers: { host: 'vpa.example' } })).statusCode).toBe(200)
})

test.for([
  ['localhost', 'localhost:8948', 200],
  ['::1', '[::1]:8948', 200],
  ['127.0.0.1', 'evil.example', 403],
  ['127.0.0.5', '127.0.0.5:8948', 200],
  ['127.0.0.5', 'evil.example', 403],
] as const)('at %s, who asks %s gets %d', async ([host, asked, status]) => {
  const server = dashboardServer({ data: { list: () => ({}) as ListAnswer, view: async () => undefined }, address: { host, port: 8948 }, log: silentLog })
  expect((await server.inject({ url: '/api/vpas', headers: { host: asked } })).statusCode).toBe(status)
})

test('a VPA is found by the longest name that it may have', async () => {
  const asked: string[] = []
  const view = async (namespace: string, name: string) => void asked.push(`${namespace}/${name}`)
  const server = dashboardServer({ data: { list: () => expect.fail('asked'), view: view as () => Promise<undefined> }, address: LOCAL, log: silentLog })
  await server.inject({ url: `/api/vpas/default/${'n'.repeat(253)}`, headers: { host: 'localhost' } })
  expect(asked).toEqual([`default/${'n'.repeat(253)}`])
})

test('a port that is taken holds up nothing', async () => {
  const other = fastify()
  const port = Number(new URL(await other.listen({ host: '127.0.0.1', port: 0 })).port)
  onTestFinished(() => other.close())
  const lines: Line[] = []
  const server = dashboardServer({ data: { list: () => expect.fail('asked'), view: () => expect.fail('asked') }, address: { host: '127.0.0.1', port }, log: logInto(lines) })
  await listen(server, { host: '127.0.0.1', port }, logInto(lines))
  expect(lines).toMatchObject([{ message: expect.stringMatching(/^Cannot serve the dashboard; choose another address/), address: `127.0.0.1:${port}`, error: expect.stringContaining('EADDRINUSE') }])
})
