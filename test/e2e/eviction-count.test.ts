import type { Client } from '@vpa/kube/client.ts'
import { systemClock } from '@vpa/kube/clock.ts'
import { openClient } from '@vpa/kube/connect.ts'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Api } from '../../hack/demo/api.ts'
import { openClusterOf } from '../../hack/demo/current-cluster.ts'
import type { DemoCluster } from '../../hack/demo/demo-cluster.ts'
import { Program } from '../support/program.ts'
import { kubeconfig } from './control-plane.ts'

const PATIENCE = { timeout: 90_000, interval: 200 }
const NAMESPACE = 'eviction-count'
const VPAS = `/apis/autoscaling.k8s.io/v1/namespaces/${NAMESPACE}/verticalpodautoscalers`

/** With half of a group tolerated to be away: pods, and how many of them one loop evicts. */
const GROUPS = [
  { kind: 'ReplicaSet', pods: 1, evicted: 0 },
  { kind: 'ReplicaSet', pods: 2, evicted: 1 },
  { kind: 'ReplicaSet', pods: 3, evicted: 1 },
  { kind: 'ReplicaSet', pods: 4, evicted: 2 },
  { kind: 'ReplicaSet', pods: 5, evicted: 2 },
  { kind: 'ReplicaSet', pods: 10, evicted: 5 },
  { kind: 'StatefulSet', pods: 4, evicted: 2 },
] as const
const PODS = GROUPS.reduce((sum, { pods }) => sum + pods, 0)

let demo: DemoCluster
let client: Client
let updater: Program | undefined

beforeAll(async () => {
  demo = await openClusterOf(await Api.open(kubeconfig), kubeconfig)
  client = await openClient({ kubeconfig, source: 'e2e', qps: 0, burst: 0, clock: systemClock, registry: new Registry() })
  await client.request({ method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name: NAMESPACE } } })
  await Promise.all(GROUPS.map(arrange))
  await allRun()
})

afterAll(async () => {
  await updater?.stop()
  await client.request({ method: 'DELETE', path: `/api/v1/namespaces/${NAMESPACE}` })
  await client.close()
  await demo.close()
})

async function arrange({ kind, pods }: (typeof GROUPS)[number]): Promise<void> {
  const name = nameOf({ kind, pods })
  const labels = { app: name }
  const template = { metadata: { labels }, spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'app', image: 'none', resources: { requests: { cpu: '100m' } } }] } }
  const ofStatefulSet = { serviceName: 'none', podManagementPolicy: 'Parallel' }
  const spec = { replicas: pods, selector: { matchLabels: labels }, template, ...(kind === 'StatefulSet' && ofStatefulSet) }
  await client.request({ method: 'POST', path: `/apis/apps/v1/namespaces/${NAMESPACE}/${kind.toLowerCase()}s`, body: { metadata: { name }, spec } })
  const targetRef = { apiVersion: 'apps/v1', kind, name }
  await client.request({ method: 'POST', path: VPAS, body: { apiVersion: 'autoscaling.k8s.io/v1', kind: 'VerticalPodAutoscaler', metadata: { name }, spec: { targetRef, updatePolicy: { updateMode: 'Recreate' } } } })
  const amounts = { cpu: '500m' }
  const status = { recommendation: { containerRecommendations: [{ containerName: 'app', target: amounts, lowerBound: amounts, upperBound: amounts }] } }
  await client.request({ method: 'PATCH', path: `${VPAS}/${name}/status`, patch: 'merge', body: { status } })
}

function nameOf({ kind, pods }: { readonly kind: string; readonly pods: number }): string {
  return `${kind.toLowerCase()}-of-${pods}`
}

interface RawPod {
  readonly metadata: { readonly uid: string; readonly labels: Readonly<Record<string, string>>; readonly deletionTimestamp?: string }
  readonly status: { readonly phase: string }
}

async function pods(): Promise<readonly RawPod[]> {
  const { items } = await client.request<{ items: RawPod[] }>({ path: `/api/v1/namespaces/${NAMESPACE}/pods` })
  return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
}

function allRun(): Promise<void> {
  return vi.waitFor(async () => expect((await pods()).filter(({ status }) => status.phase === 'Running')).toHaveLength(PODS), PATIENCE)
}

test('one loop evicts exactly as many pods of each group as it can spare', async () => {
  const first = await pods()
  // Who elects a leader begins at once; the next loop is far away.
  const flags = ['--leader-elect', '--updater-interval=1h', `--vpa-object-namespace=${NAMESPACE}`, '--use-admission-controller-status=false', '--verify-outcome=false']
  updater = new Program('updater', demo.programs.updater, flags)
  await expect.poll(() => updater?.metrics(), PATIENCE).toContain('vpa_updater_execution_latency_seconds_count{step="total"} 1\n')
  const left = new Set((await pods()).map(({ metadata }) => metadata.uid))
  const evicted = GROUPS.map((group) => {
    const gone = first.filter(({ metadata }) => metadata.labels['app'] === nameOf(group) && !left.has(metadata.uid))
    return { ...group, evicted: gone.length }
  })
  expect(evicted).toEqual(GROUPS)
})
