import type { Client } from '@vpa/kube/client.ts'
import { systemClock } from '@vpa/kube/clock.ts'
import { openClient } from '@vpa/kube/connect.ts'
import { Registry } from 'prom-client'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { Api } from '../../hack/demo/api.ts'
import { openClusterOf } from '../../hack/demo/current-cluster.ts'
import type { DemoCluster } from '../../hack/demo/demo-cluster.ts'
import { Program } from '../support/program.ts'
import { forgetAdmissionController, kubeconfig } from './control-plane.ts'

const OWN = { app: 'vpa-admission-controller' }
const OTHER = { app: 'web' }
const CONTROLLER = [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-1', uid: 'u', controller: true }]
let cluster: DemoCluster
let client: Client

beforeAll(async () => {
  cluster = await openClusterOf(await Api.open(kubeconfig), kubeconfig)
  client = await openClient({ kubeconfig, source: 'e2e', qps: 0, burst: 0, clock: systemClock, registry: new Registry() })
  await forgetAdmissionController(client)
})

afterEach(() => forgetAdmissionController(client))

afterAll(async () => {
  await client.close()
  await cluster.close()
})

/** An admission controller that has registered itself and is gone: with policy Fail, what it would be asked about is refused. */
async function registerAndVanish(...flags: string[]): Promise<void> {
  const program = new Program('admission-controller', cluster.programs['admission-controller'], ['--port=0', '--tls-cert-file=/none', '--webhook-failure-policy-fail', ...flags])
  try {
    await program.said('Self registration as MutatingWebhook succeeded.')
  } finally {
    await program.stop('SIGKILL')
  }
}

interface NewPod {
  readonly namespace: string
  readonly labels?: Readonly<Record<string, string>>
  readonly ownerReferences?: readonly object[]
}

async function fateOf({ namespace, labels = OTHER, ownerReferences = CONTROLLER }: NewPod): Promise<'admitted' | 'refused'> {
  const body = { metadata: { generateName: 'web-', labels, ownerReferences }, spec: { containers: [{ name: 'app', image: 'none' }] } }
  try {
    await client.request({ method: 'POST', path: `/api/v1/namespaces/${namespace}/pods`, query: { dryRun: 'All' }, body })
    return 'admitted'
  } catch (error) {
    if (/failed calling webhook "vpa.k8s.io"/.test(String(error))) return 'refused'
    throw error
  }
}

describe.for([
  [
    ['--vpa-object-namespace=kube-system'],
    [
      ['refused', 'a pod of its namespace', { namespace: 'kube-system' }],
      ['admitted', 'our own pod: otherwise nobody would ever answer again', { namespace: 'kube-system', labels: OWN }],
      ['admitted', 'a pod without a controller', { namespace: 'kube-system', ownerReferences: [] }],
      ['admitted', 'a pod of another namespace', { namespace: 'default' }],
    ],
  ],
  [
    ['--ignored-vpa-object-namespaces=kube-public,kube-system'],
    [
      ['refused', 'a pod of any namespace', { namespace: 'default' }],
      ['refused', 'a pod that looks like ours elsewhere', { namespace: 'default', labels: OWN }],
      ['admitted', 'a pod of an ignored namespace', { namespace: 'kube-public' }],
      ['admitted', 'a pod of the other ignored namespace', { namespace: 'kube-system' }],
    ],
  ],
] as const)('with %s, and nobody who answers', ([flags, pods]) => {
  test('the API server asks about exactly the pods that may concern us', async () => {
    await registerAndVanish(...flags)
    // The API server learns of the webhook a moment later.
    await vi.waitFor(async () => expect(await fateOf(pods[0][2])).toBe('refused'), { timeout: 15_000, interval: 250 })
    for (const [fate, title, pod] of pods) expect(`${title}: ${await fateOf(pod)}`).toBe(`${title}: ${fate}`)
  })
})
