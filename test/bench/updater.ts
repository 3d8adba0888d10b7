import { setTimeout as sleep } from 'node:timers/promises'
import { UPDATES_ANNOTATION, updatesAnnotationStart } from '@vpa/core/api/pod-annotations.ts'
import { VPAS, objectPath } from '@vpa/kube/resources.ts'
import { WORKERS } from 'vpa-updater/updater.ts'
import { type Admin, forEach } from './admin.ts'
import { type Evictions, evictBare } from './bare-evictions.ts'
import type { Bench } from './bench.ts'
import { type ControlPlane, openControlPlane, untilQuiet } from './control-plane.ts'
import { type Loop, LoopWatch } from './loop-watch.ts'
import type { BenchOptions } from './options.ts'
import { NODE_COUNT, untilPodsRun } from './pods.ts'
import type { Usage } from './measured-program.ts'
import type { Figure, Report } from './report.ts'
import { type Side, Trio } from './trio.ts'
import { namespaceManifest, vpaManifest, workloadManifest } from './workload.ts'

const NAMESPACE = 'bench'
/** The Go updater cuts its loop off after one interval. */
const INTERVAL_SECONDS = 60
const PATIENCE_MS = 240_000
const PODS_PER_VPA = 2
const STEPS = ['ListVPAs', 'ListPods', 'FilterPods', 'AdmissionInit', 'EvictPods']
const FLAGS = { 'updater-interval': `${INTERVAL_SECONDS}s`, 'use-admission-controller-status': false, 'kube-api-qps': 100_000, 'kube-api-burst': 100_000 }
/** There is no webhook here, and the Go updater does not ask what became of its evictions. */
const OUR_FLAGS = { 'verify-outcome': false }
const REQUESTED = { cpu: '100m', memory: '128Mi' }
const RECOMMENDED = { cpu: '400m', memory: '512Mi' }

interface Run {
  readonly loop: Loop
  readonly evictions: Evictions
  readonly usage: Usage
}

type Runs = ReadonlyMap<Side, Run>

/**
 * The Go updater and ours, one after the other: two pods of each VPA are out of range, one of the two may go in a loop.
 * The pods that replace the evicted ones come as they were, since nothing admits them otherwise. Beside them: the same evictions
 * by themselves, as many at a time as ours, which is the least that any updater takes on this control plane. At last ours once more as it
 * is by default, looking at each new pod; these come with what is recommended.
 */
export async function benchUpdater(bench: Bench, options: BenchOptions, report: Report): Promise<void> {
  const controlPlane = await openControlPlane(bench, { nodes: NODE_COUNT, metricResolutionSeconds: 60, keep: options.keep })
  const { admin } = controlPlane
  const trio = await Trio.open(bench, controlPlane)
  await admin.create(namespaceManifest(NAMESPACE))
  let created = 0
  for (const size of options.sizes) {
    bench.say(`updater: ${size} VPAs with ${PODS_PER_VPA} pods each`)
    await createWorkloads(admin, created, size)
    created = size
    const runs = new Map<Side, Run>()
    for (const side of trio.sides) {
      await untilAtRest(bench, controlPlane, size)
      bench.say(`updater, ${size} VPAs: ${side}`)
      runs.set(side, await measure(trio, side, controlPlane, side === 'ours' ? OUR_FLAGS : {}))
    }
    await untilAtRest(bench, controlPlane, size)
    bench.say(`updater, ${size} VPAs: the evictions by themselves`)
    reportRuns(report, size, runs, await evictBare(controlPlane, NAMESPACE, WORKERS))
  }
  await admitAsRecommended(admin, created)
  await untilAtRest(bench, controlPlane, created)
  bench.say(`updater, ${created} VPAs: ours, looking at what comes of each eviction`)
  reportLooking(report, created, await measure(trio, 'ours', controlPlane, {}))
}

/** The pods that were evicted before have been replaced, and nothing is left to do. */
async function untilAtRest(bench: Bench, controlPlane: ControlPlane, vpas: number): Promise<void> {
  await untilPodsRun(bench, controlPlane.admin, NAMESPACE, vpas * PODS_PER_VPA)
  await untilQuiet(bench, controlPlane)
}

async function createWorkloads(admin: Admin, from: number, to: number): Promise<void> {
  const recommendation = { containerRecommendations: [{ containerName: 'app', target: RECOMMENDED, lowerBound: RECOMMENDED, upperBound: RECOMMENDED, uncappedTarget: RECOMMENDED }] }
  await forEach(Array.from({ length: to - from }, (_, index) => from + index), async (index) => {
    const name = `web-${index}`
    const workload = { namespace: NAMESPACE, name, kind: 'ReplicaSet', replicas: PODS_PER_VPA, containers: ['app'], requests: REQUESTED, usage: { cpuMillicores: 100, memoryBytes: 1e8 }, nodeName: `kwok-node-${index % NODE_COUNT}` } as const
    await admin.create(workloadManifest(workload))
    await admin.create(vpaManifest(workload, name, { updatePolicy: { updateMode: 'Recreate' } }))
    await admin.request({ method: 'PATCH', path: `${objectPath(VPAS, { namespace: NAMESPACE, name })}/status`, patch: 'merge', body: { status: { recommendation } } })
  })
}

/** From now on new pods look as if our webhook had changed them. */
async function admitAsRecommended(admin: Admin, count: number): Promise<void> {
  await forEach(Array.from({ length: count }, (_, index) => `web-${index}`), async (name) => {
    const annotations = { [UPDATES_ANNOTATION]: `${updatesAnnotationStart(name)}container 0: cpu request, memory request` }
    const template = { metadata: { annotations }, spec: { containers: [{ name: 'app', resources: { requests: RECOMMENDED } }] } }
    await admin.request({ method: 'PATCH', path: `/apis/apps/v1/namespaces/${NAMESPACE}/replicasets/${name}`, patch: 'strategic', body: { spec: { template } } })
  })
}

async function measure(trio: Trio, side: Side, { cpuSeconds }: ControlPlane, flags: typeof OUR_FLAGS | Record<string, never>): Promise<Run> {
  const program = await trio.start(side, 'updater', { ...FLAGS, ...flags })
  // The first loop begins an interval after the start.
  await sleep((INTERVAL_SECONDS - 1) * 1000)
  const cpuBefore = await cpuSeconds()
  const loop = await new LoopWatch(program, 'vpa_updater_execution_latency_seconds', STEPS).next(PATIENCE_MS)
  const cpuAfter = await cpuSeconds()
  const count = (await program.scrape())?.sum('vpa_updater_evicted_pods_total') ?? 0
  const usage = await program.usage()
  await program.stop()
  // A loop that is cut off does not tell how long its last step took.
  return { loop, evictions: { count, seconds: loop.seconds['EvictPods'] || (loop.seconds['total'] ?? NaN), cpuSeconds: cpuAfter - cpuBefore }, usage }
}

function reportRuns(report: Report, size: number, runs: Runs, bare: Evictions): void {
  const [go, ours] = [runs.get('go'), runs.get('ours')]
  const figure = (name: string, unit: string, of: (run: Run) => number): Figure => ({ work: `updater, ${size.toLocaleString('en')} VPAs: ${name}`, unit, go: go && of(go), ours: ours ? of(ours) : NaN })
  for (const step of STEPS.slice(0, -1)) report.figure(figure(`loop, ${step}`, 's', ({ loop }) => loop.seconds[step] ?? NaN))
  report.figure(figure('evictions in one loop', 'pods', ({ evictions }) => evictions.count))
  report.figure({ ...figure('evicting them', 's', ({ evictions }) => evictions.seconds), ...(size === 1000 && { goal: { atMost: 10 } }) })
  report.figure(figure('evictions a second', '1/s', ({ evictions }) => 1 / secondsEach(evictions)))
  report.figure({ ...figure(`evictions by themselves, ${WORKERS} at a time`, 's', () => bare.seconds), go: undefined })
  report.figure(figure('time of an eviction, times one by itself', 'x', ({ evictions }) => secondsEach(evictions) / secondsEach(bare)))
  report.figure(figure('control plane, an eviction', 'CPU ms', ({ evictions }) => cpuMsEach(evictions)))
  report.figure({ ...figure('control plane, an eviction by itself', 'CPU ms', () => cpuMsEach(bare)), go: undefined })
  report.figure(figure('until the end of the first loop', 'CPU s', ({ loop }) => loop.cpuSeconds))
  const goal = size === 1000 ? { goal: { atMostRatio: 1.2 } } : size === 5000 ? { goal: { atMostRatio: 0.8 } } : {}
  report.figure({ ...figure('peak RSS', 'MiB', ({ usage }) => usage.peakRssMib), ...goal })
  if (ours !== undefined) checkCount(report, `updater, ${size.toLocaleString('en')} VPAs: evictions`, size, ours)
}

/** A loop that was cut off leaves some of them to the next one. */
function checkCount(report: Report, what: string, size: number, { loop, evictions: { count } }: Run): void {
  const wasCutOff = (loop.seconds['total'] ?? 0) >= INTERVAL_SECONDS
  report.check(`${what}: ${wasCutOff ? 'one at most' : 'one'} for each VPA`, wasCutOff ? count > 0 && count <= size : count === size, `expected ${size}, got ${count}`)
}

function reportLooking(report: Report, size: number, run: Run): void {
  const what = `updater, ${size.toLocaleString('en')} VPAs: evictions, looking at what comes of each`
  report.figure({ work: what, unit: '1/s', ours: 1 / secondsEach(run.evictions) })
  checkCount(report, what, size, run)
}

function secondsEach({ count, seconds }: Evictions): number {
  return seconds / count
}

function cpuMsEach({ count, cpuSeconds }: Evictions): number {
  return (cpuSeconds / count) * 1000
}
