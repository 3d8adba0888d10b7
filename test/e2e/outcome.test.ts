import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '@vpa/kube/client.ts'
import { systemClock } from '@vpa/kube/clock.ts'
import { openClient } from '@vpa/kube/connect.ts'
import { renewStatusLease } from '@vpa/kube/lease.ts'
import { Registry } from 'prom-client'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { Api } from '../../hack/demo/api.ts'
import { openClusterOf } from '../../hack/demo/current-cluster.ts'
import type { DemoCluster } from '../../hack/demo/demo-cluster.ts'
import { Program } from '../support/program.ts'
import { forgetAdmissionController, kubeconfig } from './control-plane.ts'

const WORKLOADS = 8
const VPAS = (namespace: string) => `/apis/autoscaling.k8s.io/v1/namespaces/${namespace}/verticalpodautoscalers`

let cluster: DemoCluster
let client: Client
let updater: Program | undefined
let namespace: string

beforeAll(async () => {
  cluster = await openClusterOf(await Api.open(kubeconfig), kubeconfig)
  client = await openClient({ kubeconfig, source: 'e2e', qps: 0, burst: 0, clock: systemClock, registry: new Registry() })
})

afterAll(async () => {
  await forgetAdmissionController(client)
  await client.close()
  await cluster.close()
})

/** Workloads out of their range, a lease that says all is well, and nobody who changes new pods. */
beforeEach(async ({ task }) => {
  namespace = `outcome-${task.id.replaceAll(/[^a-z0-9]/g, '')}`
  await client.request({ method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name: namespace } } })
  // The first call makes the lease, the second renews it.
  for (const _ of ['make', 'renew']) await renewStatusLease(client, { namespace: 'kube-system', name: 'vpa-admission-controller', holder: 'e2e', duration: 10_000 }, Date.now())
  for (let index = 0; index < WORKLOADS; index += 1) await workload(`web-${index}`)
  for (let tries = 0; (await pods()).filter(({ status }) => status.phase === 'Running').length < 2 * WORKLOADS; tries += 1) {
    if (tries === 100) throw new Error('the pods did not run within 20 s')
    await sleep(200)
  }
})

afterEach(async () => {
  await updater?.stop()
  await client.request({ method: 'DELETE', path: `/api/v1/namespaces/${namespace}` })
})

async function workload(name: string): Promise<void> {
  const labels = { app: name }
  const container = { name: 'app', image: 'none', resources: { requests: { cpu: '100m' } } }
  const spec = { replicas: 2, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 0, containers: [container] } } }
  await client.request({ method: 'POST', path: `/apis/apps/v1/namespaces/${namespace}/deployments`, body: { metadata: { name }, spec } })
  const vpa = { apiVersion: 'autoscaling.k8s.io/v1', kind: 'VerticalPodAutoscaler', metadata: { name }, spec: { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name }, updatePolicy: { updateMode: 'Recreate' } } }
  await client.request({ method: 'POST', path: VPAS(namespace), body: vpa })
  const amounts = { cpu: '500m' }
  const status = { recommendation: { containerRecommendations: [{ containerName: 'app', target: amounts, lowerBound: amounts, upperBound: amounts }] } }
  await client.request({ method: 'PATCH', path: `${VPAS(namespace)}/${name}/status`, patch: 'merge', body: { status } })
}

async function pods(): Promise<readonly { metadata: { uid: string }; status: { phase: string } }[]> {
  return (await client.request<{ items: { metadata: { uid: string }; status: { phase: string } }[] }>({ path: `/api/v1/namespaces/${namespace}/pods` })).items
}

function startUpdater(...flags: string[]): void {
  updater = new Program('updater', cluster.programs.updater, ['--updater-interval=2s', ...flags])
}

/** How many of the first pods are still there, and how many have ever come. */
async function countEvictions(milliseconds: number): Promise<number> {
  const seen = new Set<string>()
  for (const end = Date.now() + milliseconds; Date.now() < end; await sleep(200)) for (const { metadata } of await pods()) seen.add(metadata.uid)
  return seen.size - 2 * WORKLOADS
}

test('a webhook that changes nothing: a handful of pods are evicted, then nothing more, and the VPAs say why', async () => {
  startUpdater()
  const evictions = await countEvictions(25_000)
  expect(evictions).toBeGreaterThanOrEqual(1)
  expect(evictions).toBeLessThanOrEqual(5)
  const { items } = await client.request<{ items: { status: { conditions?: { type: string; status: string; reason: string; message: string }[] } }[] }>({ path: VPAS(namespace) })
  const told = items.flatMap(({ status }) => status.conditions ?? []).filter(({ type }) => type === 'ApplyFailed')
  expect(told.length).toBeGreaterThanOrEqual(1)
  expect(told[0]).toMatchObject({ status: 'True', reason: 'NotAdmitted', message: expect.stringContaining('does not have what is recommended') as string })
})

test('the same without looking, as the Go implementation does: evictions go on and on', async () => {
  startUpdater('--verify-outcome=false')
  expect(await countEvictions(15_000)).toBeGreaterThan(2 * WORKLOADS)
})
