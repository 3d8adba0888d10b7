import type { AddressInfo } from 'node:net'
import { type DurationMs, SECOND, formatTime } from '@vpa/core/time.ts'
import { Api, type ObjectRef } from './api.ts'
import { type Clock, systemClock } from './clock.ts'
import { Faults } from './faults.ts'
import { BUILT_IN, type Kind, NAMESPACES, NODES, groupVersionOf } from './kind.ts'
import { limitRanger } from './limit-ranger.ts'
import { type LoadCurve, Loads, type PodChoice } from './load.ts'
import { MetricsApi } from './metrics-api.ts'
import { NameSource } from './names.ts'
import type { KubeObject } from './object.ts'
import { createApiServer } from './server.ts'
import { Simulation } from './simulation.ts'
import { Storage } from './storage.ts'
import { Webhooks } from './webhook.ts'
import type { Delays } from './world.ts'

export interface SandboxOptions {
  /** The system's time unless told. */
  readonly clock?: Clock
  /** The port on loopback; any free one unless told. */
  readonly port?: number
  /** Of generated names and uids. */
  readonly seed?: number
  /** Capacity of the one node. */
  readonly node?: { readonly cpu: string; readonly memory: string }
  /** How often the simulation looks at the clock: longer for tests in which days pass. */
  readonly step?: DurationMs
  /** How often usage is measured; at least a second, the resolution of timestamps. */
  readonly metricResolution?: DurationMs
  readonly bookmarkInterval?: DurationMs
  readonly delays?: Partial<Delays>
  /** Where webhooks of services are answered: `namespace/name` to a port on loopback. May change at any time. */
  readonly services?: ReadonlyMap<string, number>
}

export interface Sandbox {
  readonly url: string
  /** For `--kubeconfig` and KUBECONFIG. */
  readonly kubeconfig: string
  readonly faults: Faults
  /** Objects without HTTP, for tests and the demo. */
  apply(object: object): Promise<KubeObject>
  get(kind: string, ref: ObjectRef): KubeObject | undefined
  list(kind: string, namespace?: string): readonly KubeObject[]
  delete(kind: string, ref: ObjectRef): void
  /** What a container would like to use over time. */
  load(namespace: string, pods: PodChoice, container: string, curve: LoadCurve): void
  /** Resolves when controllers, scheduler and kubelet have nothing left to do at this moment. */
  settle(): Promise<void>
  stop(): Promise<void>
}

const DEFAULT_DELAYS: Delays = { start: 500, stop: 500, resize: 500, job: 60 * SECOND }

/** Starts an embedded Kubernetes API on loopback, with one node and the namespaces of a new cluster. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { clock = systemClock, metricResolution = SECOND, bookmarkInterval = 60 * SECOND } = options
  const storage = new Storage()
  const names = new NameSource(options.seed ?? 1)
  const loads = new Loads()
  const faults = new Faults(storage)
  const api = new Api({ storage, clock, names, limitRanger: limitRanger(storage, builtIn('LimitRange')) })
  const webhooks = new Webhooks({ storage, names, services: options.services ?? new Map() })
  api.admission = (...request) => webhooks.admit(...request)
  const metrics = new MetricsApi({ storage, clock, loads, resolution: metricResolution })
  await createFirstObjects(api, options.node ?? { cpu: '8', memory: '32Gi' }, formatTime(clock.now()))
  // Like on a server that runs for a while: its first versions cannot be watched from any more.
  storage.compact()

  const server = createApiServer({ api, storage, clock, faults, metrics, bookmarkInterval })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const simulation = new Simulation({ storage, api, clock, names, loads, delays: { ...DEFAULT_DELAYS, ...options.delays } }, options.step ?? 250)
  const kindNamed = (name: string) => kindOf(api.kinds, name)
  return {
    url,
    kubeconfig: kubeconfigFor(url),
    faults,
    apply: (object) => apply(api, object as KubeObject),
    get: (kind, ref) => storage.get(kindNamed(kind), ref.namespace ? `${ref.namespace}/${ref.name}` : ref.name),
    list: (kind, namespace) => storage.list(kindNamed(kind)).filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace),
    delete: (kind, ref) => void api.delete(kindNamed(kind), ref),
    load: (...load) => loads.set(...load),
    settle: () => simulation.settle(),
    stop: async () => {
      await simulation.stop()
      server.closeAllConnections()
      await new Promise((resolve) => { server.close(resolve) })
    },
  }
}

function kindOf(kinds: readonly Kind[], name: string): Kind {
  const found = kinds.find(({ kind }) => kind === name)
  if (found === undefined) throw new Error(`no such kind: ${name}`)
  return found
}

function builtIn(name: string): Kind {
  return kindOf(BUILT_IN, name)
}

/** Creates the object or, where it exists, gives it the spec and metadata of this one. */
async function apply(api: Api, object: KubeObject): Promise<KubeObject> {
  const kind = api.kinds.find((candidate) => candidate.kind === object.kind && groupVersionOf(candidate) === object.apiVersion)
  if (kind === undefined) throw new Error(`no such kind: ${object.apiVersion} ${object.kind}`)
  const { namespace = 'default', name } = object.metadata
  const ref = { namespace: kind.namespaced ? namespace : undefined, name }
  const exists = name !== undefined && api.has(kind, ref)
  return exists ? api.update(kind, ref, (current) => ({ ...object, metadata: { ...current.metadata, ...object.metadata } })) : api.create(kind, ref.namespace, object)
}

async function createFirstObjects(api: Api, capacity: { cpu: string; memory: string }, now: string): Promise<void> {
  for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease']) await api.create(NAMESPACES, undefined, { metadata: { name } })
  const resources = { ...capacity, pods: '110' }
  await api.create(NODES, undefined, {
    metadata: { name: 'sandbox-node', labels: { 'kubernetes.io/hostname': 'sandbox-node', 'kubernetes.io/os': 'linux' } },
    spec: {},
    status: {
      capacity: resources,
      allocatable: resources,
      nodeInfo: { kubeletVersion: 'v1.35.4' },
      conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status', lastHeartbeatTime: now, lastTransitionTime: now }],
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }, { type: 'Hostname', address: 'sandbox-node' }],
    },
  })
}

function kubeconfigFor(server: string): string {
  return `apiVersion: v1
kind: Config
clusters:
  - name: sandbox
    cluster: {server: "${server}"}
users:
  - name: sandbox
    user: {}
contexts:
  - name: sandbox
    context: {cluster: sandbox, user: sandbox}
current-context: sandbox
`
}
