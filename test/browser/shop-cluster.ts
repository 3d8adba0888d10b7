import { HOUR, MINUTE, SECOND, formatTime } from '@vpa/core/time.ts'
import type { LoadCurve } from '@vpa/sandbox/load.ts'
import { type Sandbox, startSandbox } from '@vpa/sandbox/sandbox.ts'
import { onTestFinished } from 'vitest'
import type { DashboardData } from 'vpa-recommender/dashboard/data.ts'
import { deploy } from '../support/cli-scene.ts'
import { type FakeClock, fakeClock } from '../support/fake-clock.ts'
import { startRecommender } from '../support/recommender-scene.ts'

const MI = 2 ** 20
const START = Date.UTC(2026, 2, 1, 7)

interface Workload {
  readonly namespace: string
  readonly name: string
  readonly mode: string
  readonly replicas: number
  readonly requests: object
  readonly limits?: object
  /** Millicores and MiB at rest, and what comes on top at the busiest hour. */
  readonly rest: readonly [cpu: number, memory: number]
  readonly busy: readonly [cpu: number, memory: number]
}

/** A shop: some of it asks for too much, some for too little, some for what it needs. */
const WORKLOADS: readonly Workload[] = [
  { namespace: 'shop', name: 'checkout', mode: 'Recreate', replicas: 3, requests: { cpu: '150m', memory: '256Mi' }, limits: { cpu: '2', memory: '512Mi' }, rest: [180, 300], busy: [420, 110] },
  { namespace: 'shop', name: 'catalog', mode: 'Off', replicas: 6, requests: { cpu: '1500m', memory: '3Gi' }, rest: [240, 700], busy: [260, 150] },
  { namespace: 'shop', name: 'cart', mode: 'InPlaceOrRecreate', replicas: 2, requests: { cpu: '250m', memory: '384Mi' }, rest: [120, 260], busy: [90, 40] },
  { namespace: 'shop', name: 'search', mode: 'Off', replicas: 4, requests: { cpu: '2', memory: '6Gi' }, rest: [900, 2800], busy: [700, 600] },
  { namespace: 'payments', name: 'ledger', mode: 'Initial', replicas: 2, requests: { cpu: '500m', memory: '1Gi' }, rest: [330, 760], busy: [60, 20] },
  { namespace: 'payments', name: 'fraud-check', mode: 'Off', replicas: 2, requests: { memory: '512Mi' }, rest: [70, 400], busy: [240, 60] },
  { namespace: 'data', name: 'reports', mode: 'Recreate', replicas: 1, requests: { cpu: '1', memory: '300Mi' }, limits: { memory: '420Mi' }, rest: [60, 240], busy: [400, 260] },
  { namespace: 'data', name: 'stream-worker', mode: 'Recreate', replicas: 5, requests: { cpu: '400m', memory: '800Mi' }, rest: [310, 640], busy: [50, 60] },
  { namespace: 'web', name: 'frontend', mode: 'Recreate', replicas: 4, requests: { cpu: '300m', memory: '256Mi' }, rest: [90, 150], busy: [160, 40] },
  { namespace: 'web', name: 'images', mode: 'Off', replicas: 2, requests: { cpu: '2', memory: '1Gi' }, rest: [30, 200], busy: [120, 90] },
]

export interface ShopCluster {
  readonly sandbox: Sandbox
  readonly clock: FakeClock
  readonly dashboard: DashboardData
  run(minutes: number): Promise<void>
}

/** A sandbox with the shop, and a recommender that has looked at it for that long. */
export async function shopCluster(minutes: number): Promise<ShopCluster> {
  const clock = fakeClock(START)
  const sandbox = await startSandbox({ clock, step: 20 * SECOND, node: { cpu: '64', memory: '256Gi' } })
  onTestFinished(() => sandbox.stop())
  for (const namespace of new Set(WORKLOADS.map((workload) => workload.namespace))) await sandbox.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
  for (const [index, workload] of WORKLOADS.entries()) await addWorkload(sandbox, workload, index)
  // Nobody has made what it is for yet.
  await addVpa(sandbox, { namespace: 'web', name: 'landing-page', mode: 'Off' })
  const { dashboard, run } = await startRecommender(sandbox, clock)
  await run(minutes)
  return { sandbox, clock, dashboard, run }
}

/** What the updater does with checkout: its pods come again with what is recommended, and it says so. */
export async function evictCheckout({ sandbox, clock }: ShopCluster): Promise<void> {
  const [workload] = WORKLOADS
  if (workload === undefined) return
  await deploy(sandbox, 'checkout', { namespace: 'shop', replicas: 3, resources: { app: { requests: { cpu: '660m', memory: '520Mi' }, limits: { cpu: '4', memory: '1Gi' } } } })
  const pods = sandbox.list('Pod', 'shop').filter(({ metadata }) => metadata.name?.startsWith('checkout'))
  for (const [index, { metadata }] of pods.entries()) await tell(sandbox, { name: `checkout.${index}`, reason: 'EvictedPod', message: `VPA Updater evicted Pod ${metadata.name} to apply resource recommendation.`, at: clock.now() + index * 20 * SECOND })
}

async function tell(sandbox: Sandbox, { name, reason, message, at }: { readonly name: string; readonly reason: string; readonly message: string; readonly at: number }): Promise<void> {
  await sandbox.apply({
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { namespace: 'shop', name },
    involvedObject: { kind: 'VerticalPodAutoscaler', namespace: 'shop', name: 'checkout' },
    type: 'Normal',
    reason,
    message,
    lastTimestamp: formatTime(at),
  })
}

async function addWorkload(sandbox: Sandbox, { namespace, name, mode, replicas, requests, limits = {}, rest, busy }: Workload, index: number): Promise<void> {
  await deploy(sandbox, name, { namespace, replicas, resources: { app: { requests, limits } } })
  sandbox.load(namespace, { app: name }, 'app', curveOf(rest, busy, index))
  await addVpa(sandbox, { namespace, name, mode })
}

async function addVpa(sandbox: Sandbox, { namespace, name, mode }: Pick<Workload, 'namespace' | 'name' | 'mode'>): Promise<void> {
  await sandbox.apply({ apiVersion: 'autoscaling.k8s.io/v1', kind: 'VerticalPodAutoscaler', metadata: { namespace, name }, spec: { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name }, updatePolicy: { updateMode: mode } } })
}

/** A day with a slow rise to its busiest hour, and some noise that is the same each time. */
function curveOf([cpu, memory]: Workload['rest'], [moreCpu, moreMemory]: Workload['busy'], seed: number): LoadCurve {
  return (at) => {
    const day = (at % (24 * HOUR)) / (24 * HOUR)
    const swing = Math.max(0, Math.sin(Math.PI * 2 * (day - 0.3 - 0.02 * seed)))
    const minute = Math.floor(at / MINUTE)
    const noise = ((minute * 7919 + seed * 104_729) % 101) / 101 - 0.5 + 0.5 * Math.sin(minute / 9 + seed)
    return { cpuMillicores: Math.max(1, Math.round(cpu + moreCpu * swing + 0.22 * cpu * noise)), memoryBytes: Math.round((memory + moreMemory * swing + 0.02 * memory * noise) * MI) }
  }
}
