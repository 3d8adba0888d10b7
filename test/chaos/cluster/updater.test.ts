import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Client } from '@vpa/kube/client.ts'
import { systemClock } from '@vpa/kube/clock.ts'
import type { Cluster } from '@vpa/kube/cluster.ts'
import { connect, openClient } from '@vpa/kube/connect.ts'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Api } from '../../../hack/demo/api.ts'
import { openClusterOf } from '../../../hack/demo/current-cluster.ts'
import type { DemoCluster } from '../../../hack/demo/demo-cluster.ts'
import { PodHistory } from '../../support/pod-history.ts'
import { Program } from '../../support/program.ts'
import { silentLog } from '../../support/recorded-log.ts'

const GROUPS = 30
const REPLICAS = 4
const PATIENCE = { timeout: 200_000, interval: 200 }
const NAMESPACE = 'chaos'

let directory: string
let demo: DemoCluster
let client: Client
let cluster: Cluster
let updater: Program | undefined
const watching = new AbortController()

/** A control plane of its own, because its API server is killed. */
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'chaos-'))
  await controlPlane('start')
  const kubeconfig = (await controlPlane('kubeconfig')).trim()
  demo = await openClusterOf(await Api.open(kubeconfig), kubeconfig)
  const connection = { kubeconfig, source: 'chaos', qps: 0, burst: 0, clock: systemClock, registry: new Registry() }
  client = await openClient(connection)
  await client.request({ method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name: NAMESPACE } } })
  await Promise.all(Array.from({ length: GROUPS }, (_, index) => arrange(`web-${index}`)))
  cluster = await connect({ ...connection, registry: new Registry(), ignoredNamespaces: [], log: silentLog, signal: watching.signal, watch: { pods: { fieldSelector: '' } } })
  await cluster.synced()
})

afterAll(async () => {
  await updater?.stop()
  watching.abort()
  await cluster?.stop()
  await client?.close()
  await demo?.close()
  await controlPlane('stop')
  await rm(directory, { recursive: true })
})

async function controlPlane(command: 'start' | 'restart-api-server' | 'kubeconfig' | 'stop'): Promise<string> {
  return (await promisify(execFile)('bash', ['hack/control-plane/control-plane.sh', command, '--dir', join(directory, 'control-plane')])).stdout
}

/** Pods with too little, a ReplicaSet whose next pods come as a webhook would make them, and a VPA. */
async function arrange(name: string): Promise<void> {
  const path = `/apis/apps/v1/namespaces/${NAMESPACE}/replicasets`
  const labels = { app: name }
  const template = (cpu: string) => ({ metadata: { labels, annotations: { vpaUpdates: `Pod resources updated by ${name}: container 0: cpu request` } }, spec: { containers: [{ name: 'app', image: 'none', resources: { requests: { cpu } } }] } })
  await client.request({ method: 'POST', path, body: { metadata: { name }, spec: { replicas: REPLICAS, selector: { matchLabels: labels }, template: template('100m') } } })
  const running = async () => (await pods()).filter(({ metadata, status }) => metadata.labels['app'] === name && status.phase === 'Running')
  await vi.waitFor(async () => expect(await running()).toHaveLength(REPLICAS), PATIENCE)
  await client.request({ method: 'PATCH', path: `${path}/${name}`, patch: 'merge', body: { spec: { template: template('500m') } } })

  const vpas = `/apis/autoscaling.k8s.io/v1/namespaces/${NAMESPACE}/verticalpodautoscalers`
  const targetRef = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name }
  await client.request({ method: 'POST', path: vpas, body: { apiVersion: 'autoscaling.k8s.io/v1', kind: 'VerticalPodAutoscaler', metadata: { name }, spec: { targetRef, updatePolicy: { updateMode: 'Recreate' } } } })
  const amounts = { cpu: '500m' }
  const status = { recommendation: { containerRecommendations: [{ containerName: 'app', target: amounts, lowerBound: amounts, upperBound: amounts }] } }
  await client.request({ method: 'PATCH', path: `${vpas}/${name}/status`, patch: 'merge', body: { status } })
}

interface RawPod {
  readonly metadata: { readonly uid: string; readonly labels: Readonly<Record<string, string>> }
  readonly spec: { readonly containers: readonly { readonly resources: { readonly requests: { readonly cpu: string } } }[] }
  readonly status: { readonly phase: string }
}

async function pods(): Promise<readonly RawPod[]> {
  return (await client.request<{ items: RawPod[] }>({ path: `/api/v1/namespaces/${NAMESPACE}/pods` })).items
}

async function evictedUids(): Promise<readonly string[]> {
  const { items } = await client.request<{ items: { reason: string; involvedObject: { uid: string } }[] }>({ path: `/api/v1/namespaces/${NAMESPACE}/events` })
  return items.filter(({ reason }) => reason === 'EvictedByVPA').map(({ involvedObject }) => involvedObject.uid)
}

test('an API server that is killed and comes back in the middle of a loop: the updater goes on, and no group loses more than it can spare', async () => {
  const first = new Set((await pods()).map(({ metadata }) => metadata.uid))
  const history = new PodHistory(cluster)
  updater = new Program('updater', demo.programs.updater, ['--updater-interval=2s', '--use-admission-controller-status=false', '--verify-outcome=false', '--eviction-rate-limit=20'])
  const evicting = () => updater?.logged('Evicting pod').length ?? 0
  await vi.waitFor(() => expect(evicting()).toBeGreaterThan(10), PATIENCE)
  // In the middle of it: more than may be left at the end.
  expect(first.size - evicting()).toBeGreaterThan(GROUPS)
  await controlPlane('restart-api-server')

  // One of most groups may be left: what was under way then, and may have been done, is not tried again for two minutes.
  const left = async () => (await pods().catch(() => [])).filter(({ metadata, spec }) => first.has(metadata.uid) || spec.containers[0]?.resources.requests.cpu === '100m').length
  await vi.waitFor(async () => expect(await left()).toBeLessThanOrEqual(GROUPS), PATIENCE)
  expect(Math.min(...history.fewest.values())).toBeGreaterThanOrEqual(REPLICAS / 2)
  const evicted = await evictedUids()
  expect(new Set(evicted).size).toBe(evicted.length)
  expect(evicted.filter((uid) => !first.has(uid))).toEqual([])
})
