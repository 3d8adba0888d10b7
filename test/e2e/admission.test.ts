import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Client } from '@vpa/kube/client.ts'
import { systemClock } from '@vpa/kube/clock.ts'
import { openClient } from '@vpa/kube/connect.ts'
import { Registry } from 'prom-client'
import { Api } from '../../hack/demo/api.ts'
import { openClusterOf } from '../../hack/demo/current-cluster.ts'
import type { DemoCluster } from '../../hack/demo/demo-cluster.ts'
import { freePort } from '../../hack/demo/free-port.ts'
import { Program } from '../support/program.ts'
import { type AdmissionCase, CASES, TARGET } from './admission-cases.ts'
import { forgetAdmissionController, kubeconfig, kubectlEnvironment } from './control-plane.ts'

const NAMESPACE = 'admission'
let cluster: DemoCluster
let client: Client
let program: Program | undefined

/** The admission controller as a process of its own, under its ServiceAccount; every case is an object that the API server admits. */
beforeAll(async () => {
  cluster = await openClusterOf(await Api.open(kubeconfig), kubeconfig)
  client = await openClient({ kubeconfig, source: 'e2e', qps: 0, burst: 0, clock: systemClock, registry: new Registry() })
  const port = await freePort()
  const flags = [`--port=${port}`, '--tls-cert-file=/none', '--register-by-url', '--webhook-address=https://127.0.0.1', `--webhook-port=${port}`, '--shutdown-delay=0s', '--feature-gates=CPUStartupBoost=true', '--max-allowed-cpu-boost=4']
  program = new Program('admission-controller', cluster.programs['admission-controller'], flags)
  await program.said('Self registration as MutatingWebhook succeeded.')
  for (const [index, item] of CASES.entries()) await arrange(`${NAMESPACE}-${index}`, item)
})

afterAll(async () => {
  await program?.stop()
  for (const index of CASES.keys()) await client.request({ method: 'DELETE', path: `/api/v1/namespaces/${NAMESPACE}-${index}` })
  await forgetAdmissionController(client)
  await client.close()
  await cluster.close()
})

const post = (path: string, body: object) => client.request<{ metadata: { uid: string; name: string } }>({ method: 'POST', path, body })

async function arrange(namespace: string, { vpas, limitRange, owners = ['Deployment'] }: AdmissionCase): Promise<void> {
  await post('/api/v1/namespaces', { metadata: { name: namespace } })
  const template = { metadata: { labels: TARGET.labels }, spec: { restartPolicy: 'Always', containers: [{ name: 'proxy', image: 'none' }] } }
  const job = { suspend: true, template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } } }
  const specs: Record<string, [apiVersion: string, spec: object]> = {
    Deployment: ['apps/v1', { replicas: 0, selector: { matchLabels: TARGET.labels }, template }],
    ReplicaSet: ['apps/v1', { replicas: 0, selector: { matchLabels: TARGET.labels }, template }],
    StatefulSet: ['apps/v1', { replicas: 0, serviceName: 'none', selector: { matchLabels: TARGET.labels }, template }],
    DaemonSet: ['apps/v1', { selector: { matchLabels: TARGET.labels }, template: { ...template, spec: { ...template.spec, nodeSelector: { none: 'such' } } } }],
    CronJob: ['batch/v1', { schedule: '0 0 1 1 *', suspend: true, jobTemplate: { spec: job } }],
    // A Job's own selector is by its uid; with a CronJob above it, that is not asked for.
    Job: ['batch/v1', owners.length > 1 ? job : { ...job, manualSelector: true, selector: { matchLabels: TARGET.labels } }],
  }
  let ownerReferences: object[] = []
  for (const kind of owners) {
    const [apiVersion, spec] = specs[kind] ?? ['', {}]
    const { metadata } = await post(`/apis/${apiVersion}/namespaces/${namespace}/${kind.toLowerCase()}s`, { metadata: { name: TARGET.name, labels: TARGET.labels, ownerReferences }, spec })
    ownerReferences = [{ apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true }]
  }
  ownersOf.set(namespace, ownerReferences)
  if (limitRange) await post(`/api/v1/namespaces/${namespace}/limitranges`, { metadata: { name: 'limits' }, spec: { limits: [limitRange] } })
  for (const vpa of vpas) await createVpa(namespace, { apiVersion: specs[owners[0] ?? '']?.[0], kind: owners[0], name: TARGET.name }, vpa)
}

async function createVpa(namespace: string, targetRef: object, { name, spec, recommendation }: AdmissionCase['vpas'][number]): Promise<void> {
  const path = `/apis/autoscaling.k8s.io/v1/namespaces/${namespace}/verticalpodautoscalers`
  await post(path, { apiVersion: 'autoscaling.k8s.io/v1', kind: 'VerticalPodAutoscaler', metadata: { name }, spec: { targetRef, ...spec } })
  const status = recommendation && { recommendation: { containerRecommendations: [{ containerName: 'proxy', target: recommendation }] } }
  if (status) await client.request({ method: 'PATCH', path: `${path}/${name}/status`, patch: 'merge', body: { status } })
}

const ownersOf = new Map<string, object[]>()

/** What the API server would make of the pod: webhooks are called, nothing is kept. */
async function admitted(namespace: string, { pod = {}, container = {} }: Pick<AdmissionCase, 'pod' | 'container'>): Promise<object> {
  const metadata = { generateName: 'web-', labels: TARGET.labels, ownerReferences: ownersOf.get(namespace), ...pod.metadata }
  const body = { metadata, spec: { containers: [{ name: 'proxy', image: 'none', ...container }], ...pod.spec } }
  const made = await client.request<{ metadata: { annotations?: object }; spec: { containers: { resources: object }[]; initContainers?: { resources: object }[] } }>({
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/pods`,
    query: { dryRun: 'All' },
    body,
  })
  return { resources: made.spec.containers[0]?.resources, annotations: made.metadata.annotations ?? {}, init: made.spec.initContainers?.[0]?.resources }
}

test('the last case is known; then all are, because each kind is watched in order', async () => {
  const last = CASES.length - 1
  await expect.poll(() => admitted(`${NAMESPACE}-${last}`, CASES[last]!), { timeout: 30_000, interval: 250 }).toMatchObject(CASES[last]!.becomes)
})

test.for(CASES.map((item, index) => [item.title, item, index] as const))('%s', async ([, item, index]) => {
  expect(await admitted(`${NAMESPACE}-${index}`, item)).toMatchObject(item.becomes)
})

describe('a custom resource with a scale subresource', () => {
  const crd = 'widgets.admission.example.com'
  const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
  const base = `/apis/admission.example.com/v1/namespaces/${NAMESPACE}-0`
  beforeAll(async () => {
    const properties = { spec: { type: 'object', properties: { replicas: { type: 'integer' } } }, status: { type: 'object', properties: { replicas: { type: 'integer' }, selector: { type: 'string' } } } }
    const scale = { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.status.selector' }
    const version = { name: 'v1', served: true, storage: true, subresources: { scale }, schema: { openAPIV3Schema: { type: 'object', properties } } }
    const names = { kind: 'Widget', listKind: 'WidgetList', plural: 'widgets', singular: 'widget' }
    await post(crds, { metadata: { name: crd }, spec: { group: 'admission.example.com', scope: 'Namespaced', names, versions: [version] } })
    const widget = { apiVersion: 'admission.example.com/v1', kind: 'Widget', metadata: { name: 'gear' }, spec: { replicas: 1 }, status: { replicas: 1, selector: 'app=widget' } }
    const { metadata } = await vi.waitFor(() => post(`${base}/widgets`, widget), { timeout: 20_000, interval: 250 })
    ownersOf.set(`${NAMESPACE}-0`, [{ apiVersion: widget.apiVersion, kind: 'Widget', name: 'gear', uid: metadata.uid, controller: true }])
    await createVpa(`${NAMESPACE}-0`, { apiVersion: widget.apiVersion, kind: 'Widget', name: 'gear' }, { name: 'widget', spec: { updatePolicy: { updateMode: 'Recreate' } }, recommendation: { cpu: '700m' } })
  })
  afterAll(() => client.request({ method: 'DELETE', path: `${crds}/${crd}` }))

  test('may be the target of a VPA: its selector is read beforehand', async () => {
    await expect.poll(() => admitted(`${NAMESPACE}-0`, podWith('widget')), { timeout: 30_000, interval: 250 }).toMatchObject({ resources: { requests: { cpu: '700m' } } })
    expect(await admitted(`${NAMESPACE}-0`, podWith('other'))).toEqual({ resources: {}, annotations: {}, init: undefined })
  })
})

const podWith = (app: string) => ({ pod: { metadata: { labels: { app } } } })

function apply(spec: object) {
  const manifest = JSON.stringify({ apiVersion: 'autoscaling.k8s.io/v1', kind: 'VerticalPodAutoscaler', metadata: { name: 'bad', namespace: `${NAMESPACE}-0` }, spec: { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, ...spec } })
  return promisify(execFile)('bash', ['-c', `kubectl apply --dry-run=server -f - <<'JSON'\n${manifest}\nJSON`], { env: { ...process.env, ...kubectlEnvironment } })
}

const policy = (fields: object) => ({ resourcePolicy: { containerPolicies: [{ containerName: 'proxy', ...fields }] } })

describe('kubectl apply refuses', () => {
  test.for([
    ['minReplicas 0', { updatePolicy: { updateMode: 'Recreate', minReplicas: 0 } }, /minReplicas.*(has to be positive|greater than or equal to 1)/],
    ['an unknown mode', { updatePolicy: { updateMode: 'Sometimes' } }, /Unsupported value: "Sometimes"/],
    ['a policy without mode', { updatePolicy: {} }, /updateMode is required if UpdatePolicy is used/],
    ['mode InPlace without its gate', { updatePolicy: { updateMode: 'InPlace' } }, /you must enable feature gate InPlace/],
    ['a maximum below the minimum', policy({ minAllowed: { cpu: '2' }, maxAllowed: { cpu: '1' } }), /max resource for cpu is lower than min/],
    ['a fraction of a millicore', policy({ minAllowed: { cpu: '1500u' } }), /must be a whole number of milli CPUs/],
    ['limits to control in a container that is off', policy({ mode: 'Off', controlledValues: 'RequestsAndLimits' }), /controlledValues shouldn't be specified if container scaling mode is off/],
    ['two recommenders', { recommenders: [{ name: 'a' }, { name: 'b' }] }, /must have at most 1 item/],
    ['a per-VPA field without its gate', policy({ oomBumpUpRatio: '1.5' }), /not supported when feature flag PerVPAConfig is disabled/],
  ] as const)('%s', async ([, spec, message]) => {
    await expect(apply(spec)).rejects.toThrow(message)
  })
})
