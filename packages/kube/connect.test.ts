import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { projectVpa } from '@vpa/core/api/vpa.ts'
import { SECOND } from '@vpa/core/time.ts'
import { Registry } from 'prom-client'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type ApiServer, type Handler, json, refuse, startApiServer } from '../../test/support/api-server.ts'
import { fakeClock } from '../../test/support/fake-clock.ts'
import { PATIENCE } from '../../test/support/patience.ts'
import { type Line, logInto, logTo, silentLog } from '../../test/support/recorded-log.ts'
import type { Cluster } from './cluster.ts'
import { type ConnectOptions, connect } from './connect.ts'

const POD = { namespace: 'ns', name: 'web-1' }
const STATUS = { recommendation: undefined, conditions: undefined, observedGeneration: undefined }
const CHECKPOINT = {
  namespace: 'ns',
  name: 'web-app',
  vpa: { apiVersion: 'autoscaling.k8s.io/v1', name: 'web', uid: 'u' },
  containerName: 'app',
  annotations: { vpaOpenMemoryIntervals: '{}' },
  status: { version: 'v3', lastUpdateTime: undefined, firstSampleStart: undefined, lastSampleStart: undefined, totalSamplesCount: 1, cpuHistogram: undefined, memoryHistogram: undefined },
}

interface Connected {
  readonly cluster: Cluster
  readonly server: ApiServer
  readonly registry: Registry
}

/**
 * Lists are empty and watches quiet, unless the handler has answered.
 *
 * @param trust of the kubeconfig's cluster
 */
async function connected(handler: Handler, options: Partial<ConnectOptions> = {}, trust: object = {}): Promise<Connected> {
  const server = await startApiServer((request, response) => {
    handler(request, response)
    if (response.headersSent) return
    if (request.query['watch']) response.writeHead(200).write(' ')
    else json(response, 200, { metadata: { resourceVersion: '1' }, items: [] })
  })
  const directory = await mkdtemp(join(tmpdir(), 'connect-'))
  const kubeconfig = join(directory, 'config')
  const config = { clusters: [{ name: 'c', cluster: { server: server.url, ...trust } }], users: [{ name: 'u', user: {} }], contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }], 'current-context': 'x' }
  await writeFile(kubeconfig, JSON.stringify(config))
  const registry = new Registry()
  const signal = new AbortController().signal
  const cluster = await connect({ kubeconfig, qps: 0, burst: 0, source: 'vpa-test', ignoredNamespaces: [], watch: {}, clock: fakeClock(), log: silentLog, registry, signal, ...options })
  onTestFinished(async () => {
    await cluster.stop()
    await rm(directory, { recursive: true })
  })
  return { cluster, server, registry }
}

function writes({ server }: Connected) {
  return server.seen.filter(({ method }) => method !== 'GET').map(({ method, path, body }) => ({ method, path, body }))
}

test('watches what was asked for, where it was asked for', async () => {
  const { cluster, server } = await connected(() => {}, {
    watch: { vpas: true, pods: { fieldSelector: 'status.phase!=Pending' }, workloads: true },
    ignoredNamespaces: ['kube-system', 'test'],
  })
  await cluster.synced()
  const lists = server.seen.filter(({ query }) => !query['watch']).map(({ path, query }) => `${path}?${query['fieldSelector']}`)
  const ignored = 'metadata.namespace!=kube-system,metadata.namespace!=test'
  expect(lists.toSorted()).toEqual([
    `/api/v1/pods?status.phase!=Pending,${ignored}`,
    `/api/v1/replicationcontrollers?${ignored}`,
    ...['daemonsets', 'deployments', 'replicasets', 'statefulsets'].map((plural) => `/apis/apps/v1/${plural}?${ignored}`),
    `/apis/autoscaling.k8s.io/v1/verticalpodautoscalers?${ignored}`,
    ...['cronjobs', 'jobs'].map((plural) => `/apis/batch/v1/${plural}?${ignored}`),
  ])
  expect(() => cluster.limitRanges.get('ns', 'x')).toThrow('this program does not watch limitranges')
})

test('a checkpoint is there from the start, also where the API server that answers is behind: who knew less would overwrite it', async () => {
  const checkpoint = { metadata: { namespace: 'ns', name: 'web-app', uid: 'u', resourceVersion: '7' }, spec: { vpaObjectName: 'web', containerName: 'app' } }
  const { cluster } = await connected(({ path, query }, response) => {
    if (!path.endsWith('checkpoints') || query['watch']) return
    const isFromCache = query['resourceVersion'] === '0'
    json(response, 200, { metadata: { resourceVersion: isFromCache ? '1' : '7' }, items: isFromCache ? [] : [checkpoint] })
  }, { watch: { checkpoints: true } })
  await cluster.synced()
  expect(cluster.checkpoints.get('ns', 'web-app')?.vpaName).toBe('web')
})

test('one namespace only', async () => {
  const { cluster, server } = await connected(() => {}, { watch: { limitRanges: true }, namespace: 'kong' })
  await cluster.synced()
  await cluster.usage()
  expect(server.seen.filter(({ query }) => !query['watch']).map(({ path }) => path)).toEqual(['/api/v1/namespaces/kong/limitranges', '/apis/metrics.k8s.io/v1beta1/namespaces/kong/pods'])
})

test.for([
  [{ 'insecure-skip-tls-verify': true }, 1],
  [{ 'insecure-skip-tls-verify': false }, 0],
  [{}, 0],
] as const)('a kubeconfig that says %j is warned of %i times', async ([trust, times]) => {
  const warnings: string[] = []
  await connected(() => {}, { log: logTo((message) => void warnings.push(message), ['warn']) }, trust)
  expect(warnings.filter((message) => message.includes('not verified'))).toHaveLength(times)
})

test('what an older role does not allow is not waited for', async () => {
  const warnings: unknown[] = []
  const log = logTo((_, { kind } = {}) => void warnings.push(kind), ['warn'])
  const { cluster, server } = await connected(({ path }, response) => path !== '/api/v1/namespaces/kong/pods' && refuse(response, 403), {
    watch: { pods: { fieldSelector: '' }, evictions: true, nodes: true, horizontalAutoscalers: true, resourceQuotas: true, limitRanges: 'optional' },
    namespace: 'kong',
    ignoredNamespaces: ['test'],
    log,
  })
  await cluster.synced()
  await vi.waitFor(() => expect(warnings).toHaveLength(5), PATIENCE)
  expect([...cluster.nodes.list()]).toEqual([])
  expect(server.seen.filter(({ query }) => !query['watch']).map(({ path, query }) => `${path}?${query['fieldSelector'] ?? ''}`).toSorted()).toEqual([
    '/api/v1/namespaces/kong/events?reason=Evicted,metadata.namespace!=test',
    '/api/v1/namespaces/kong/limitranges?metadata.namespace!=test',
    '/api/v1/namespaces/kong/pods?metadata.namespace!=test',
    '/api/v1/namespaces/kong/resourcequotas?metadata.namespace!=test',
    '/api/v1/nodes?',
    '/apis/autoscaling/v2/namespaces/kong/horizontalpodautoscalers?metadata.namespace!=test',
  ])
})

test('well-known workloads come from the stores', async () => {
  const deployment = { metadata: { namespace: 'ns', name: 'web', uid: 'u', resourceVersion: '1' }, spec: { replicas: 2, selector: { matchLabels: { app: 'web' } } } }
  const { cluster } = await connected(
    ({ path, query }, response) => path.endsWith('/deployments') && !query['watch'] && json(response, 200, { metadata: { resourceVersion: '1' }, items: [deployment] }),
    { watch: { workloads: true } },
  )
  await cluster.synced()
  expect(cluster.workload('ns', { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' })).toMatchObject({ found: { kind: 'Deployment', name: 'web', replicas: 2 } })
  expect(cluster.workload('ns', { apiVersion: 'apps/v1', kind: 'Deployment', name: 'db' })).toEqual({ missing: 'not-found', message: 'Deployment ns/db does not exist' })
})

test('the target of a VPA is known when the stores are, of whatever kind it is', async () => {
  const targetRef = { apiVersion: 'example.com/v1', kind: 'Toaster', name: 'web' }
  const vpa = { metadata: { namespace: 'ns', name: 'web', uid: 'u', resourceVersion: '1' }, spec: { targetRef } }
  const answers = new Map<string, unknown>([
    ['/apis/autoscaling.k8s.io/v1/verticalpodautoscalers', { metadata: { resourceVersion: '1' }, items: [vpa] }],
    ['/apis', { groups: [{ name: 'example.com', versions: [{ groupVersion: 'example.com/v1' }] }] }],
    ['/apis/example.com/v1', { resources: [{ name: 'toasters', kind: 'Toaster', namespaced: true }, { name: 'toasters/scale', kind: 'Scale', namespaced: true }] }],
    ['/apis/example.com/v1/namespaces/ns/toasters/web/scale', { spec: { replicas: 2 }, status: { selector: 'app=web' } }],
  ])
  const { cluster } = await connected(({ path, query }, response) => answers.has(path) && !query['watch'] && json(response, 200, answers.get(path)), { watch: { vpas: true } })
  await cluster.synced()
  expect(cluster.workload('ns', targetRef)).toMatchObject({ found: { replicas: 2 } })
})

test('of a Deployment that a custom resource owns it is known whether that can be scaled, when all is read: its first pod does not wait for it', async () => {
  const owner = { apiVersion: 'konghq.com/v1', kind: 'Kong', name: 'kong' }
  const lists: Readonly<Record<string, readonly object[]>> = {
    '/apis/autoscaling.k8s.io/v1/verticalpodautoscalers': [{ metadata: { namespace: 'ns', name: 'web', uid: 'v' }, spec: { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } } }],
    '/apis/apps/v1/deployments': [{ metadata: { namespace: 'ns', name: 'web', uid: 'd', ownerReferences: [{ ...owner, uid: 'k', controller: true }] }, spec: { selector: {} } }],
  }
  const { cluster } = await connected(({ path, query }, response) => {
    const items = query['watch'] ? undefined : lists[path]
    if (path === '/apis') json(response, 200, { groups: [] })
    else if (items) json(response, 200, { metadata: { resourceVersion: '1' }, items })
  }, { watch: { vpas: true, workloads: true } })
  await cluster.synced()
  expect(cluster.workload('ns', owner)).toEqual({ missing: 'not-scalable', message: 'no matches for kind "Kong" in group "konghq.com"' })
})

test('a VPA status replaces the former one', async () => {
  const connection = await connected(() => {})
  const { status } = projectVpa({ status: { observedGeneration: 3, conditions: [{ type: 'RecommendationProvided', status: 'True', lastTransitionTime: '2026-03-01T00:00:00Z' }] } })
  await connection.cluster.patchVpaStatus({ namespace: 'ns', name: 'web' }, status)
  const value = { conditions: [{ type: 'RecommendationProvided', status: 'True', lastTransitionTime: '2026-03-01T00:00:00Z' }], observedGeneration: 3 }
  expect(writes(connection)).toEqual([{ method: 'PATCH', path: '/apis/autoscaling.k8s.io/v1/namespaces/ns/verticalpodautoscalers/web/status', body: [{ op: 'add', path: '/status', value }] }])
})

test.each<[name: string, isStored: boolean, refused: Record<string, number>, requests: readonly string[]]>([
  ['a checkpoint that is not there is created', false, {}, ['POST']],
  ['one that somebody has created meanwhile is replaced', false, { POST: 409 }, ['POST', 'PATCH']],
  ['one that is there is replaced', true, {}, ['PATCH']],
  ['one that somebody has deleted meanwhile is created', true, { PATCH: 404 }, ['PATCH', 'POST']],
])('%s; its VPA owns it', async (_, isStored, refused, requests) => {
  const list = { metadata: { resourceVersion: '1' }, items: [{ metadata: { namespace: 'ns', name: 'web-app' }, spec: {}, status: {} }] }
  const connection = await connected(({ method, path, query }, response) => {
    const status = refused[method]
    if (status !== undefined) refuse(response, status)
    else if (isStored && method === 'GET' && path.endsWith('/verticalpodautoscalercheckpoints') && !query['watch']) json(response, 200, list)
  }, { watch: { checkpoints: true } })
  await connection.cluster.synced()
  await connection.cluster.writeCheckpoint(CHECKPOINT)
  const value = { version: 'v3', lastUpdateTime: null, firstSampleStart: null, lastSampleStart: null, totalSamplesCount: 1 }
  const ownerReferences = [{ apiVersion: 'autoscaling.k8s.io/v1', kind: 'VerticalPodAutoscaler', name: 'web', uid: 'u' }]
  const path = '/apis/autoscaling.k8s.io/v1/namespaces/ns/verticalpodautoscalercheckpoints'
  const { annotations } = CHECKPOINT
  const all = new Map<string, object>([
    ['POST', { method: 'POST', path, body: { apiVersion: 'autoscaling.k8s.io/v1', kind: 'VerticalPodAutoscalerCheckpoint', metadata: { namespace: 'ns', name: 'web-app', ownerReferences, annotations }, spec: { vpaObjectName: 'web', containerName: 'app' }, status: value } }],
    ['PATCH', {
      method: 'PATCH',
      path: `${path}/web-app`,
      body: [
        { op: 'test', path: '/spec/vpaObjectName', value: 'web' },
        { op: 'test', path: '/spec/containerName', value: 'app' },
        { op: 'add', path: '/metadata/ownerReferences', value: ownerReferences },
        { op: 'add', path: '/metadata/annotations', value: annotations },
        { op: 'add', path: '/status', value },
      ],
    }],
  ])
  expect(writes(connection)).toEqual(requests.map((method) => all.get(method)))
})

test('deleting a checkpoint that is gone already is no error', async () => {
  const { cluster } = await connected((_, response) => refuse(response, 404))
  await expect(cluster.deleteCheckpoint({ namespace: 'ns', name: 'web-app' })).resolves.toBeUndefined()
})

test('a disruption budget blocks an eviction, at once', async () => {
  const connection = await connected((_, response) => refuse(response, 429, { message: 'Cannot evict pod as it would violate the pod\'s disruption budget.', details: { causes: [{ reason: 'DisruptionBudget' }] } }, { 'retry-after': '10' }))
  expect(await connection.cluster.evict({ ...POD, uid: 'u' })).toEqual({ outcome: 'blocked', message: 'Cannot evict pod as it would violate the pod\'s disruption budget.' })
  expect(writes(connection)).toEqual([{ method: 'POST', path: '/api/v1/namespaces/ns/pods/web-1/eviction', body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: POD, deleteOptions: { preconditions: { uid: 'u' } } } }])
})

test('an eviction that is put off by an API server with too much to do is not done after the program was told to stop', async () => {
  const stop = new AbortController()
  const connection = await connected(({ method }, response) => method === 'POST' && refuse(response, 429, {}, { 'retry-after': '30' }), { signal: stop.signal })
  const eviction = connection.cluster.evict({ ...POD, uid: 'u' })
  await vi.waitFor(() => expect(writes(connection)).toHaveLength(1), PATIENCE)
  stop.abort()
  expect(await eviction).toMatchObject({ outcome: 'blocked' })
  expect(writes(connection)).toHaveLength(1)
})

test.for<[string, (cluster: Cluster) => Promise<void>]>([
  ['status', (cluster) => cluster.patchVpaStatus(POD, STATUS)],
  ['checkpoint', (cluster) => cluster.writeCheckpoint(CHECKPOINT)],
])('a %s that is put off does not hold up a program that was told to stop: its lease is to be given back', async ([, write]) => {
  const stop = new AbortController()
  const connection = await connected(({ method }, response) => method !== 'GET' && refuse(response, 429, {}, { 'retry-after': '30' }), { signal: stop.signal, watch: { checkpoints: true } })
  const written = write(connection.cluster)
  await vi.waitFor(() => expect(writes(connection)).toHaveLength(1), PATIENCE)
  stop.abort()
  await expect(written).rejects.toMatchObject({ status: 429 })
})

const WRITES: [string, (cluster: Cluster) => Promise<unknown>][] = [
  ['an eviction', (cluster) => cluster.evict({ ...POD, uid: 'u' })],
  ['a resize', (cluster) => cluster.resize({ ...POD, uid: 'u' }, [])],
  ['a patch', (cluster) => cluster.patchPod({ ...POD, uid: 'u' }, [])],
  ['a status', (cluster) => cluster.patchVpaStatus(POD, STATUS)],
  ['a part of a status', (cluster) => cluster.editVpaStatus(POD, [])],
  ['a checkpoint', (cluster) => cluster.writeCheckpoint(CHECKPOINT)],
  ['the end of a checkpoint', (cluster) => cluster.deleteCheckpoint(POD)],
]

test.for(WRITES)('%s that is put off by the API server is not sent again once another may lead', async ([, write]) => {
  const clock = fakeClock()
  let leads = true
  const connection = await connected(({ method }, response) => {
    if (method === 'GET') return
    leads = false
    refuse(response, 429, {}, { 'retry-after': '20' })
  }, { clock, leads: () => leads, watch: { checkpoints: true } })
  let ended: unknown
  void write(connection.cluster).then((outcome) => (ended = outcome), (error: Error) => (ended = { outcome: 'unreachable', message: error.message }))
  await vi.waitFor(async () => {
    await clock.advance(20 * SECOND)
    expect(ended).toEqual({ outcome: 'unreachable', message: 'not asked for: the leader lease may have run out' })
  }, PATIENCE)
  expect(writes(connection)).toHaveLength(1)
})

test('an eviction that waits for its turn by --kube-api-qps is not sent once another may lead', async () => {
  const clock = fakeClock()
  let leads = true
  const connection = await connected(() => {}, { clock, leads: () => leads, qps: 0.1, burst: 1 })
  const [first, second] = ['u', 'v'].map((uid) => connection.cluster.evict({ ...POD, uid }))
  expect(await first).toEqual({ outcome: 'done' })
  leads = false
  await clock.advance(10 * SECOND)
  expect(await second).toMatchObject({ outcome: 'unreachable' })
  expect(writes(connection)).toHaveLength(1)
})

test('a resize goes to the subresource, a patch to the pod; another pod of its name is left alone', async () => {
  const connection = await connected(() => {})
  const patch = [{ op: 'add', path: '/metadata/annotations', value: {} }] as const
  expect(await connection.cluster.resize({ ...POD, uid: 'u' }, patch)).toEqual({ outcome: 'done' })
  expect(await connection.cluster.patchPod({ ...POD, uid: 'u' }, patch)).toEqual({ outcome: 'done' })
  expect(writes(connection)).toEqual([
    { method: 'PATCH', path: '/api/v1/namespaces/ns/pods/web-1/resize', body: [{ op: 'test', path: '/metadata/uid', value: 'u' }, ...patch] },
    { method: 'PATCH', path: '/api/v1/namespaces/ns/pods/web-1', body: [{ op: 'test', path: '/metadata/uid', value: 'u' }, { op: 'test', path: '/metadata/annotations', value: null }, ...patch] },
  ])
})

test.for([
  ['lists it', { resources: [{ name: 'pods', kind: 'Pod', namespaced: true }, { name: 'pods/resize', kind: 'Pod', namespaced: true }] }, true],
  ['does not', { resources: [{ name: 'pods', kind: 'Pod', namespaced: true }] }, false],
  ['does not answer', undefined, true],
] as const)('pods can be resized in place unless an API server that %s', async ([, resources, expected]) => {
  const { cluster } = await connected(({ path }, response) => path === '/api/v1' && (resources ? json(response, 200, resources) : refuse(response, 500)))
  expect(await cluster.servesResize()).toBe(expected)
})

function podMetrics(name: string, usage: object, timestamp = '2026-03-01T00:00:00Z') {
  return { metadata: { namespace: 'ns', name }, timestamp, containers: [{ name: 'app', usage }] }
}

test('usage is rounded up to millicores and bytes; what is missing is not 0; what cannot be read costs only itself', async () => {
  const items = [
    podMetrics('a', { cpu: '1500001n', memory: '300.5' }),
    podMetrics('missing', {}),
    podMetrics('unparsable', { cpu: 'much', memory: '1Ki' }),
    podMetrics('negative', { cpu: '-5m', memory: '0' }),
    podMetrics('timeless', {}, 'today'),
  ]
  const warnings: string[] = []
  const log = logTo((message, { error } = {}) => void warnings.push(`${message}: ${(error as Error).message}`), ['warn'])
  const { cluster } = await connected((_, response) => json(response, 200, { metadata: {}, items }), { log })
  const common = { namespace: 'ns', containerName: 'app', at: Date.UTC(2026, 2, 1) }
  expect(await cluster.usage()).toEqual([
    { ...common, podName: 'a', cpu: 2, memory: 301 },
    { ...common, podName: 'missing', cpu: undefined, memory: undefined },
    { ...common, podName: 'unparsable', cpu: Number.NaN, memory: 1024 },
    { ...common, podName: 'negative', cpu: -5, memory: 0 },
  ])
  expect(warnings).toEqual([
    'Cannot read the usage of a container: not a quantity, such as 250m or 1.5Gi: "much"',
    'Cannot read the metrics of a pod: ns/timeless: not a time: today',
  ])
})

test('events are written in the background; those that cannot be are counted', async () => {
  const connection = await connected(({ body }, response) => (body as { reason?: string }).reason === 'Bad' && refuse(response, 422))
  const regarding = { apiVersion: 'v1', kind: 'Pod', ...POD, uid: 'u' }
  connection.cluster.event({ regarding, type: 'Normal', reason: 'EvictedByVPA', message: 'Pod was evicted.' })
  connection.cluster.event({ regarding, type: 'Normal', reason: 'Bad', message: '' })
  await vi.waitFor(async () => expect(await connection.registry.metrics()).toContain('vpa_events_lost_total 1'), PATIENCE)
  const [first, second] = writes(connection)
  expect(first).toMatchObject({
    path: '/api/v1/namespaces/ns/events',
    body: { involvedObject: regarding, reason: 'EvictedByVPA', source: { component: 'vpa-test' }, firstTimestamp: '2026-03-01T00:00:00Z', count: 1 },
  })
  expect((first!.body as { metadata: object }).metadata).not.toEqual((second!.body as { metadata: object }).metadata)
})

test.for([
  ['as long as it may be', 'a'.repeat(253)],
  ['with a dot where it is cut', `${'a'.repeat(235)}.${'b'.repeat(17)}`],
] as const)('an event about an object whose name is %s has a name that the API server takes', async ([, name]) => {
  const connection = await connected(() => {})
  connection.cluster.event({ regarding: { apiVersion: 'v1', kind: 'Pod', namespace: 'ns', name, uid: 'u' }, type: 'Normal', reason: 'EvictedByVPA', message: 'Pod was evicted.' })
  await vi.waitFor(() => expect(writes(connection)).toHaveLength(1), PATIENCE)
  const { metadata, involvedObject } = writes(connection)[0]!.body as { metadata: { name: string }; involvedObject: { name: string } }
  expect(metadata.name.length).toBeLessThanOrEqual(253)
  expect(metadata.name).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/)
  expect(involvedObject.name).toBe(name)
})

test('many events at once are written one after the other, as of the time when they were told, and none is lost', async () => {
  const clock = fakeClock()
  const held: (() => void)[] = []
  const connection = await connected(({ path }, response) => {
    if (!path.endsWith('/events') || held.length > 0) return
    response.writeHead(201)
    held.push(() => response.end('{}'))
  }, { clock })
  const { cluster } = connection
  const regarding = { apiVersion: 'v1', kind: 'Pod', ...POD, uid: 'u' }
  const events = () => writes(connection).filter(({ path }) => path.endsWith('/events'))
  for (let count = 0; count < 300; count += 1) cluster.event({ regarding, type: 'Normal', reason: 'EvictedByVPA', message: `Pod ${count} was evicted.` })
  await vi.waitFor(() => expect(held).toHaveLength(1), PATIENCE)
  // Whatever was sent with the first event would have come by now.
  await cluster.evict({ ...POD, uid: 'u' })
  expect(events()).toHaveLength(1)

  held[0]?.()
  await vi.waitFor(() => expect(events()).toHaveLength(100), PATIENCE)
  await vi.waitFor(async () => {
    await clock.advance(20)
    expect(events()).toHaveLength(300)
  }, { ...PATIENCE, interval: 1 })
  expect(clock.now() - Date.UTC(2026, 2, 1)).toBeGreaterThanOrEqual(4000)
  expect(events().at(-1)).toMatchObject({ body: { firstTimestamp: '2026-03-01T00:00:00Z' } })
})

test('what waits when the program stops is given up, in one line', async () => {
  const lines: Line[] = []
  const log = logInto(lines, ['info'])
  const connection = await connected(({ path }, response) => void (path.endsWith('/events') && response.writeHead(201)), { log })
  const regarding = { apiVersion: 'v1', kind: 'Pod', ...POD, uid: 'u' }
  for (let count = 0; count < 300; count += 1) connection.cluster.event({ regarding, type: 'Normal', reason: 'EvictedByVPA', message: `Pod ${count} was evicted.` })
  await vi.waitFor(() => expect(writes(connection)).toHaveLength(1), PATIENCE)
  await connection.cluster.stop()
  await vi.waitFor(() => expect(lines).toEqual([{ message: 'Stopped before all events were written', lost: 299 }]), PATIENCE)
  expect(writes(connection)).toHaveLength(1)
})

test('what waits once another may lead is given up, in one line, and counted: it tells of what the other decides by now', async () => {
  const lines: Line[] = []
  const log = logInto(lines, ['info', 'warn'])
  let leads = true
  const connection = await connected(({ path }) => void (path.endsWith('/events') && (leads = false)), { log, leads: () => leads })
  const regarding = { apiVersion: 'v1', kind: 'Pod', ...POD, uid: 'u' }
  for (let count = 0; count < 3; count += 1) connection.cluster.event({ regarding, type: 'Normal', reason: 'EvictedByVPA', message: `Pod ${count} was evicted.` })
  await vi.waitFor(() => expect(lines).toEqual([{ message: 'Stopped before all events were written', lost: 2 }]), PATIENCE)
  expect(writes(connection)).toHaveLength(1)
  expect(await connection.registry.metrics()).toContain('vpa_events_lost_total 2')
})
