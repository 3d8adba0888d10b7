import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { VPAS, objectPath } from '@vpa/kube/resources.ts'
import { type Admin, forEach } from './admin.ts'
import type { Bench } from './bench.ts'
import { openControlPlane } from './control-plane.ts'
import type { LoadResult } from './load.ts'
import type { BenchOptions } from './options.ts'
import { freePort } from '../../hack/demo/free-port.ts'
import { type MeasuredProgram, run, until } from './measured-program.ts'
import { type Figure, type Report, median } from './report.ts'
import { type Side, Trio } from './trio.ts'
import { namespaceManifest, vpaManifest, workloadManifest } from './workload.ts'

interface Measured extends LoadResult {
  readonly cpuMsPerThousand: number
}

/** A program that answers, and how to ask it. */
interface Webhook {
  readonly program: MeasuredProgram
  readonly port: number
  readonly ca: string
  readonly review: string
}

type Webhooks = ReadonlyMap<Side, Webhook>

const NAMESPACE = 'bench'
const CONNECTIONS = [1, 16]

/**
 * The Go admission controller and ours under the same load: an AdmissionReview of about 2 KB, by TLS connections that
 * stay open, with VPAs of a real API server in one namespace.
 *
 * Both run all the time and are asked in turns; figures are medians over the rounds. On few cores the load generator takes
 * its share of them, of both alike; CPU time per request does not depend on that.
 */
export async function benchAdmission(bench: Bench, options: BenchOptions, report: Report): Promise<void> {
  const { kubeconfig, admin, directory } = await openControlPlane(bench, { nodes: 1, metricResolutionSeconds: 60, keep: options.keep })
  const trio = await Trio.open(bench, { kubeconfig, directory })
  const review = join(directory, 'review.json')
  await writeFile(review, JSON.stringify(admissionReview()))
  await admin.create(namespaceManifest(NAMESPACE))
  let created = 0
  for (const size of options.sizes) {
    bench.say(`admission: ${size} VPAs`)
    await createVpas(admin, created, size)
    created = size
    const webhooks = await openWebhooks(trio, directory, review)
    await compareAnswers(report, webhooks, size)
    await measure(webhooks, { bench, report, size, ...options })
    for (const { program } of webhooks.values()) await program.stop()
  }
}

async function createVpas(admin: Admin, from: number, to: number): Promise<void> {
  await forEach(Array.from({ length: to - from }, (_, index) => from + index), async (index) => {
    const workload = { namespace: NAMESPACE, name: `web-${index}`, kind: 'ReplicaSet', replicas: 0, containers: ['app'], requests: { cpu: '100m', memory: '128Mi' }, usage: { cpuMillicores: 100, memoryBytes: 1e8 } } as const
    const name = `vpa-${index}`
    await admin.create(workloadManifest(workload))
    await admin.create(vpaManifest(workload, name, { updatePolicy: { updateMode: 'Initial' } }))
    const amounts = { cpu: `${200 + (index % 300)}m`, memory: `${300 + (index % 200)}Mi` }
    const recommendation = { containerRecommendations: [{ containerName: 'app', target: amounts, lowerBound: amounts, upperBound: amounts, uncappedTarget: amounts }] }
    await admin.request({ method: 'PATCH', path: `${objectPath(VPAS, { namespace: NAMESPACE, name })}/status`, patch: 'merge', body: { status: { recommendation } } })
  })
}

/** All with the same certificate: one of the control plane's that is made for 127.0.0.1. */
async function openWebhooks(trio: Trio, directory: string, review: string): Promise<Webhooks> {
  const pki = join(directory, 'control-plane', 'pki')
  const ca = join(pki, 'ca.crt')
  const webhooks = new Map<Side, Webhook>()
  for (const side of trio.sides) {
    const port = await freePort()
    const flags = { port, 'register-webhook': false, 'client-ca-file': ca, 'tls-cert-file': join(pki, 'kubelet.crt'), 'tls-private-key': join(pki, 'kubelet.key'), 'status-lease-name': `admission-${side}` }
    const webhook = { program: await trio.start(side, 'admission-controller', flags), port, ca, review }
    await until(`${side} serves`, 60_000, async () => (webhook.program.check(), (await ask(webhook)) !== undefined))
    webhooks.set(side, webhook)
  }
  return webhooks
}

interface Operation {
  readonly op: string
  readonly path: string
  readonly value: unknown
}

/** The JSON patch that the program answers with; undefined if it does not answer. */
async function ask({ ca, review, port }: Webhook): Promise<readonly Operation[] | undefined> {
  const { code, output } = await run('curl', ['--silent', '--cacert', ca, '--header', 'content-type: application/json', '--data-binary', `@${review}`, `https://127.0.0.1:${port}/`])
  if (code !== 0) return undefined
  const { response } = JSON.parse(output) as { response: { patch?: string } }
  return response.patch === undefined ? [] : (JSON.parse(Buffer.from(response.patch, 'base64').toString()) as readonly Operation[])
}

async function compareAnswers(report: Report, webhooks: Webhooks, size: number): Promise<void> {
  const answers = await Promise.all([...webhooks].map(async ([side, webhook]) => ({ side, text: JSON.stringify(inOneOrder((await ask(webhook)) ?? [])) })))
  const same = answers.every(({ text }) => text === answers[0]?.text && text !== '[]')
  report.check(`admission, ${size} VPAs: the same patch, and not an empty one`, same, answers.map(({ side, text }) => `${side} ${text}`).join(', '))
}

/** Go takes resources in the order of a map, a new one each time, also where the annotation lists what was changed. What order means to a patch is the parity vectors' to check. */
function inOneOrder(patch: readonly Operation[]): readonly Operation[] {
  const sorted = patch.toSorted((a, b) => a.path.localeCompare(b.path))
  return sorted.map((operation) => {
    const isAnnotation = operation.path.startsWith('/metadata/annotations/')
    return isAnnotation ? { ...operation, value: String(operation.value).split(/[:,] /).toSorted() } : operation
  })
}

interface Measurement extends BenchOptions {
  readonly bench: Bench
  readonly report: Report
  readonly size: number
}

async function measure(webhooks: Webhooks, measurement: Measurement): Promise<void> {
  const { report, size } = measurement
  for (const webhook of webhooks.values()) await load(webhook, { connections: 16, seconds: 3 })
  for (const connections of CONNECTIONS) await measureLoad(webhooks, connections, measurement)
  const [ours, go] = await Promise.all((['ours', 'go'] as const).map((side) => webhooks.get(side)?.program.usage()))
  if (ours === undefined) return
  const goal = size === 1000 ? { goal: { atMostRatio: 1.3 } } : size >= 5000 ? { goal: { atMostRatio: 0.8 } } : {}
  report.figure({ work: `admission, ${size} VPAs: RSS after the load`, unit: 'MiB', go: go?.rssMib, ours: ours.rssMib, ...goal })
}

async function measureLoad(webhooks: Webhooks, connections: number, { bench, report, size, rounds, seconds }: Measurement): Promise<void> {
  const found = { go: [] as Measured[], ours: [] as Measured[] }
  for (let round = 1; round <= rounds; round += 1) {
    for (const [side, webhook] of webhooks) {
      const result = await load(webhook, { connections, seconds })
      found[side].push(result)
      bench.say(`admission: ${size} VPAs, ${connections} connections, round ${round} of ${rounds}, ${side}: ${Math.round(result.requestsPerSecond)} requests/s, p99 ${result.p99Ms.toFixed(2)} ms`)
    }
  }
  const figure = (name: string, unit: string, of: (result: Measured) => number): Figure => ({
    work: `admission, ${size} VPAs, ${connections} connections: ${name}`,
    unit,
    go: found.go.length === 0 ? undefined : median(found.go.map(of)),
    ours: median(found.ours.map(of)),
  })
  report.figure({ ...figure('throughput', 'requests/s', (result) => result.requestsPerSecond), goal: { atLeastRatio: 1.5 } })
  report.figure(figure('p50', 'ms', (result) => result.p50Ms))
  report.figure({ ...figure('p99', 'ms', (result) => result.p99Ms), ...(connections === 16 && { goal: { atMostRatio: 0.5 } }) })
  report.figure(figure('CPU per 1,000 requests', 'ms', (result) => result.cpuMsPerThousand))
  report.check(`admission, ${size} VPAs, ${connections} connections: all answers are 200`, [...found.go, ...found.ours].every(({ failures }) => failures === 0))
}

async function load({ program, port, ca, review }: Webhook, { connections, seconds }: { readonly connections: number; readonly seconds: number }): Promise<Measured> {
  const before = await program.usage()
  const script = fileURLToPath(new URL('load.ts', import.meta.url))
  const { code, output } = await run(process.execPath, [script, `${port}`, `${connections}`, `${seconds}`, ca, review])
  if (code !== 0) throw new Error(`the load on port ${port} failed`)
  const result = JSON.parse(output) as LoadResult
  const after = await program.usage()
  return { ...result, cpuMsPerThousand: ((after.cpuSeconds - before.cpuSeconds) * 1e6) / result.requests }
}

/** A pod of web-5 as the API server sends it, with what pods usually have. */
function admissionReview(): object {
  const pods = { group: '', version: 'v1', resource: 'pods' }
  const kind = { group: '', version: 'v1', kind: 'Pod' }
  const token = { name: 'kube-api-access-x7k2p', readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }
  const container = {
    name: 'app',
    image: 'registry.example.test/team/app:1.2.3',
    resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '200m', memory: '256Mi' } },
    ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
    env: [{ name: 'LOG_LEVEL', value: 'info' }, { name: 'POD_NAME', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } }],
    livenessProbe: { httpGet: { path: '/healthz', port: 'http', scheme: 'HTTP' }, timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 },
    volumeMounts: [token],
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: 'IfNotPresent',
  }
  const object = {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: {
      generateName: 'web-5-',
      namespace: NAMESPACE,
      labels: { app: 'web-5', 'pod-template-hash': '7d4b9c6f5d' },
      annotations: { 'prometheus.io/scrape': 'true' },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5', uid: '5e1f8c9e-1b7a-4b63-8f5c-0d8f4f1b2c3d', controller: true, blockOwnerDeletion: true }],
    },
    spec: {
      containers: [container],
      volumes: [{ name: token.name, projected: { sources: [{ serviceAccountToken: { expirationSeconds: 3607, path: 'token' } }], defaultMode: 420 } }],
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      serviceAccountName: 'default',
      schedulerName: 'default-scheduler',
      tolerations: [{ key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }],
      enableServiceLinks: true,
    },
    status: {},
  }
  const userInfo = { username: 'system:serviceaccount:kube-system:replicaset-controller', uid: '8c1d2e3f', groups: ['system:serviceaccounts', 'system:authenticated'] }
  const request = { uid: '705ab4f5-6393-11e8-b7cc-42010a800002', kind, resource: pods, requestKind: kind, requestResource: pods, namespace: NAMESPACE, operation: 'CREATE', userInfo, object, oldObject: null, dryRun: false }
  return { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', request }
}
