import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DAY } from '@vpa/core/time.ts'
import type { Prometheus } from '@vpa/kube/prometheus.ts'
import { Registry } from 'prom-client'
import { expect, onTestFinished, test } from 'vitest'
import { type ApiServer, json, startApiServer } from '../../test/support/api-server.ts'
import { type FakeClock, fakeClock } from '../../test/support/fake-clock.ts'
import { Config } from './config.ts'
import { Metrics } from './metrics.ts'
import { openPrometheus } from './open-prometheus.ts'

interface Scene {
  readonly clock: FakeClock
  readonly prometheus: Prometheus
  readonly server: ApiServer
  rotate(token: string): Promise<void>
}

/** A recommender that has just started, with a token in a file. */
async function started(valid: readonly string[]): Promise<Scene> {
  const server = await startApiServer(({ headers }, response) => json(response, valid.includes(headers.authorization ?? '') ? 200 : 401, { status: 'success', data: { resultType: 'vector', result: [] } }))
  const folder = await mkdtemp(join(tmpdir(), 'token-'))
  const file = join(folder, 'token')
  const rotate = (token: string) => writeFile(file, `${token}\n`)
  await rotate('first')
  const clock = fakeClock()
  const prometheus = await openPrometheus(Config.parse({ prometheusAddress: server.url, prometheusBearerTokenFile: file }), { env: {}, clock, metrics: new Metrics(new Registry(), clock), signal: new AbortController().signal })
  onTestFinished(async () => {
    await prometheus.close()
    await rm(folder, { recursive: true })
  })
  return { clock, prometheus, server, rotate }
}

test('who leads a day after it has started shows the token of then', async () => {
  const { clock, prometheus, server, rotate } = await started(['Bearer first', 'Bearer second'])
  await rotate('second')
  await clock.advance(DAY)
  await prometheus.query('up', clock.now(), () => {})
  expect(server.seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer second'])
})

test('a token that is refused before its minute is over is read again', async () => {
  const { clock, prometheus, server, rotate } = await started(['Bearer second'])
  await rotate('second')
  await prometheus.query('up', clock.now(), () => {})
  expect(server.seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer first', 'Bearer second'])
})

test('a token file that is not there is named at start', async () => {
  const clock = fakeClock()
  const config = Config.parse({ prometheusBearerTokenFile: '/nowhere/token' })
  await expect(openPrometheus(config, { env: {}, clock, metrics: new Metrics(new Registry(), clock), signal: new AbortController().signal })).rejects.toThrow('cannot read the bearer token file /nowhere/token')
})
