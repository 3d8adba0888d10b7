import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Sandbox, startSandbox } from '@vpa/sandbox/sandbox.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Program } from '../../test/support/program.ts'

const TARGET = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'kong-kong' }
const LIMIT_RANGE = { type: 'Container', max: { cpu: '800m' } }

let folder: string
let sandbox: Sandbox
let program: Program
const services = new Map<string, number>()

/** The program as it runs in a cluster, asked over TLS for each object that the sandbox is given. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'admission-'))
  sandbox = await startSandbox({ services })
  await writeFile(join(folder, 'kubeconfig'), sandbox.kubeconfig)
  program = new Program('admission-controller', join(folder, 'kubeconfig'), ['--port=0', '--tls-cert-file=/none', '--shutdown-delay=0s', '--status-lease-update-interval=1s'])
  await program.said('Self registration as MutatingWebhook succeeded.')
  services.set('kube-system/vpa-webhook', await program.portOf('Serving admission reviews'))
  await sandbox.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kong' } })
  const template = { metadata: { labels: { app: 'kong' } }, spec: { containers: [{ name: 'proxy', image: 'kong' }] } }
  await sandbox.apply({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'kong-kong', namespace: 'kong' }, spec: { replicas: 0, selector: { matchLabels: { app: 'kong' } }, template } })
})

afterAll(async () => {
  await program.stop('SIGKILL')
  await sandbox.stop()
  await rm(folder, { recursive: true })
})

const vpa = (spec: object) => ({ apiVersion: 'autoscaling.k8s.io/v1', kind: 'VerticalPodAutoscaler', metadata: { name: 'kong-vpa', namespace: 'kong' }, spec: { targetRef: TARGET, ...spec } })

async function newPod(): Promise<{ annotations: unknown; resources: unknown }> {
  const owner = { ...TARGET, uid: 'u', controller: true }
  const container = { name: 'proxy', image: 'kong', resources: { requests: { cpu: '100m', memory: '200Mi' }, limits: { cpu: '200m', memory: '300Mi' } } }
  const metadata = { generateName: 'kong-', namespace: 'kong', labels: { app: 'kong' }, ownerReferences: [owner] }
  const pod = await sandbox.apply({ apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [container] } })
  const { containers } = (pod as unknown as { spec: { containers: { resources: unknown }[] } }).spec
  return { annotations: pod.metadata.annotations, resources: containers[0]?.resources }
}

test('a VPA object is completed, or refused with the reason', async () => {
  const created = await sandbox.apply(vpa({}))
  expect(created['spec']).toMatchObject({ updatePolicy: { updateMode: 'Recreate' } })
  await expect(sandbox.apply(vpa({ updatePolicy: { updateMode: 'InPlace' } }))).rejects.toThrow(/^admission webhook "vpa\.k8s\.io" denied the request: VerticalPodAutoscaler\.autoscaling\.k8s\.io "kong-vpa" is invalid: spec\.updatePolicy\.updateMode: Forbidden/)
})

test('a new pod gets what is recommended, within the LimitRange of its namespace', async () => {
  const status = { recommendation: { containerRecommendations: [{ containerName: 'proxy', target: { cpu: '548m', memory: '548861636' } }] } }
  const url = `${sandbox.url}/apis/autoscaling.k8s.io/v1/namespaces/kong/verticalpodautoscalers/kong-vpa/status`
  await fetch(url, { method: 'PATCH', headers: { 'content-type': 'application/merge-patch+json' }, body: JSON.stringify({ status }) })
  await expect.poll(newPod).toEqual({
    annotations: {
      vpaObservedContainers: 'proxy',
      vpaUpdates: 'Pod resources updated by kong-vpa: container 0: cpu request, memory request, cpu limit, memory limit',
    },
    resources: { requests: { cpu: '548m', memory: '548861636' }, limits: { cpu: '1096m', memory: '823292454' } },
  })
  await sandbox.apply({ apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'limits', namespace: 'kong' }, spec: { limits: [LIMIT_RANGE] } })
  await expect.poll(newPod).toMatchObject({ resources: { requests: { cpu: '400m' }, limits: { cpu: '800m' } } })
})

test('a webhook configuration that somebody has spoilt is mended', async () => {
  const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/vpa-webhook-config'
  const read = async () => (await (await fetch(`${sandbox.url}${path}`)).json()) as { webhooks: { clientConfig: { caBundle: string } }[] }
  const { webhooks } = await read()
  const spoilt = webhooks.map((webhook) => ({ ...webhook, clientConfig: { ...webhook.clientConfig, caBundle: 'AAAA' } }))
  await fetch(`${sandbox.url}${path}`, { method: 'PATCH', headers: { 'content-type': 'application/merge-patch+json' }, body: JSON.stringify({ webhooks: spoilt }) })
  await expect.poll(async () => (await read()).webhooks).toEqual(webhooks)
})

test('it shows that it is alive, and ends when asked to', async () => {
  expect(sandbox.get('Lease', { namespace: 'kube-system', name: 'vpa-admission-controller' })?.['spec']).toMatchObject({ leaseDurationSeconds: 1 })
  expect(Object.keys((sandbox.get('Secret', { namespace: 'kube-system', name: 'vpa-tls-certs' })?.['data'] ?? {}) as object)).toContain('caCert.pem')
  expect(await program.stop()).toBe(0)
})
