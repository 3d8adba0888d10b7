import { MINUTE, SECOND } from '@vpa/core/time.ts'
import { Counter, Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { fakeClock } from '../../test/support/fake-clock.ts'
import { Health } from './health.ts'
import { opsServer } from './ops-server.ts'

function setUp({ timeout = 5 * MINUTE as number | undefined, profiling = false } = {}) {
  const clock = fakeClock()
  const health = new Health({ timeout, clock })
  const registry = new Registry()
  const server = opsServer({ registry, health, profiling, clock })
  const get = async (url: string) => {
    const { statusCode, body } = await server.inject({ url })
    return `${statusCode} ${body}`
  }
  return { clock, health, registry, server, get }
}

test('a request that is not there whole after 30 s is given up', () => {
  expect(setUp().server.server).toMatchObject({ requestTimeout: 30_000, headersTimeout: 30_000 })
})

test('metrics are Prometheus text', async () => {
  const { registry, server } = setUp()
  new Counter({ name: 'vpa_test_total', help: 'x', registers: [registry] }).inc(2)
  const { body, headers } = await server.inject({ url: '/metrics' })
  expect(body).toContain('vpa_test_total 2')
  expect(headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/)
})

test.for([
  ['just started', () => {}, '200 OK', '503 starting'],
  ['standing by for the lease', (health: Health) => health.standBy(), '200 OK', '200 OK'],
  ['working', (health: Health) => health.start(), '200 OK', '200 OK'],
  ['stopping', (health: Health) => health.stop(), '200 OK', '503 stopping'],
] as const)('%s', async ([, act, healthy, ready]) => {
  const { health, get } = setUp()
  act(health)
  expect([await get('/health-check'), await get('/livez'), await get('/readyz')]).toEqual([healthy, healthy, ready])
})

test.for([
  ['a loop that stands still', (health: Health) => health.start(), 5 * MINUTE + SECOND, '500 Error: last activity more than 5m1s ago'],
  ['a loop that stands still, by a clock finer than milliseconds', (health: Health) => health.start(), 5 * MINUTE + 1234.5678, '500 Error: last activity more than 5m1.234s ago'],
  ['a loop that stands still just long enough', (health: Health) => health.start(), 5 * MINUTE, '200 OK'],
  ['a long start', () => {}, 60 * MINUTE, '200 OK'],
  ['a long time standing by', (health: Health) => health.standBy(), 60 * MINUTE, '200 OK'],
] as const)('health of %s', async ([, act, silence, expected]) => {
  const { clock, health, get } = setUp()
  act(health)
  await clock.advance(silence)
  expect(await get('/health-check')).toBe(expected)
})

test('a loop that turns again is healthy again', async () => {
  const { clock, health, get } = setUp()
  health.start()
  await clock.advance(6 * MINUTE)
  expect(await get('/health-check')).toMatch(/^500/)
  health.beat()
  expect(await get('/health-check')).toBe('200 OK')
})

test('a program that only answers requests is never silent for too long', async () => {
  const clock = fakeClock()
  const health = new Health({ timeout: undefined, clock })
  health.start()
  await clock.advance(60 * MINUTE)
  expect(health.silentFor()).toBeUndefined()
})

test('profiles are served when asked for only', async () => {
  expect(await setUp().get('/debug/pprof/profile')).toMatch(/^404/)
  const { clock, server, get } = setUp({ profiling: true })
  expect(await get('/debug/pprof/profile?seconds=x')).toMatch(/^400/)
  const answer = server.inject({ url: '/debug/pprof/profile?seconds=2' })
  await expect.poll(() => clock.sleeping).toBe(1)
  await clock.advance(2 * SECOND)
  expect((await answer).json()).toHaveProperty('nodes')
})
