import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Sandbox, startSandbox } from '@vpa/sandbox/sandbox.ts'
import { type DurationMs, HOUR, MINUTE, SECOND, formatTime } from '@vpa/core/time.ts'
import type { OutcomeOptions } from '@vpa/core/update/outcome-check.ts'
import type { Cluster, Store } from '@vpa/kube/cluster.ts'
import { connect } from '@vpa/kube/connect.ts'
import { Registry } from 'prom-client'
import { expect, onTestFinished } from 'vitest'
import { Metrics } from '../../packages/updater/metrics.ts'
import { Updater, type UpdaterOptions } from '../../packages/updater/updater.ts'
import { type FakeClock, fakeClock } from './fake-clock.ts'
import { type Line, logInto } from './recorded-log.ts'

const LEASE = { namespace: 'kube-system', name: 'vpa-admission-controller' }

export interface Scene {
  readonly sandbox: Sandbox
  readonly cluster: Cluster
  readonly clock: FakeClock
  /** How far the updater's clock is ahead of the API server's. */
  readonly own: { ahead: DurationMs }
  readonly registry: Registry
  readonly logged: readonly Line[]
  tick(): Promise<void>
  /** The loop of an updater that has just started. */
  restart(): () => Promise<void>
}

export interface SceneFacts {
  readonly replicas?: number
  readonly vpa?: object
  /** What the container has beside its name and requests. */
  readonly container?: object
  readonly target?: Readonly<Record<string, string>>
  /** Whether the admission controller has told that it lives. */
  readonly lease?: boolean
  readonly inPlaceOnly?: boolean
  /** Default: Deployment. */
  readonly kind?: 'Deployment' | 'ReplicaSet'
  /** Each a Deployment with a VPA. */
  readonly names?: readonly string[]
  readonly rateLimit?: { readonly rate: number; readonly burst: number }
  /** Default: outcomes are not looked at. */
  readonly outcome?: OutcomeOptions
  /** Whether the updater may work at this very moment. Default: it may. */
  readonly leads?: () => boolean
  /** What the loop sees instead of the cluster. */
  readonly seen?: (cluster: Cluster) => Cluster
}

/** Deployment `web` with pods that request 100m and 200Mi, and a VPA that wants something else. */
export async function scene(facts: SceneFacts = {}): Promise<Scene> {
  const { target = { cpu: '500m', memory: '200Mi' }, lease = true, inPlaceOnly = false, names = ['web'], rateLimit = { rate: 0, burst: 1 }, seen = (cluster) => cluster } = facts
  const clock = fakeClock()
  const own = { ahead: 0 }
  const ownClock = { ...clock, now: () => clock.now() + own.ahead }
  const sandbox = await startSandbox({ clock, step: SECOND })
  const directory = await mkdtemp(join(tmpdir(), 'updater-'))
  await writeFile(join(directory, 'config'), sandbox.kubeconfig)
  for (const name of names) await deploy(sandbox, name, facts)
  if (lease) await renewLease(sandbox, clock)
  await clock.advance(10 * SECOND)
  await sandbox.settle()

  const registry = new Registry()
  const logged: Line[] = []
  const log = logInto(logged)
  const stop = new AbortController()
  const connection = { kubeconfig: join(directory, 'config'), qps: 0, burst: 0, source: 'vpa-updater', ignoredNamespaces: [], clock: ownClock, log, registry, signal: stop.signal, ...(facts.leads && { leads: facts.leads }) }
  const cluster = await connect({ ...connection, watch: { vpas: true, pods: { fieldSelector: 'spec.nodeName!=' }, limitRanges: true, workloads: true } })
  onTestFinished(async () => {
    stop.abort()
    await cluster.stop()
    await sandbox.stop()
    await rm(directory, { recursive: true })
  })
  await cluster.synced()
  for (const name of names) await recommend(sandbox, name, target)
  await until(cluster.vpas, () => [...cluster.vpas.list()].every(({ status }) => status.recommendation !== undefined))

  const metrics = new Metrics(registry, ownClock)
  const options: UpdaterOptions = {
    cluster: seen(cluster),
    log,
    clock: ownClock,
    metrics,
    update: {
      minReplicas: 2,
      evictionTolerance: 0.5,
      lifetimeThreshold: 12 * HOUR,
      minimumDifference: 0.1,
      evictAfterOomThreshold: 10 * MINUTE,
      inPlaceSkipDisruptionBudget: false,
      perVpaConfig: false,
      waitsForOom: facts.outcome !== undefined,
      startupBoost: false,
      inPlaceOnly,
    },
    rateLimit,
    outcome: facts.outcome,
    interval: MINUTE,
    admissionStatus: { lease: LEASE, timeout: MINUTE },
    signal: stop.signal,
  }
  const restart = () => {
    const updater = new Updater(options)
    return () => updater.tick()
  }
  return { sandbox, cluster, clock, own, registry, logged, tick: restart(), restart }
}

export async function deploy(sandbox: Sandbox, name: string, { replicas = 4, vpa = {}, kind = 'Deployment', container: more = {} }: Pick<SceneFacts, 'replicas' | 'vpa' | 'kind' | 'container'>): Promise<void> {
  const labels = { app: name }
  const container = { name: 'app', image: 'app', resources: { requests: { cpu: '100m', memory: '200Mi' } }, ...more }
  const metadata = { namespace: 'default', name }
  const template = { metadata: { labels }, spec: { containers: [container] } }
  await sandbox.apply({ apiVersion: 'apps/v1', kind, metadata, spec: { replicas, selector: { matchLabels: labels }, template } })
  const targetRef = { apiVersion: 'apps/v1', kind, name }
  await sandbox.apply({ apiVersion: 'autoscaling.k8s.io/v1', kind: 'VerticalPodAutoscaler', metadata, spec: { targetRef, ...vpa } })
}

/** From now on the pods of a ReplicaSet come as a webhook would make them. */
export async function admitAs(sandbox: Sandbox, name: string, requests: object): Promise<void> {
  const { spec } = sandbox.get('ReplicaSet', { namespace: 'default', name }) as unknown as { spec: { template: { metadata: object; spec: object } } }
  const annotations = { vpaUpdates: `Pod resources updated by ${name}: container 0: cpu request` }
  const template = { metadata: { ...spec.template.metadata, annotations }, spec: { containers: [{ name: 'app', image: 'app', resources: { requests } }] } }
  await sandbox.apply({ apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { namespace: 'default', name }, spec: { ...spec, template } })
}

export async function recommend(sandbox: Sandbox, name: string, target: object): Promise<void> {
  await setStatus(sandbox, name, { recommendation: { containerRecommendations: [{ containerName: 'app', target, lowerBound: target, upperBound: target }] } })
}

/** Merges into the status of a VPA. */
export async function setStatus(sandbox: Sandbox, name: string, status: object): Promise<void> {
  const path = `/apis/autoscaling.k8s.io/v1/namespaces/default/verticalpodautoscalers/${name}/status`
  const request = { method: 'PATCH', headers: { 'content-type': 'application/merge-patch+json' }, body: JSON.stringify({ status }) }
  expect((await fetch(sandbox.url + path, request)).status).toBe(200)
}

export async function renewLease(sandbox: Sandbox, clock: Pick<FakeClock, 'now'>): Promise<void> {
  const renewTime = formatTime(clock.now()).replace('Z', '.000000Z')
  await sandbox.apply({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: LEASE, spec: { holderIdentity: 'admission', renewTime } })
}

/** Resolves once the store shows it. */
export function until<T>(store: Store<T>, holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    if (holds()) return resolve()
    const unsubscribe = store.subscribe(() => {
      if (!holds()) return
      unsubscribe()
      resolve()
    })
  })
}

export function podNames({ sandbox }: Scene): readonly string[] {
  const alive = sandbox.list('Pod', 'default').filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  return alive.map(({ metadata }) => metadata.name ?? '')
}
