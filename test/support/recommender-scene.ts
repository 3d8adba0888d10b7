import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DEFAULT_PRICES } from '@vpa/core/advise/price.ts'
import { projectVpa } from '@vpa/core/api/vpa.ts'
import { MINUTE, SECOND } from '@vpa/core/time.ts'
import type { Cluster, Store } from '@vpa/kube/cluster.ts'
import { parseConfig } from '@vpa/kube/config.ts'
import { type ConnectOptions, connect } from '@vpa/kube/connect.ts'
import type { Watched } from '@vpa/kube/informers.ts'
import type { KubeObject } from '@vpa/sandbox/object.ts'
import { type Sandbox, startSandbox } from '@vpa/sandbox/sandbox.ts'
import { Registry } from 'prom-client'
import { onTestFinished } from 'vitest'
import { Config, recommenderOptions } from 'vpa-recommender/config.ts'
import { DashboardData } from 'vpa-recommender/dashboard/data.ts'
import { Recorder } from 'vpa-recommender/dashboard/recorder.ts'
import { Metrics } from 'vpa-recommender/metrics.ts'
import { QualityMetrics } from 'vpa-recommender/quality-metrics.ts'
import { Recommender, watchedBy } from 'vpa-recommender/recommender.ts'
import { type FakeClock, fakeClock } from './fake-clock.ts'
import { logTo } from './recorded-log.ts'

export const MB = 1_000_000
export const KONG = { cpuMillicores: 460, memoryBytes: 460 * MB }

interface Scene {
  readonly sandbox: Sandbox
  readonly clock: FakeClock
  readonly registry: Registry
  readonly messages: readonly string[]
  readonly lines: readonly { readonly message: string; readonly fields: object }[]
  /** What the dashboard of this recommender says. */
  readonly dashboard: DashboardData
  /** A turn of the loop, at once. */
  turn(): Promise<void>
  /** Lets that many minutes pass, with a turn of the loop after each. */
  run(minutes: number): Promise<void>
}

/** A cluster with Deployment `web` and its VPA, whose recommender is about to start. */
export async function scene(...flags: readonly string[]): Promise<Scene> {
  const clock = fakeClock()
  const sandbox = await startSandbox({ clock, step: 10 * SECOND })
  onTestFinished(() => sandbox.stop())
  await addDeployment(sandbox, 'web')
  await addVpa(sandbox, 'web')
  sandbox.load('default', { app: 'web' }, 'app', () => KONG)
  return { sandbox, clock, ...(await startRecommender(sandbox, clock, flags)) }
}

/** Besides `web`, Deployment `hungry` with its VPA, whose pod is killed above 300 MiB. It uses so many megabytes, or what `use` says from then on. */
export async function hungryScene(megabytes: number): Promise<Scene & { use(megabytes: number): void }> {
  const facts = await scene()
  let memoryBytes = megabytes * MB
  await addDeployment(facts.sandbox, 'hungry', { limits: { memory: '300Mi' } })
  await addVpa(facts.sandbox, 'hungry')
  facts.sandbox.load('default', { app: 'hungry' }, 'app', () => ({ cpuMillicores: 10, memoryBytes }))
  return { ...facts, use: (now) => void (memoryBytes = now * MB) }
}

/** A process that is gone makes no more writes, and never hears of the one that it is killed in. */
interface Death {
  readonly died: Promise<void>
  /** Whether the write is made. */
  write(): boolean
}

export function dyingAfter(writes: number): Death {
  const { promise, resolve } = Promise.withResolvers<void>()
  let left = writes
  return {
    died: promise,
    write() {
      left -= 1
      if (left < 0) resolve()
      return left >= 0
    },
  }
}

const IMMORTAL: Death = { died: new Promise(() => {}), write: () => true }

function mortal(cluster: Cluster, death: Death): Cluster {
  const unlessDead = <A extends readonly unknown[]>(write: (...args: A) => Promise<void>) => (...args: A): Promise<void> => (death.write() ? write(...args) : new Promise(() => {}))
  return { ...cluster, patchVpaStatus: unlessDead(cluster.patchVpaStatus), writeCheckpoint: unlessDead(cluster.writeCheckpoint) }
}

export async function startRecommender(sandbox: Sandbox, clock: FakeClock, flags: readonly string[] = [], { death = IMMORTAL, leads = () => true, usage }: { death?: Death; leads?: () => boolean; usage?: Cluster['usage'] } = {}): Promise<Omit<Scene, 'sandbox' | 'clock'> & { readonly died: Promise<void> }> {
  const parsed = parseConfig(Config, flags)
  if (!('config' in parsed)) throw new Error('problem' in parsed ? parsed.problem : parsed.help)
  const messages: string[] = []
  const lines: { message: string; fields: object }[] = []
  const log = logTo((message, fields = {}) => {
    messages.push(message)
    lines.push({ message, fields })
  })
  const registry = new Registry()
  const options = recommenderOptions(parsed.config)
  const watch = watchedBy(options)
  const { cluster, signal } = await connectTo(sandbox, { clock, log, registry, watch, leads })
  const recorder = new Recorder(parsed.config.recommenderInterval)
  const recommender = new Recommender({ cluster: mortal({ ...cluster, ...(usage && { usage }) }, death), clock, log, options, metrics: new Metrics(registry, clock), quality: new QualityMetrics(registry), recorder, signal })
  const dashboard = new DashboardData({ cluster, clock, options, prices: { ...DEFAULT_PRICES, currency: '$' }, recorder, recommender })
  await cluster.synced()
  const turn = async () => {
    await sandbox.settle()
    await caughtUp(sandbox, cluster, watch)
    await recommender.tick()
    await caughtUp(sandbox, cluster, watch)
  }
  const run = async (minutes: number) => {
    for (let minute = 0; minute < minutes; minute += 1) {
      await clock.advance(MINUTE)
      await turn()
    }
  }
  return { registry, messages, lines, dashboard, turn, run, died: death.died }
}

async function connectTo(sandbox: Sandbox, options: Pick<ConnectOptions, 'clock' | 'log' | 'registry' | 'watch' | 'leads'>): Promise<{ readonly cluster: Cluster; readonly signal: AbortSignal }> {
  const directory = await mkdtemp(join(tmpdir(), 'recommender-'))
  const kubeconfig = join(directory, 'config')
  await writeFile(kubeconfig, sandbox.kubeconfig)
  const stop = new AbortController()
  const cluster = await connect({ kubeconfig, qps: 0, burst: 0, source: 'vpa-recommender', ignoredNamespaces: [], signal: stop.signal, ...options })
  onTestFinished(async () => {
    stop.abort()
    await cluster.stop()
    await rm(directory, { recursive: true })
  })
  return { cluster, signal: stop.signal }
}

const STORES = {
  vpas: 'VerticalPodAutoscaler',
  pods: 'Pod',
  checkpoints: 'VerticalPodAutoscalerCheckpoint',
  evictions: 'Event',
  nodes: 'Node',
  horizontalAutoscalers: 'HorizontalPodAutoscaler',
  limitRanges: 'LimitRange',
  resourceQuotas: 'ResourceQuota',
} as const

/** Resolves once the stores show what the API server has. */
async function caughtUp(sandbox: Sandbox, cluster: Cluster, watch: Watched): Promise<void> {
  const versions = (kind: string) => sandbox.list(kind).filter(isWatched).map(({ metadata }) => metadata.resourceVersion).toSorted().join()
  for (const [name, kind] of Object.entries(STORES) as [keyof typeof STORES, string][]) {
    const store: Store<{ resourceVersion: string }> = cluster[name]
    if (watch[name]) await until(store, () => [...store.list()].map(({ resourceVersion }) => resourceVersion).toSorted().join() === versions(kind))
  }
}

function isWatched(object: KubeObject): boolean {
  const { kind, status, reason } = object
  if (kind === 'VerticalPodAutoscaler') return isReadable(object)
  return kind === 'Event' ? reason === 'Evicted' : (status as { phase?: string } | undefined)?.phase !== 'Pending'
}

function isReadable(vpa: KubeObject): boolean {
  try {
    projectVpa(vpa)
    return true
  } catch {
    return false
  }
}

function until<T>(store: Store<T>, holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    if (holds()) return resolve()
    const unsubscribe = store.subscribe(() => {
      if (!holds()) return
      unsubscribe()
      resolve()
    })
  })
}

export async function addDeployment(sandbox: Sandbox, name: string, { replicas = 1, limits = {}, container: containerName = 'app' }: { replicas?: number; limits?: object; container?: string } = {}): Promise<void> {
  const container = { name: containerName, image: 'app', resources: { requests: { cpu: '100m', memory: '200Mi' }, limits } }
  const labels = { app: name }
  await sandbox.apply({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace: 'default', name },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [container] } } },
  })
}

export async function addVpa(sandbox: Sandbox, name: string, spec: object = {}): Promise<void> {
  await sandbox.apply({
    apiVersion: 'autoscaling.k8s.io/v1',
    kind: 'VerticalPodAutoscaler',
    metadata: { namespace: 'default', name },
    spec: { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name }, ...spec },
  })
}

interface Status {
  readonly conditions: readonly { type: string; status: string; message?: string }[]
  readonly recommendation?: { readonly containerRecommendations?: readonly (Readonly<Record<'target' | 'lowerBound' | 'upperBound' | 'uncappedTarget', Record<string, string>>> & { readonly containerName: string })[] }
}

export function statusOf(sandbox: Sandbox, name = 'web'): Status | undefined {
  return sandbox.get('VerticalPodAutoscaler', { namespace: 'default', name })?.status as Status | undefined
}

export function targetOf(sandbox: Sandbox, name = 'web'): Record<string, string> | undefined {
  return statusOf(sandbox, name)?.recommendation?.containerRecommendations?.[0]?.target
}

export function conditionsOf(sandbox: Sandbox, name = 'web'): readonly string[] {
  return (statusOf(sandbox, name)?.conditions ?? []).map(({ type, status, message }) => [`${type}=${status}`, message].filter(Boolean).join(' '))
}

export function checkpointNames(sandbox: Sandbox): readonly string[] {
  return sandbox.list('VerticalPodAutoscalerCheckpoint').map(({ metadata }) => metadata.name ?? '').toSorted()
}

interface SavedStatus {
  readonly totalSamplesCount?: number
  readonly memoryHistogram?: { readonly totalWeight?: number }
}

export function samplesOf(sandbox: Sandbox, name = 'web-app'): number {
  const saved = sandbox.get('VerticalPodAutoscalerCheckpoint', { namespace: 'default', name })
  return (saved?.status as SavedStatus | undefined)?.totalSamplesCount ?? 0
}

/** A checkpoint of a container that used 1 core a hundred times, last so long ago. */
export function savedCheckpoint(vpaObjectName: string, containerName: string, lastSample: number): object {
  const histogram = { referenceTimestamp: '2026-03-01T00:00:00Z', bucketWeights: { 36: 10_000 }, totalWeight: 10 }
  const time = new Date(lastSample).toISOString()
  return {
    apiVersion: 'autoscaling.k8s.io/v1',
    kind: 'VerticalPodAutoscalerCheckpoint',
    metadata: { namespace: 'default', name: `${vpaObjectName}-${containerName}` },
    spec: { vpaObjectName, containerName },
    status: { version: 'v3', firstSampleStart: time, lastSampleStart: time, totalSamplesCount: 100, cpuHistogram: histogram, memoryHistogram: histogram },
  }
}
