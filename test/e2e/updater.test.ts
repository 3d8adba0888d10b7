import { type ResourceList, formatQuantity } from '@vpa/core/quantity.ts'
import type { Client } from '@vpa/kube/client.ts'
import { systemClock } from '@vpa/kube/clock.ts'
import type { Cluster } from '@vpa/kube/cluster.ts'
import { connect, openClient } from '@vpa/kube/connect.ts'
import { renewStatusLease } from '@vpa/kube/lease.ts'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Api } from '../../hack/demo/api.ts'
import { openClusterOf } from '../../hack/demo/current-cluster.ts'
import type { DemoCluster } from '../../hack/demo/demo-cluster.ts'
import { freePort } from '../../hack/demo/free-port.ts'
import { PodHistory } from '../support/pod-history.ts'
import { logInto } from '../support/updater-scene.ts'
import { forgetAdmissionController, kubeconfig } from './control-plane.ts'
import { Program } from '../support/program.ts'
import { CASES, type Owner, type UpdaterCase } from './updater-cases.ts'

const PATIENCE = { timeout: 90_000, interval: 200 }
const LEASE = { namespace: 'kube-system', name: 'vpa-admission-controller', holder: 'e2e', duration: 10_000 }
const LABELS = { app: 'web' }
const GATES = '--feature-gates=InPlace=true,CPUStartupBoost=true'
const namespaceOf = (item: UpdaterCase) => `updater-${CASES.indexOf(item)}`

let demo: DemoCluster
let client: Client
let cluster: Cluster
let history: PodHistory
let updater: Program
const programs: Program[] = []
/** Nothing that follows is waited for when nothing is ever done. */
let hasBegun = false
const watching = new AbortController()

/** Admission controller and updater as processes of their own, under their ServiceAccounts, and all cases side by side. */
beforeAll(async () => {
  demo = await openClusterOf(await Api.open(kubeconfig), kubeconfig)
  const connection = { kubeconfig, source: 'e2e', qps: 0, burst: 0, clock: systemClock, registry: new Registry() }
  client = await openClient(connection)
  await forgetAdmissionController(client)
  await renewStatusLease(client, LEASE, Date.now())
  await createGears()
  await Promise.all([...CASES.map((item) => arrange(namespaceOf(item), item)), arrangePending(), arrangeBudget()])
  cluster = await connect({ ...connection, registry: new Registry(), ignoredNamespaces: [], log: logInto([]), signal: watching.signal, watch: { pods: { fieldSelector: 'spec.nodeName!=' } } })
  await cluster.synced()
  history = new PodHistory(cluster)
})

afterAll(async () => {
  await Promise.all(programs.map((program) => program.stop()))
  const namespaces = [...CASES.map(namespaceOf), 'updater-pending', 'updater-budget', 'updater-boost']
  await Promise.all(namespaces.map((name) => client.request({ method: 'DELETE', path: `/api/v1/namespaces/${name}` }).catch(() => undefined)))
  await forgetAdmissionController(client)
  watching.abort()
  await cluster?.stop()
  await client.close()
  await demo.close()
})

function start(name: 'updater' | 'admission-controller', ...flags: string[]): Program {
  const program = new Program(name, demo.programs[name], flags)
  programs.push(program)
  return program
}

const post = (path: string, body: object) => client.request<{ metadata: { uid: string; name: string } }>({ method: 'POST', path, body })
const merge = (path: string, body: object) => client.request({ method: 'PATCH', path, patch: 'merge', body })

const PATHS: Readonly<Record<Owner, string>> = {
  Deployment: 'apps/v1',
  ReplicaSet: 'apps/v1',
  StatefulSet: 'apps/v1',
  DaemonSet: 'apps/v1',
  ReplicationController: 'v1',
  Job: 'batch/v1',
  CronJob: 'batch/v1',
  Gear: 'example.test/v1',
}

function pathOf(kind: Owner, namespace: string): string {
  const version = PATHS[kind]
  return `/${version.includes('/') ? 'apis' : 'api'}/${version}/namespaces/${namespace}/${kind.toLowerCase()}s`
}

async function createGears(): Promise<void> {
  const names = { plural: 'gears', singular: 'gear', kind: 'Gear', listKind: 'GearList' }
  const scale = { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.status.selector' }
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
  const version = { name: 'v1', served: true, storage: true, schema, subresources: { status: {}, scale } }
  const spec = { group: 'example.test', names, scope: 'Namespaced', versions: [version] }
  await post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { metadata: { name: 'gears.example.test' }, spec }).catch(() => undefined)
  await vi.waitFor(() => client.request({ path: '/apis/example.test/v1/gears' }), PATIENCE)
}

/** The pods first, as they were before anybody recommended anything. */
async function arrange(namespace: string, item: UpdaterCase, annotations: object = {}): Promise<void> {
  const { owners = ['Deployment'], replicas = 4 } = item
  await post('/api/v1/namespaces', { metadata: { name: namespace } })
  await arrangeOwners(namespace, owners, replicas, podTemplate(item, annotations))
  const count = owners.includes('DaemonSet') ? 2 : replicas
  await arrived(namespace, count, ({ spec }) => spec.nodeName !== undefined)
  await arrangeVpa(namespace, owners[0] ?? 'Deployment', item)
}

function podTemplate({ limits, resizeCondition, owners = [] }: UpdaterCase, annotations: object) {
  const resources = { requests: { cpu: '100m', memory: '100Mi' }, ...(limits && { limits }) }
  const kubelet = { ...(resizeCondition && { 'vpa-test/resize': JSON.stringify(resizeCondition) }), ...(owners.includes('Job') && { 'vpa-test/stays': 'running' }) }
  const restartPolicy = owners.includes('Job') ? 'Never' : 'Always'
  // KWOK deletes by name, without looking whether it is the same pod still: of a StatefulSet's pods it must not have to.
  const terminationGracePeriodSeconds = owners.includes('StatefulSet') ? 0 : 30
  return { metadata: { labels: LABELS, annotations: { ...kubelet, ...annotations } }, spec: { restartPolicy, terminationGracePeriodSeconds, containers: [{ name: 'app', image: 'none', resources }] } }
}

type Template = ReturnType<typeof podTemplate>

async function arrangeOwners(namespace: string, owners: readonly Owner[], replicas: number, template: Template): Promise<void> {
  const selector = { matchLabels: LABELS }
  const job = { parallelism: replicas, completions: replicas, template }
  const specs: Readonly<Record<Owner, object>> = {
    Deployment: { replicas, selector, template },
    ReplicaSet: { replicas, selector, template },
    StatefulSet: { replicas, selector, template, serviceName: 'none', podManagementPolicy: 'Parallel' },
    DaemonSet: { selector, template },
    ReplicationController: { replicas, selector: LABELS, template },
    Job: job,
    CronJob: { schedule: '0 0 1 1 *', suspend: true, jobTemplate: { spec: job } },
    Gear: { replicas },
  }
  let ownerReferences: object[] = []
  for (const kind of owners) {
    const path = pathOf(kind, namespace)
    const { metadata } = await post(path, { apiVersion: PATHS[kind], kind, metadata: { name: 'web', ownerReferences }, spec: specs[kind] })
    if (kind === 'Gear') await merge(`${path}/web/status`, { status: { replicas, selector: 'app=web' } })
    ownerReferences = [{ apiVersion: PATHS[kind], kind, name: 'web', uid: metadata.uid, controller: true }]
  }
  if (owners.at(-1) !== 'Gear') return
  operate = async () => {
    for (let count = (await podsOf(namespace)).length; count < replicas; count += 1) await post(`/api/v1/namespaces/${namespace}/pods`, { ...template, metadata: { ...template.metadata, generateName: 'web-', ownerReferences } })
  }
  await operate()
}

/** The operator that keeps the pods of the Gear which makes them itself. */
let operate = async () => {}

async function arrangeVpa(namespace: string, kind: Owner, { mode = 'Recreate', vpa = {}, recommended = { cpu: '500m', memory: '100Mi' } }: Pick<UpdaterCase, 'mode' | 'vpa' | 'recommended'>): Promise<void> {
  const path = `/apis/autoscaling.k8s.io/v1/namespaces/${namespace}/verticalpodautoscalers`
  const targetRef = { apiVersion: PATHS[kind], kind, name: 'web' }
  await post(path, { apiVersion: 'autoscaling.k8s.io/v1', kind: 'VerticalPodAutoscaler', metadata: { name: 'web' }, spec: { targetRef, updatePolicy: { updateMode: mode }, ...vpa } })
  const recommendation = { containerRecommendations: [{ containerName: 'app', target: recommended, lowerBound: recommended, upperBound: recommended }] }
  await merge(`${path}/web/status`, { status: { recommendation } })
}

interface RawPod {
  readonly metadata: { readonly name: string; readonly uid: string; readonly generation?: number; readonly deletionTimestamp?: string; readonly annotations?: Readonly<Record<string, string>> }
  readonly spec: { readonly nodeName?: string; readonly containers: readonly { readonly resources: object }[] }
  readonly status: { readonly phase: string; readonly containerStatuses?: readonly { readonly resources: object }[] }
}

async function podsOf(namespace: string): Promise<readonly RawPod[]> {
  const { items } = await client.request<{ items: RawPod[] }>({ path: `/api/v1/namespaces/${namespace}/pods` })
  return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
}

const isRunning = ({ status }: RawPod) => status.phase === 'Running'

function arrived(namespace: string, count: number, wanted: (pod: RawPod) => boolean): Promise<void> {
  return vi.waitFor(async () => expect((await podsOf(namespace)).filter(wanted)).toHaveLength(count), PATIENCE)
}

/** Two of four pods are scheduled and do not start. */
async function arrangePending(): Promise<void> {
  await arrange('updater-pending', { title: '', owners: ['ReplicaSet'], becomes: 'evicted' }, { 'vpa-test/stays': 'pending' })
  const [first, second] = await podsOf('updater-pending')
  for (const pod of [first!, second!]) await merge(`/api/v1/namespaces/updater-pending/pods/${pod.metadata.name}`, { metadata: { annotations: { 'vpa-test/stays': null } } })
  await arrived('updater-pending', 2, isRunning)
}

const BUDGET = '/apis/policy/v1/namespaces/updater-budget/poddisruptionbudgets'

/** Ten pods, and all of them are needed. */
async function arrangeBudget(): Promise<void> {
  await post('/api/v1/namespaces', { metadata: { name: 'updater-budget' } })
  await post(BUDGET, { metadata: { name: 'all' }, spec: { minAvailable: 10, selector: { matchLabels: LABELS } } })
  const template = podTemplate({ title: '', becomes: 'evicted' }, {})
  await arrangeOwners('updater-budget', ['Deployment'], 10, template)
  await arrived('updater-budget', 10, isRunning)
  await arrangeVpa('updater-budget', 'Deployment', {})
}

test('a lease that is stale, and then missing: nothing happens', async () => {
  const careful = start('updater', '--updater-interval=500ms', '--admission-controller-status-lease-timeout=1s')
  const skipped = () => careful.logged('Admission Controller status is not valid. Skipping update loop')
  await expect.poll(() => skipped().some(({ createdAt }) => createdAt !== undefined), PATIENCE).toBe(true)
  await forgetAdmissionController(client)
  await expect.poll(() => skipped().filter(({ createdAt }) => createdAt === undefined).length, PATIENCE).toBeGreaterThan(1)
  await careful.stop()
  expect(careful.logged('Evicting pod')).toEqual([])
  expect(await summaryOf('updater-0', firstPods('updater-0', 4))).toMatchObject({ first: 4 })
})

test('with an admission controller it begins', async () => {
  const port = await freePort()
  const flags = [`--port=${port}`, '--register-by-url', '--webhook-address=https://127.0.0.1', `--webhook-port=${port}`, '--tls-cert-file=/none', '--shutdown-delay=0s', '--status-lease-update-interval=1s']
  start('admission-controller', ...flags, GATES)
  updater = start('updater', '--updater-interval=2s', GATES)
  await expect.poll(() => updater.logged('Evicting pod').length, PATIENCE).toBeGreaterThan(0)
  hasBegun = true
})

interface Summary {
  /** How many of the first pods are left. */
  readonly first: number
  /** Requested by each pod's spec, and by its status. */
  readonly cpu: readonly string[]
  readonly given: readonly string[]
}

async function summaryOf(namespace: string, before: readonly string[]): Promise<Summary> {
  const pods = await podsOf(namespace)
  return {
    first: pods.filter(({ metadata }) => before.includes(metadata.uid)).length,
    cpu: pods.map(({ spec }) => cpuOf(spec.containers[0])),
    given: pods.map(({ status }) => cpuOf(status.containerStatuses?.[0])),
  }
}

/** Of a pod as it is kept, or as the API server sends it. */
function cpuOf(container: { readonly requests?: ResourceList } | { readonly resources?: object } | undefined): string {
  if (container === undefined) return ''
  if ('resources' in container) return (container.resources as { requests?: { cpu?: string } }).requests?.cpu ?? ''
  const cpu = (container as { readonly requests?: ResourceList }).requests?.['cpu']
  return cpu ? formatQuantity(cpu) : ''
}

function changesOf(values: readonly string[]): number {
  return values.filter((value, index) => index > 0 && value !== values[index - 1]).length
}

function firstPods(namespace: string, count: number): readonly string[] {
  return history.states(namespace).slice(0, count).map(([pod]) => pod.uid)
}

function fewestOf(namespace: string): number {
  return Math.min(...[...history.fewest].filter(([group]) => group.startsWith(`${namespace}/`)).map(([, running]) => running))
}

function expected({ becomes, recommended = { cpu: '500m' } }: UpdaterCase, count: number): Summary {
  const all = (cpu: string) => Array.from({ length: count }, () => cpu)
  const [old, new_] = [all('100m'), all(recommended['cpu'] ?? '')]
  switch (becomes) {
    case 'evicted':
      return { first: 0, cpu: new_, given: new_ }
    case 'resized':
      return { first: count, cpu: new_, given: new_ }
    case 'asked':
      return { first: count, cpu: new_, given: old }
    case 'untouched':
      return { first: count, cpu: old, given: old }
  }
}

test.for(CASES.map((item) => [`${item.title}: ${item.becomes}`, item] as const))('%s', async ([, item]) => {
  expect(hasBegun).toBe(true)
  const namespace = namespaceOf(item)
  const count = item.owners?.includes('DaemonSet') ? 2 : (item.replicas ?? 4)
  const look = async () => {
    await operate()
    return summaryOf(namespace, firstPods(namespace, count))
  }
  await expect.poll(look, PATIENCE).toEqual(expected(item, count))
  expect(fewestOf(namespace)).toBeGreaterThanOrEqual(count - Math.max(1, Math.trunc(count / 2)))
})

test('no pod was evicted twice, or that had what is recommended, and no resize was asked for twice', async () => {
  const all = CASES.flatMap((item) => history.states(namespaceOf(item)).map((states) => ({ title: item.title, uid: states[0].uid, cpu: states.map(({ containers }) => cpuOf(containers[0])) })))
  const events = (await Promise.all(CASES.map((item) => eventsOf(namespaceOf(item))))).flat()
  const evicted = events.filter(({ reason }) => reason === 'EvictedByVPA').map(({ involvedObject }) => involvedObject.uid)
  expect(evicted.length).toBeGreaterThan(0)
  expect(new Set(evicted).size).toBe(evicted.length)
  expect(all.filter(({ uid, cpu }) => evicted.includes(uid) && cpu[0] !== '100m').map(({ title }) => title)).toEqual([])
  expect(all.filter(({ cpu }) => changesOf(cpu) > 1).map(({ title }) => title)).toEqual([])
})

test('pods that do not start are evicted, and those that run are kept', async () => {
  const running = history.states('updater-pending').filter(([pod]) => pod.phase === 'Running').map(([{ uid }]) => uid)
  const look = async () => (await podsOf('updater-pending')).map(({ metadata, spec }) => `${running.includes(metadata.uid) ? 'first' : 'new'} ${cpuOf(spec.containers[0])}`).toSorted()
  await expect.poll(look, PATIENCE).toEqual(['first 100m', 'first 100m', 'new 500m', 'new 500m'])
})

test('a PodDisruptionBudget is respected, and once it is relaxed, within it all are evicted', async () => {
  const before = firstPods('updater-budget', 10)
  expect(await summaryOf('updater-budget', before)).toMatchObject({ first: 10 })
  await expect.poll(() => updater.metrics(), PATIENCE).toMatch(/vpa_updater_decisions_total\{decision="nothing",why="blocked"\} [1-9]/)
  await merge(`${BUDGET}/all`, { spec: { minAvailable: 8 } })
  await expect.poll(async () => (await summaryOf('updater-budget', before)).first, PATIENCE).toBe(0)
  expect(fewestOf('updater-budget')).toBeGreaterThanOrEqual(8)
})

test('a startup boost is given at admission, and taken back in place', async () => {
  const vpa = { updatePolicy: { updateMode: 'Initial' }, startupBoost: { cpu: { type: 'Factor', factor: 3, durationSeconds: 4 } } }
  await post('/api/v1/namespaces', { metadata: { name: 'updater-boost' } })
  await arrangeOwners('updater-boost', ['Deployment'], 0, podTemplate({ title: '', becomes: 'resized' }, {}))
  await arrangeVpa('updater-boost', 'Deployment', { vpa })
  // Until the admission controller knows the VPA, pods come without it.
  await expect.poll(() => boostedCpu(), PATIENCE).toBe('1500m')
  await merge(`${pathOf('Deployment', 'updater-boost')}/web`, { spec: { replicas: 2 } })
  await expect.poll(async () => (await summaryOf('updater-boost', [])).given, PATIENCE).toEqual(['500m', '500m'])
  const states = history.states('updater-boost')
  expect(states.map((pod) => [cpuOf(pod[0].containers[0]), cpuOf(pod.at(-1)?.containers[0])])).toEqual([['1500m', '500m'], ['1500m', '500m']])
  await expect.poll(async () => (await podsOf('updater-boost')).flatMap(({ metadata }) => Object.keys(metadata.annotations ?? {}).filter((key) => key.startsWith('vpaCpuStartupBoost'))), PATIENCE).toEqual([])
})

test('why pods are left alone is told on their VPA', async () => {
  expect(await told('two pods whose VPA asks for three')).toEqual(['2 pods should be updated and are left alone: their group has fewer pods than minReplicas asks for.'])
  expect(await told('pods that must grow and may only shrink')).toEqual(['2 pods should be updated and are left alone: evictionRequirements do not allow the change.'])
  expect(await told('InPlace, and the pods would become')).toEqual(['2 pods should be updated and are left alone: the resize would change their QoS class, which only a new pod can have.'])
})

interface RawEvent {
  readonly reason: string
  readonly message: string
  readonly involvedObject: { readonly kind: string; readonly uid: string }
}

async function eventsOf(namespace: string): Promise<readonly RawEvent[]> {
  return (await client.request<{ items: RawEvent[] }>({ path: `/api/v1/namespaces/${namespace}/events` })).items
}

async function told(title: string): Promise<readonly string[]> {
  const events = await eventsOf(namespaceOf(CASES.find((item) => item.title.startsWith(title))!))
  return events.filter(({ reason, involvedObject }) => reason === 'PodsLeftAlone' && involvedObject.kind === 'VerticalPodAutoscaler').map(({ message }) => message)
}

async function boostedCpu(): Promise<string> {
  const { spec } = podTemplate({ title: '', becomes: 'resized' }, {})
  const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'none', controller: true }
  const body = { metadata: { generateName: 'try-', labels: LABELS, ownerReferences: [owner] }, spec }
  const made = await client.request<RawPod>({ method: 'POST', path: '/api/v1/namespaces/updater-boost/pods', query: { dryRun: 'All' }, body })
  return cpuOf(made.spec.containers[0])
}
