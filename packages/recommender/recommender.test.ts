import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { milliValue, quantity } from '@vpa/core/quantity.ts'
import { DAY, HOUR, MINUTE, SECOND } from '@vpa/core/time.ts'
import type { Cluster, Store } from '@vpa/kube/cluster.ts'
import { parseConfig } from '@vpa/kube/config.ts'
import { connect } from '@vpa/kube/connect.ts'
import type { Log } from '@vpa/kube/log.ts'
import type { KubeObject } from '@vpa/sandbox/object.ts'
import { type Sandbox, startSandbox } from '@vpa/sandbox/sandbox.ts'
import { Registry } from 'prom-client'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type FakeClock, fakeClock } from '../../test/support/fake-clock.ts'
import { Config, recommenderOptions } from './config.ts'
import { Metrics } from './metrics.ts'
import { QualityMetrics } from './quality-metrics.ts'
import { Recommender, WATCHED } from './recommender.ts'

const MB = 1_000_000
const KONG = { cpuMillicores: 460, memoryBytes: 460 * MB }

interface Scene {
  readonly sandbox: Sandbox
  readonly clock: FakeClock
  readonly registry: Registry
  readonly messages: readonly string[]
  readonly lines: readonly { readonly message: string; readonly fields: object }[]
  /** Lets that many minutes pass, with a turn of the loop after each. */
  run(minutes: number): Promise<void>
}

/** A cluster with Deployment `web` and its VPA, whose recommender is about to start. */
async function scene(...flags: readonly string[]): Promise<Scene> {
  const clock = fakeClock()
  const sandbox = await startSandbox({ clock, step: 10 * SECOND })
  onTestFinished(() => sandbox.stop())
  await addDeployment(sandbox, 'web')
  await addVpa(sandbox, 'web')
  sandbox.load('default', { app: 'web' }, 'app', () => KONG)
  return { sandbox, clock, ...(await startRecommender(sandbox, clock, flags)) }
}

/** A process that is gone makes no more writes, and never hears of the one that it is killed in. */
interface Death {
  readonly died: Promise<void>
  /** Whether the write is made. */
  write(): boolean
}

function dyingAfter(writes: number): Death {
  const { promise, resolve } = Promise.withResolvers<void>()
  let left = writes
  return {
    died: promise,
    write() {
      left -= 1
      if (left < 0) resolve()
      return left >= 0
    },
  }
}

const IMMORTAL: Death = { died: new Promise(() => {}), write: () => true }

function mortal(cluster: Cluster, death: Death): Cluster {
  const unlessDead = <A extends readonly unknown[]>(write: (...args: A) => Promise<void>) => (...args: A): Promise<void> => (death.write() ? write(...args) : new Promise(() => {}))
  return { ...cluster, patchVpaStatus: unlessDead(cluster.patchVpaStatus), writeCheckpoint: unlessDead(cluster.writeCheckpoint) }
}

async function startRecommender(sandbox: Sandbox, clock: FakeClock, flags: readonly string[] = [], death = IMMORTAL): Promise<Omit<Scene, 'sandbox' | 'clock'> & { readonly died: Promise<void> }> {
  const parsed = parseConfig(Config, flags)
  if (!('config' in parsed)) throw new Error('problem' in parsed ? parsed.problem : parsed.help)
  const messages: string[] = []
  const lines: { message: string; fields: object }[] = []
  const note = (message: string, fields = {}) => {
    messages.push(message)
    lines.push({ message, fields })
  }
  const log: Log = { debug: note, info: note, warn: note, error: note, child: () => log }
  const registry = new Registry()
  const { cluster, signal } = await connectTo(sandbox, { clock, log, registry })
  const recommender = new Recommender({ cluster: mortal(cluster, death), clock, log, options: recommenderOptions(parsed.config), metrics: new Metrics(registry, clock), quality: new QualityMetrics(registry), signal })
  await cluster.synced()
  const run = async (minutes: number) => {
    for (let minute = 0; minute < minutes; minute += 1) {
      await clock.advance(MINUTE)
      await sandbox.settle()
      await caughtUp(sandbox, cluster)
      await recommender.tick()
      await caughtUp(sandbox, cluster)
    }
  }
  return { registry, messages, lines, run, died: death.died }
}

async function connectTo(sandbox: Sandbox, { clock, log, registry }: { clock: FakeClock; log: Log; registry: Registry }): Promise<{ readonly cluster: Cluster; readonly signal: AbortSignal }> {
  const directory = await mkdtemp(join(tmpdir(), 'recommender-'))
  const kubeconfig = join(directory, 'config')
  await writeFile(kubeconfig, sandbox.kubeconfig)
  const stop = new AbortController()
  const cluster = await connect({ kubeconfig, qps: 0, burst: 0, source: 'vpa-recommender', ignoredNamespaces: [], clock, log, registry, signal: stop.signal, watch: WATCHED })
  onTestFinished(async () => {
    stop.abort()
    await cluster.stop()
    await rm(directory, { recursive: true })
  })
  return { cluster, signal: stop.signal }
}

/** Resolves once the stores show what the API server has. */
async function caughtUp(sandbox: Sandbox, { vpas, pods, checkpoints, evictions }: Cluster): Promise<void> {
  const versions = (kind: string) => sandbox.list(kind).filter(isWatched).map(({ metadata }) => metadata.resourceVersion).toSorted()
  const shows = (store: Store<{ resourceVersion: string }>, kind: string) => () => [...store.list()].map(({ resourceVersion }) => resourceVersion).toSorted().join() === versions(kind).join()
  await until(vpas, shows(vpas, 'VerticalPodAutoscaler'))
  await until(pods, shows(pods, 'Pod'))
  await until(checkpoints, shows(checkpoints, 'VerticalPodAutoscalerCheckpoint'))
  await until(evictions, shows(evictions, 'Event'))
}

function isWatched({ kind, status, reason }: KubeObject): boolean {
  return kind === 'Event' ? reason === 'Evicted' : (status as { phase?: string } | undefined)?.phase !== 'Pending'
}

function until<T>(store: Store<T>, holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    if (holds()) return resolve()
    const unsubscribe = store.subscribe(() => {
      if (!holds()) return
      unsubscribe()
      resolve()
    })
  })
}

async function addDeployment(sandbox: Sandbox, name: string, { replicas = 1, limits = {} }: { replicas?: number; limits?: object } = {}): Promise<void> {
  const container = { name: 'app', image: 'app', resources: { requests: { cpu: '100m', memory: '200Mi' }, limits } }
  const labels = { app: name }
  await sandbox.apply({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace: 'default', name },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [container] } } },
  })
}

async function addVpa(sandbox: Sandbox, name: string, spec: object = {}): Promise<void> {
  await sandbox.apply({
    apiVersion: 'autoscaling.k8s.io/v1',
    kind: 'VerticalPodAutoscaler',
    metadata: { namespace: 'default', name },
    spec: { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name }, ...spec },
  })
}

interface Status {
  readonly conditions: readonly { type: string; status: string; message?: string }[]
  readonly recommendation?: { readonly containerRecommendations?: readonly (Readonly<Record<'target' | 'lowerBound' | 'upperBound' | 'uncappedTarget', Record<string, string>>> & { readonly containerName: string })[] }
}

function statusOf(sandbox: Sandbox, name = 'web'): Status | undefined {
  return sandbox.get('VerticalPodAutoscaler', { namespace: 'default', name })?.status as Status | undefined
}

function targetOf(sandbox: Sandbox, name = 'web'): Record<string, string> | undefined {
  return statusOf(sandbox, name)?.recommendation?.containerRecommendations?.[0]?.target
}

function conditionsOf(sandbox: Sandbox, name = 'web'): readonly string[] {
  return (statusOf(sandbox, name)?.conditions ?? []).map(({ type, status, message }) => [`${type}=${status}`, message].filter(Boolean).join(' '))
}

function checkpointNames(sandbox: Sandbox): readonly string[] {
  return sandbox.list('VerticalPodAutoscalerCheckpoint').map(({ metadata }) => metadata.name ?? '').toSorted()
}

test('usage becomes a recommendation within the policy, and a checkpoint', async () => {
  const { sandbox, run } = await scene()
  await addVpa(sandbox, 'web', { resourcePolicy: { containerPolicies: [{ containerName: '*', minAllowed: { cpu: '200m', memory: '300Mi' }, maxAllowed: { cpu: '2', memory: '2Gi' } }] } })
  await run(60)
  expect(conditionsOf(sandbox)).toEqual(['RecommendationProvided=True'])
  expect(statusOf(sandbox)?.recommendation?.containerRecommendations).toEqual([
    {
      containerName: 'app',
      target: { cpu: '548m', memory: '548861636' },
      lowerBound: { cpu: '522m', memory: expect.stringMatching(/^52\d{7}$/) },
      upperBound: { cpu: '2', memory: '2Gi' },
      uncappedTarget: { cpu: '548m', memory: '548861636' },
    },
  ])
  expect(sandbox.list('VerticalPodAutoscalerCheckpoint')).toMatchObject([
    { metadata: { name: 'web-app' }, spec: { vpaObjectName: 'web', containerName: 'app' }, status: { version: 'v3', cpuHistogram: { bucketWeights: { 24: 10_000 } } } },
  ])
})

test('a status is written when it changes, not otherwise', async () => {
  const { sandbox, run } = await scene()
  await addVpa(sandbox, 'web', { resourcePolicy: { containerPolicies: [{ containerName: '*', minAllowed: { cpu: '1', memory: '1Gi' }, maxAllowed: { cpu: '1', memory: '1Gi' } }] } })
  await run(3)
  const version = () => sandbox.get('VerticalPodAutoscaler', { namespace: 'default', name: 'web' })?.metadata.resourceVersion
  const before = version()
  await run(3)
  expect(version()).toBe(before)
  await addVpa(sandbox, 'web', { resourcePolicy: { containerPolicies: [{ containerName: '*', maxAllowed: { cpu: '500m' } }] } })
  await run(1)
  expect(targetOf(sandbox)?.cpu).toBe('500m')
})

test('history outlives the recommender', async () => {
  const { sandbox, clock, run } = await scene()
  await run(30)
  const samples = () => (sandbox.list('VerticalPodAutoscalerCheckpoint')[0]?.status as { totalSamplesCount?: number } | undefined)?.totalSamplesCount
  const before = samples()
  const upperBound = () => statusOf(sandbox)?.recommendation?.containerRecommendations?.[0]?.upperBound.cpu
  const boundBefore = upperBound()
  const restarted = await startRecommender(sandbox, clock)
  await restarted.run(1)
  expect(samples()).toBe(before! + 1)
  expect(Number.parseInt(upperBound()!)).toBeLessThan(Number.parseInt(boundBefore!))
})

describe('nothing that fails holds up the rest:', () => {
  test('a status that cannot be written', async () => {
    const { sandbox, run, messages } = await scene()
    await addDeployment(sandbox, 'other')
    await addVpa(sandbox, 'other')
    sandbox.faults.respond({ method: 'PATCH', path: /verticalpodautoscalers\/web\/status$/, status: 500, times: 1000 })
    await run(3)
    expect(targetOf(sandbox, 'other')).toBeDefined()
    expect(targetOf(sandbox)).toBeUndefined()
    expect(messages).toContain('Cannot update VPA')
  })

  test('a metrics API that does not answer', async () => {
    const { sandbox, run, messages, registry } = await scene()
    await run(3)
    const before = targetOf(sandbox)
    sandbox.faults.respond({ path: /metrics\.k8s\.io/, status: 503, times: 1000 })
    await run(1)
    expect(targetOf(sandbox)).toEqual(before)
    expect(messages).toContain('Cannot get ContainerMetricsSnapshot from MetricsClient')
    expect(await registry.metrics()).toContain('vpa_recommender_metric_server_responses{is_error="true",client_name="default-metrics-client"} 1')
  })

  test('a checkpoint of another version', async () => {
    const { sandbox, run, messages } = await scene()
    await sandbox.apply({
      apiVersion: 'autoscaling.k8s.io/v1',
      kind: 'VerticalPodAutoscalerCheckpoint',
      metadata: { namespace: 'default', name: 'web-app' },
      spec: { vpaObjectName: 'web', containerName: 'app' },
      status: { version: 'v2' },
    })
    await run(3)
    expect(messages).toContain('Error while loading checkpoint')
    expect(targetOf(sandbox)).toBeDefined()
  })
})

test('a container that is killed for want of memory gets more', async () => {
  const { sandbox, run, messages } = await scene()
  await addDeployment(sandbox, 'hungry', { limits: { memory: '300Mi' } })
  await addVpa(sandbox, 'hungry')
  sandbox.load('default', { app: 'hungry' }, 'app', () => ({ cpuMillicores: 10, memoryBytes: 400 * MB }))
  await run(5)
  expect(messages).toContain('OOM detected')
  // It requested 200 MiB and is taken to need 300 MiB: the bucket up to 330 659 541 bytes, with a margin of 15 %.
  expect(targetOf(sandbox, 'hungry')?.memory).toBe('380258472')
})

test('a pod that was evicted for want of memory counts as an OOM, once', async () => {
  const { sandbox, run, messages } = await scene()
  await run(3)
  const pod = sandbox.list('Pod')[0]!.metadata
  const event = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { namespace: 'default', name: `${pod.name}.1`, annotations: { offending_containers: 'app', offending_containers_usage: '1Gi', starved_resource: 'memory' } },
    involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: pod.name },
    reason: 'Evicted',
    message: 'The node was low on resource: memory.',
  }
  await sandbox.apply(event)
  await run(1)
  await sandbox.apply({ ...event, count: 2 })
  await run(1)
  expect(messages.filter((message) => message === 'OOM detected')).toHaveLength(1)
  // It is taken to need 20 % more than it used.
  expect(Number(targetOf(sandbox)?.memory)).toBeGreaterThan(1.2 * 2 ** 30)
})

describe('conditions', () => {
  test('a target that does not exist', async () => {
    const { sandbox, run } = await scene()
    await addVpa(sandbox, 'ghost')
    await run(1)
    expect(conditionsOf(sandbox, 'ghost')).toEqual([
      'ConfigUnsupported=True Cannot read targetRef. Reason: Deployment default/ghost does not exist',
      'NoPodsMatched=True No pods match this VPA object',
      'RecommendationProvided=False No pods match this VPA object',
    ])
  })

  test('a target that appears later', async () => {
    const { sandbox, run } = await scene()
    await addVpa(sandbox, 'late')
    await run(1)
    await addDeployment(sandbox, 'late')
    await run(3)
    expect(conditionsOf(sandbox, 'late')).toEqual(['RecommendationProvided=True'])
  })
})

test.for([
  ['not obeyed while the gate is off, and users are told', [], ['OOMBumpUpRatio', 'MemoryAggregationIntervalCount']],
  ['obeyed with the gate', ['--feature-gates=PerVPAConfig=true'], []],
] as const)('fields of a policy that need a gate are %s', async ([, flags, expected]) => {
  const { sandbox, run, lines } = await scene(...flags)
  await addVpa(sandbox, 'web', { resourcePolicy: { containerPolicies: [{ containerName: '*', oomBumpUpRatio: '2', memoryAggregationIntervalCount: 3 }] } })
  await run(3)
  expect(lines.filter(({ message }) => message.includes('feature gate PerVPAConfig is off')).map(({ fields }) => fields)).toEqual(
    expected.map((field) => ({ vpa: 'default/web', container: '*', field })),
  )
})

test('where the resources of containers are read from is counted', async () => {
  const { run, registry } = await scene()
  await run(3)
  expect(await registry.metrics()).toContain('vpa_resources_get_resources_count{source="Pod.Status.ContainerStatuses"} 3\n')
})

test('a recommender with a name leaves the others alone', async () => {
  const { sandbox, run } = await scene('--recommender-name=mine')
  await addDeployment(sandbox, 'named')
  await addVpa(sandbox, 'named', { recommenders: [{ name: 'mine' }] })
  await run(3)
  expect(targetOf(sandbox, 'named')).toBeDefined()
  expect(statusOf(sandbox)).toBeUndefined()
})

test.for([
  ['of all pods', [], 2],
  ['only of those that a VPA matches, to save memory', ['--memory-saver'], 1],
] as const)('history is kept %s', async ([, flags, expected]) => {
  const { sandbox, run, registry } = await scene(...flags)
  await addDeployment(sandbox, 'nobodys')
  await run(3)
  expect(await registry.metrics()).toContain(`vpa_recommender_aggregate_container_states_count ${expected}\n`)
})

test('checkpoints of VPAs that are gone are deleted after a while', async () => {
  const { sandbox, run } = await scene('--checkpoints-gc-interval=5m')
  await addDeployment(sandbox, 'other')
  await addVpa(sandbox, 'other')
  await run(3)
  expect(checkpointNames(sandbox)).toEqual(['other-app', 'web-app'])
  sandbox.delete('VerticalPodAutoscaler', { namespace: 'default', name: 'other' })
  await run(3)
  expect(checkpointNames(sandbox)).toEqual(['web-app'])
})

interface SavedStatus {
  readonly totalSamplesCount?: number
  readonly memoryHistogram?: { readonly totalWeight?: number }
}

function samplesOf(sandbox: Sandbox, name = 'web-app'): number {
  const saved = sandbox.get('VerticalPodAutoscalerCheckpoint', { namespace: 'default', name })
  return (saved?.status as SavedStatus | undefined)?.totalSamplesCount ?? 0
}

/** A checkpoint of a container that used 1 core a hundred times, last so long ago. */
function savedCheckpoint(vpaObjectName: string, containerName: string, lastSample: number): object {
  const histogram = { referenceTimestamp: '2026-03-01T00:00:00Z', bucketWeights: { 36: 10_000 }, totalWeight: 10 }
  const time = new Date(lastSample).toISOString()
  return {
    apiVersion: 'autoscaling.k8s.io/v1',
    kind: 'VerticalPodAutoscalerCheckpoint',
    metadata: { namespace: 'default', name: `${vpaObjectName}-${containerName}` },
    spec: { vpaObjectName, containerName },
    status: { version: 'v3', firstSampleStart: time, lastSampleStart: time, totalSamplesCount: 100, cpuHistogram: histogram, memoryHistogram: histogram },
  }
}

describe('history is kept', () => {
  test('when the selector changes', async () => {
    const { sandbox, clock, run } = await scene()
    await run(30)
    const restarted = await startRecommender(sandbox, clock)
    await restarted.run(1)
    const before = samplesOf(sandbox)
    await addDeployment(sandbox, 'other')
    await addVpa(sandbox, 'web', { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'other' } })
    await restarted.run(1)
    // What was seen since the restart is the other pods' usage now; what the checkpoint told remains.
    expect(samplesOf(sandbox)).toBeGreaterThanOrEqual(before - 1)
  })

  test('when the VPA is deleted and created again, although its checkpoint goes with it', async () => {
    const { sandbox, clock, run } = await scene()
    await run(30)
    const restarted = await startRecommender(sandbox, clock)
    await restarted.run(1)
    const before = samplesOf(sandbox)
    sandbox.delete('VerticalPodAutoscaler', { namespace: 'default', name: 'web' })
    await restarted.run(15)
    expect(checkpointNames(sandbox)).toEqual([])
    await addVpa(sandbox, 'web')
    await restarted.run(1)
    expect(samplesOf(sandbox)).toBe(before + 16)
  })

  test.for([
    ['appears later', { targetRef: undefined }],
    ['is given to this recommender later', { recommenders: [{ name: 'other' }] }],
  ] as const)('when a VPA with a checkpoint %s', async ([, spec]) => {
    const { sandbox, clock, run } = await scene()
    await addDeployment(sandbox, 'late')
    await sandbox.apply(savedCheckpoint('late', 'app', clock.now()))
    if ('recommenders' in spec) await addVpa(sandbox, 'late', spec)
    await run(5)
    await addVpa(sandbox, 'late')
    await run(1)
    expect(samplesOf(sandbox, 'late-app')).toBeGreaterThan(100)
    expect(targetOf(sandbox, 'late')?.cpu).toBe('1168m')
  })

  test('of an OOM, when the recommender restarts within the same memory interval', async () => {
    const { sandbox, clock, run } = await scene()
    await addDeployment(sandbox, 'hungry', { limits: { memory: '300Mi' } })
    await addVpa(sandbox, 'hungry')
    let memoryBytes = 400 * MB
    sandbox.load('default', { app: 'hungry' }, 'app', () => ({ cpuMillicores: 10, memoryBytes }))
    await run(5)
    const before = targetOf(sandbox, 'hungry')?.memory
    memoryBytes = 10 * MB
    const restarted = await startRecommender(sandbox, clock)
    await restarted.run(3)
    expect(targetOf(sandbox, 'hungry')?.memory).toBe(before)
  })
})

test('a container that is gone is recommended nothing once its usage has expired, and its checkpoint is deleted', async () => {
  const { sandbox, clock, run } = await scene('--checkpoints-gc-interval=1m')
  await sandbox.apply(savedCheckpoint('web', 'gone', clock.now() - 9 * DAY))
  await sandbox.apply(savedCheckpoint('web', 'recent', clock.now() - 7 * DAY))
  const names = () => (statusOf(sandbox)?.recommendation?.containerRecommendations ?? []).map(({ containerName }) => containerName)
  await run(1)
  expect(names()).toEqual(['app', 'gone', 'recent'])
  await run(3)
  expect(names()).toEqual(['app', 'recent'])
  expect(checkpointNames(sandbox)).toEqual(['web-app', 'web-recent'])
})

test('a checkpoint that cannot be read is left alone, however old', async () => {
  const { sandbox, clock, run } = await scene('--checkpoints-gc-interval=1m')
  const foreign = savedCheckpoint('web', 'foreign', clock.now() - 90 * DAY) as { status: object }
  await sandbox.apply({ ...foreign, status: { ...foreign.status, version: 'v4' } })
  await run(4)
  expect(checkpointNames(sandbox)).toEqual(['web-app', 'web-foreign'])
})

test('killed at any write of a turn and started again, the recommender is back to within one turn of where it was', async () => {
  const { sandbox, clock, run } = await scene('--update-worker-count=1')
  const names = ['cache', 'db', 'web']
  for (const name of names) {
    await addDeployment(sandbox, name)
    await addVpa(sandbox, name)
    sandbox.load('default', { app: name }, 'app', () => KONG)
  }
  await run(10)
  const amounts = (name: string, part: 'target' | 'lowerBound' | 'upperBound') => {
    const { cpu = '', memory = '' } = statusOf(sandbox, name)?.recommendation?.containerRecommendations?.[0]?.[part] ?? {}
    return [cpu, memory].map((amount) => Number(milliValue(quantity(amount))))
  }
  const state = (name: string) => ({ samples: samplesOf(sandbox, `${name}-app`), target: amounts(name, 'target'), lower: amounts(name, 'lowerBound'), upper: amounts(name, 'upperBound') })
  // A turn writes three statuses and three checkpoints.
  for (let writes = 0; writes <= 6; writes += 1) {
    const before = names.map(state)
    const doomed = await startRecommender(sandbox, clock, ['--update-worker-count=1'], dyingAfter(writes))
    await Promise.race([doomed.run(1), doomed.died])
    const restarted = await startRecommender(sandbox, clock, ['--update-worker-count=1'])
    await restarted.run(1)
    for (const [index, name] of names.entries()) {
      const [was, is] = [before[index]!, state(name)]
      const place = `${name}, killed at write ${writes}`
      expect(is.samples, place).toBeGreaterThanOrEqual(was.samples + 1)
      expect(is.target, place).toEqual(was.target)
      // Bounds draw closer with every sample.
      for (const resource of [0, 1]) {
        expect(is.lower[resource], place).toBeGreaterThanOrEqual(was.lower[resource]!)
        expect(is.upper[resource], place).toBeLessThanOrEqual(was.upper[resource]!)
      }
    }
  }
})

test('usage of pods that are gone counts on', async () => {
  const { sandbox, run, clock } = await scene()
  await run(10)
  await sandbox.apply({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { namespace: 'default', name: 'web' }, spec: { ...(sandbox.get('Deployment', { namespace: 'default', name: 'web' })?.spec as object), replicas: 0 } })
  await clock.advance(HOUR)
  await run(1)
  expect(targetOf(sandbox)?.cpu).toBe('548m')
  expect(conditionsOf(sandbox)).toEqual(['NoPodsMatched=True No pods match this VPA object', 'RecommendationProvided=True'])
})
