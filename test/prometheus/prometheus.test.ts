import { writeFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DAY, HOUR, MINUTE, SECOND } from '@vpa/core/time.ts'
import type { ContainerUsage } from '@vpa/kube/cluster.ts'
import { type Sandbox, startSandbox } from '@vpa/sandbox/sandbox.ts'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type FakeClock, fakeClock } from '../support/fake-clock.ts'
import { addDeployment, addVpa, checkpointNames, savedCheckpoint, statusOf, targetOf } from '../support/recommender-scene.ts'
import { startBearerProxy } from './bearer-proxy.ts'
import { type Ran, type Run, runOnce } from './recommender.ts'
import { PASSWORD, type PrometheusServer, USERNAME, findPrometheus, startPrometheus } from './server.ts'

const MB = 1_000_000
/** Pods of the sandbox come up within this time. */
const WARM_UP = MINUTE
const NOW = Date.UTC(2026, 2, 1) + WARM_UP
const LENGTH = 2 * DAY
const SCRAPE = 2 * MINUTE
const AWAY = 'Cannot get history from Prometheus; checkpoints stand in where it has none'

/** What a pod used in the hour before that moment. */
interface Hour {
  readonly at: number
  readonly cpu: number
  readonly memory: number
}

/** One for each sample that a recommender starting now asks for. Half millicores: a rate is not exact to the last digit. */
function hoursOf(pod: number): readonly Hour[] {
  return Array.from({ length: LENGTH / HOUR + 1 }, (_, index) => ({
    at: NOW - LENGTH + index * HOUR,
    cpu: 150.5 + 37 * ((index * (pod + 3)) % 11),
    memory: 300 * MB + 17 * MB * ((index * (pod + 5)) % 13),
  }))
}

/** A pod as cAdvisor tells of it, scraped every two minutes. */
function series(podName: string, hours: readonly Hour[]): { cpu: string[]; memory: string[] } {
  const labels = `{job="kubernetes-cadvisor",namespace="default",pod_name="${podName}",name="app"}`
  const cpu: string[] = []
  const memory: string[] = []
  let used = 0
  for (const { at, ...hour } of hours) {
    for (let time = at - HOUR + SCRAPE; time <= at; time += SCRAPE) {
      used += (hour.cpu / 1000) * (SCRAPE / SECOND)
      cpu.push(`container_cpu_usage_seconds_total${labels} ${used} ${time / SECOND}`)
      memory.push(`container_memory_working_set_bytes${labels} ${hour.memory} ${time / SECOND}`)
    }
  }
  return { cpu, memory }
}

function openMetrics(pods: readonly { cpu: string[]; memory: string[] }[], up: readonly string[]): string {
  return [
    '# TYPE container_cpu_usage_seconds counter',
    ...pods.flatMap(({ cpu }) => cpu),
    '# TYPE container_memory_working_set_bytes gauge',
    ...pods.flatMap(({ memory }) => memory),
    '# TYPE up gauge',
    ...up,
    '# EOF\n',
  ].join('\n')
}

/** The pod of a deployment that is gone since yesterday, with the labels that a scrape of pods gives it. */
const FORMER = { name: 'former-0', hours: hoursOf(7).filter(({ at }) => at < NOW - DAY) }
const FORMER_UP = Array.from({ length: DAY / SCRAPE }, (_, index) => `up{job="kubernetes-pods",kubernetes_namespace="default",kubernetes_pod_name="${FORMER.name}",pod_label_app="former"} 1 ${(NOW - LENGTH + index * SCRAPE) / SECOND}`)

interface Cluster {
  readonly sandbox: Sandbox
  readonly clock: FakeClock
  readonly podNames: readonly string[]
}

/**
 * `web` has two pods that Prometheus knows. `former` has one that it does not know, and had one that it knew.
 * `unknown` is nothing that Prometheus knows of, but has a checkpoint; so has `web`.
 */
async function startCluster(): Promise<Cluster> {
  const clock = fakeClock(NOW - WARM_UP)
  const sandbox = await startSandbox({ clock, step: 10 * SECOND })
  for (const [name, replicas] of [['web', 2], ['former', 1], ['unknown', 1]] as const) {
    await addDeployment(sandbox, name, { replicas })
    await addVpa(sandbox, name)
  }
  for (const name of ['web', 'unknown']) await sandbox.apply(savedCheckpoint(name, 'app', NOW - DAY) as Parameters<Sandbox['apply']>[0])
  await clock.advance(WARM_UP)
  await sandbox.settle()
  const podNames = sandbox.list('Pod').filter(({ metadata }) => metadata.labels?.['app'] === 'web').map(({ metadata }) => metadata.name ?? '').toSorted()
  return { sandbox, clock, podNames }
}

const programs = findPrometheus()

test.skipIf(programs === undefined && process.env['CI'] === undefined)('there is a Prometheus to test with', () => {
  expect(programs).toBeDefined()
})

describe.skipIf(programs === undefined)('history from a real Prometheus', () => {
  let cluster: Cluster
  let prometheus: PrometheusServer
  let proxy: PrometheusServer

  beforeAll(async () => {
    cluster = await startCluster()
    const pods = [...cluster.podNames.map((name, index) => series(name, hoursOf(index))), series(FORMER.name, FORMER.hours)]
    prometheus = await startPrometheus(programs!, openMetrics(pods, FORMER_UP))
    proxy = await startBearerProxy(prometheus, 'the-token')
  })
  afterAll(async () => {
    await proxy?.stop()
    await prometheus?.stop()
    await cluster?.sandbox.stop()
  })

  function run(flags: readonly string[], more: Omit<Run, 'flags'> = {}): Promise<Ran> {
    const { sandbox, clock } = cluster
    return runOnce(sandbox, clock, { ...more, flags: ['--storage=prometheus', '--history-length=2d', `--prometheus-address=${prometheus.url}`, '--explain-conditions=false', ...flags] })
  }

  const LOGIN = [`--username=${USERNAME}`, `--password=${PASSWORD}`]
  /** What the checkpoints say: one core, in the bucket up to 1.04 cores, with a margin of 15 %. */
  const FROM_CHECKPOINT = expect.stringMatching(/^1[12]\d\dm$/)

  function targets() {
    return Object.fromEntries(['web', 'former', 'unknown'].map((name) => [name, targetOf(cluster.sandbox, name)?.['cpu']]))
  }

  test('gives the recommendation that the same samples give when they come from the metrics API', async () => {
    const usage: ContainerUsage[] = cluster.podNames.flatMap((podName, index) =>
      hoursOf(index).map(({ at, cpu, memory }) => ({ namespace: 'default', podName, containerName: 'app', at, cpu: Math.trunc(cpu), memory })),
    )
    await cluster.sandbox.delete('VerticalPodAutoscalerCheckpoint', { namespace: 'default', name: 'web-app' })
    await runOnce(cluster.sandbox, cluster.clock, { usage, flags: ['--explain-conditions=false'] })
    const expected = statusOf(cluster.sandbox)?.recommendation
    await cluster.sandbox.apply(savedCheckpoint('web', 'app', NOW - DAY) as Parameters<Sandbox['apply']>[0])
    const { registry } = await run(LOGIN)
    expect(expected?.containerRecommendations).toMatchObject([{ containerName: 'app', target: { cpu: expect.stringMatching(/^[56]\d\dm$/) } }])
    expect(statusOf(cluster.sandbox)?.recommendation).toEqual(expected)
    expect(await registry.metrics()).toContain('vpa_recommender_prometheus_client_api_requests_count{code="200",method="post"} 4\n')
  })

  test('a pod that is gone counts by the labels it had; what Prometheus does not know comes from the checkpoint', async () => {
    const checkpoints = checkpointNames(cluster.sandbox)
    const { logged } = await run(LOGIN)
    expect(targets()).toEqual({ web: expect.stringMatching(/^[56]\d\dm$/), former: expect.stringMatching(/^[56]\d\dm$/), unknown: FROM_CHECKPOINT })
    expect(logged).toContain('Read checkpoints of containers whose history Prometheus lacks')
    expect(logged.filter((message) => message.startsWith(AWAY))).toEqual([])
    expect(checkpointNames(cluster.sandbox)).toEqual(checkpoints)
  })

  test('an expression with a range gives labels too, as it must for the Go implementation', async () => {
    await run([...LOGIN, '--metric-for-pod-labels=up{job="kubernetes-pods"}[2d]'])
    expect(targets()).toMatchObject({ former: expect.stringMatching(/^[56]\d\dm$/) })
  })

  test('when the query for memory fails, CPU is of Prometheus and memory of the checkpoint', async () => {
    const { logged } = await run([...LOGIN, '--history-memory-metric=container_memory_working_set_bytes)'])
    expect(logged.filter((message) => message.startsWith(AWAY))).toEqual([expect.stringContaining(`${AWAY} | memory | Prometheus answered 400: `)])
    expect(targetOf(cluster.sandbox)).toMatchObject({ cpu: expect.stringMatching(/^[56]\d\dm$/), memory: targetOf(cluster.sandbox, 'unknown')?.['memory'] })
  })

  test.for([
    ['Prometheus is away', () => ['--prometheus-address=http://127.0.0.1:9'], `${AWAY} | pod labels | cannot reach Prometheus at http://127.0.0.1:9: connect ECONNREFUSED 127.0.0.1:9`],
    ['it asks for a password and gets none', () => [], `${AWAY} | pod labels | Prometheus answered 401: Unauthorized`],
    ['the password is wrong', () => [`--username=${USERNAME}`, '--password=wrong'], `${AWAY} | pod labels | Prometheus answered 401: Unauthorized`],
    ['the token is wrong', () => [`--prometheus-address=${proxy.url}`, '--prometheus-insecure', '--prometheus-bearer-token=wrong'], `${AWAY} | pod labels | Prometheus answered 401: who are you?`],
    ['its certificate is not trusted', () => [`--prometheus-address=${proxy.url}`, '--prometheus-bearer-token=the-token'], expect.stringContaining('self-signed certificate')],
  ] as const)('the recommender starts with checkpoints and says it once when %s', async ([, flags, message]) => {
    const { logged } = await run(flags())
    expect(logged.filter((line) => line.startsWith(AWAY))).toEqual([message])
    expect(targets()).toMatchObject({ web: FROM_CHECKPOINT, unknown: FROM_CHECKPOINT })
  })

  test.for([
    ['user name and password from the environment', async () => ({ flags: [], env: { PROMETHEUS_USERNAME: USERNAME, PROMETHEUS_PASSWORD: PASSWORD } })],
    ['a bearer token', async () => ({ flags: [`--prometheus-address=${proxy.url}`, '--prometheus-insecure', '--prometheus-bearer-token=the-token'], env: {} })],
    ['a bearer token from a file', async () => ({ flags: [`--prometheus-address=${proxy.url}`, '--prometheus-insecure', `--prometheus-bearer-token-file=${await tokenFile()}`], env: {} })],
  ] as const)('it lets in %s', async ([, login]) => {
    const { flags, env } = await login()
    const { logged } = await run(flags, { env })
    expect(logged.filter((line) => line.startsWith(AWAY))).toEqual([])
    expect(targets()).toMatchObject({ web: expect.stringMatching(/^[56]\d\dm$/) })
  })
})

async function tokenFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'token-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'token'), 'the-token\n')
  return join(folder, 'token')
}
