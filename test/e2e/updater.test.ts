import { type ResourceList, formatQuantity } from '@vpa/core/quantity.ts'
import type { Client } from '@vpa/kube/client.ts'
import { systemClock } from '@vpa/kube/clock.ts'
import type { Cluster } from '@vpa/kube/cluster.ts'
import { connect, openClient } from '@vpa/kube/connect.ts'
import { renewStatusLease } from '@vpa/kube/lease.ts'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Api } from '../../hack/demo/api.ts'
import { openClusterOf } from '../../hack/demo/current-cluster.ts'
import type { DemoCluster } from '../../hack/demo/demo-cluster.ts'
import { freePort } from '../../hack/demo/free-port.ts'
import { PodHistory } from '../support/pod-history.ts'
import { silentLog } from '../support/recorded-log.ts'
import { forgetAdmissionController, kubeconfig } from './control-plane.ts'
import { Program } from '../support/program.ts'
import { CASES, type UpdaterCase } from './updater-cases.ts'
import { LABELS, PATIENCE, type RawPod, UpdaterWorkloads, isRunning, isScheduled, pathOfOwner, podTemplate } from './updater-workloads.ts'

const LEASE = { namespace: 'kube-system', name: 'vpa-admission-controller', holder: 'e2e', duration: 10_000 }
const GATES = '--feature-gates=InPlace=true,CPUStartupBoost=true'
const namespaceOf = (item: UpdaterCase) => `updater-${CASES.indexOf(item)}`

let demo: DemoCluster
let client: Client
let workloads: UpdaterWorkloads
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
  workloads = new UpdaterWorkloads(client)
  await forgetAdmissionController(client)
  await renewStatusLease(client, LEASE, Date.now())
  await workloads.createGears()
  await Promise.all([...CASES.map((item) => workloads.arrange(namespaceOf(item), item)), arrangePending(), arrangeBudget()])
  cluster = await connect({ ...connection, registry: new Registry(), ignoredNamespaces: [], log: silentLog, signal: watching.signal, watch: { pods: { fieldSelector: 'spec.nodeName!=' } } })
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

/** Two of four pods are scheduled and do not start. */
async function arrangePending(): Promise<void> {
  await workloads.arrange('updater-pending', { title: '', owners: ['ReplicaSet'], becomes: 'evicted' }, { 'vpa-test/stays': 'pending' }, isScheduled)
  const [first, second] = await workloads.podsOf('updater-pending')
  for (const pod of [first!, second!]) await workloads.merge(`/api/v1/namespaces/updater-pending/pods/${pod.metadata.name}`, { metadata: { annotations: { 'vpa-test/stays': null } } })
  await workloads.arrived('updater-pending', 2, isRunning)
}

const BUDGET = '/apis/policy/v1/namespaces/updater-budget/poddisruptionbudgets'

/** Ten pods, and all of them are needed. */
async function arrangeBudget(): Promise<void> {
  await workloads.post('/api/v1/namespaces', { metadata: { name: 'updater-budget' } })
  await workloads.post(BUDGET, { metadata: { name: 'all' }, spec: { minAvailable: 10, selector: { matchLabels: LABELS } } })
  const template = podTemplate({ title: '', becomes: 'evicted' })
  await workloads.arrangeOwners('updater-budget', ['Deployment'], 10, template)
  await workloads.arrived('updater-budget', 10, isRunning)
  await workloads.arrangeVpa('updater-budget', 'Deployment', {})
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
  const pods = await workloads.podsOf(namespace)
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
    await workloads.operate()
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
  const look = async () => (await workloads.podsOf('updater-pending')).map(({ metadata, spec }) => `${running.includes(metadata.uid) ? 'first' : 'new'} ${cpuOf(spec.containers[0])}`).toSorted()
  await expect.poll(look, PATIENCE).toEqual(['first 100m', 'first 100m', 'new 500m', 'new 500m'])
})

test('a PodDisruptionBudget is respected, and once it is relaxed, within it all are evicted', async () => {
  const before = firstPods('updater-budget', 10)
  expect(await summaryOf('updater-budget', before)).toMatchObject({ first: 10 })
  await expect.poll(() => updater.metrics(), PATIENCE).toMatch(/vpa_updater_decisions_total\{decision="nothing",why="blocked"\} [1-9]/)
  await workloads.merge(`${BUDGET}/all`, { spec: { minAvailable: 8 } })
  await expect.poll(async () => (await summaryOf('updater-budget', before)).first, PATIENCE).toBe(0)
  expect(fewestOf('updater-budget')).toBeGreaterThanOrEqual(8)
})

test('a startup boost is given at admission, and taken back in place', async () => {
  const vpa = { updatePolicy: { updateMode: 'Initial' }, startupBoost: { cpu: { type: 'Factor', factor: 3, durationSeconds: 4 } } }
  await workloads.post('/api/v1/namespaces', { metadata: { name: 'updater-boost' } })
  await workloads.arrangeOwners('updater-boost', ['Deployment'], 0, podTemplate({ title: '', becomes: 'resized' }))
  await workloads.arrangeVpa('updater-boost', 'Deployment', { vpa })
  // Until the admission controller knows the VPA, pods come without it.
  await expect.poll(() => boostedCpu(), PATIENCE).toBe('1500m')
  await workloads.merge(`${pathOfOwner('Deployment', 'updater-boost')}/web`, { spec: { replicas: 2 } })
  await expect.poll(async () => (await summaryOf('updater-boost', [])).given, PATIENCE).toEqual(['500m', '500m'])
  const states = history.states('updater-boost')
  expect(states.map((pod) => [cpuOf(pod[0].containers[0]), cpuOf(pod.at(-1)?.containers[0])])).toEqual([['1500m', '500m'], ['1500m', '500m']])
  await expect.poll(async () => (await workloads.podsOf('updater-boost')).flatMap(({ metadata }) => Object.keys(metadata.annotations ?? {}).filter((key) => key.startsWith('vpaCpuStartupBoost'))), PATIENCE).toEqual([])
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
  const { spec } = podTemplate({ title: '', becomes: 'resized' })
  const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'none', controller: true }
  const body = { metadata: { generateName: 'try-', labels: LABELS, ownerReferences: [owner] }, spec }
  const made = await client.request<RawPod>({ method: 'POST', path: '/api/v1/namespaces/updater-boost/pods', query: { dryRun: 'All' }, body })
  return cpuOf(made.spec.containers[0])
}
