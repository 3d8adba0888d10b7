import { VPAS, objectPath } from '@vpa/kube/resources.ts'
import { type Admin, forEach } from './admin.ts'
import type { Bench } from './bench.ts'
import { openControlPlane } from './control-plane.ts'
import { type Loop, LoopWatch } from './loop-watch.ts'
import type { BenchOptions } from './options.ts'
import { NODES, untilPodsRun } from './pods.ts'
import type { Usage } from './program.ts'
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

interface Run {
  readonly loop: Loop
  readonly evicted: number
  /** Of evicting. */
  readonly seconds: number
  readonly usage: Usage
}

type Runs = ReadonlyMap<Side, Run>

/**
 * The Go updater and ours, one after the other: two pods of each VPA are out of range, one of the two may go in a loop.
 * The pods that replace the evicted ones come as they were, since nothing admits them otherwise.
 */
export async function benchUpdater(bench: Bench, options: BenchOptions, report: Report): Promise<void> {
  const { kubeconfig, admin, directory } = await openControlPlane(bench, { nodes: NODES, metricResolutionSeconds: 60, keep: options.keep })
  const trio = await Trio.open(bench, { kubeconfig, directory })
  await admin.create(namespaceManifest(NAMESPACE))
  let created = 0
  for (const size of options.sizes) {
    bench.say(`updater: ${size} VPAs with ${PODS_PER_VPA} pods each`)
    await createWorkloads(admin, created, size)
    created = size
    const runs = new Map<Side, Run>()
    for (const side of trio.sides) {
      await untilPodsRun(bench, admin, NAMESPACE, size * PODS_PER_VPA)
      bench.say(`updater, ${size} VPAs: ${side}`)
      runs.set(side, await measure(trio, side))
    }
    reportRuns(report, size, runs)
  }
}

async function createWorkloads(admin: Admin, from: number, to: number): Promise<void> {
  const amounts = { cpu: '400m', memory: '512Mi' }
  const recommendation = { containerRecommendations: [{ containerName: 'app', target: amounts, lowerBound: amounts, upperBound: amounts, uncappedTarget: amounts }] }
  await forEach(Array.from({ length: to - from }, (_, index) => from + index), async (index) => {
    const name = `web-${index}`
    const workload = { namespace: NAMESPACE, name, kind: 'ReplicaSet', replicas: PODS_PER_VPA, containers: ['app'], requests: { cpu: '100m', memory: '128Mi' }, usage: { cpuMillicores: 100, memoryBytes: 1e8 }, nodeName: `kwok-node-${index % NODES}` } as const
    await admin.create(workloadManifest(workload))
    await admin.create(vpaManifest(workload, name, { updatePolicy: { updateMode: 'Recreate' } }))
    await admin.request({ method: 'PATCH', path: `${objectPath(VPAS, { namespace: NAMESPACE, name })}/status`, patch: 'merge', body: { status: { recommendation } } })
  })
}

async function measure(trio: Trio, side: Side): Promise<Run> {
  const program = await trio.start(side, 'updater', { ...FLAGS, ...(side === 'ours' && OUR_FLAGS) })
  const loop = await new LoopWatch(program, 'vpa_updater_execution_latency_seconds', STEPS).next(PATIENCE_MS)
  const evicted = (await program.scrape())?.sum('vpa_updater_evicted_pods_total') ?? 0
  const usage = await program.usage()
  await program.stop()
  // A loop that is cut off does not tell how long its last step took.
  return { loop, evicted, seconds: loop.seconds['EvictPods'] || (loop.seconds['total'] ?? NaN), usage }
}

function reportRuns(report: Report, size: number, runs: Runs): void {
  const [go, ours] = [runs.get('go'), runs.get('ours')]
  const figure = (name: string, unit: string, of: (run: Run) => number): Figure => ({ work: `updater, ${size.toLocaleString('en')} VPAs: ${name}`, unit, go: go && of(go), ours: ours ? of(ours) : NaN })
  for (const step of STEPS.slice(0, -1)) report.figure(figure(`loop, ${step}`, 's', ({ loop }) => loop.seconds[step] ?? NaN))
  report.figure(figure('evictions in one loop', 'pods', ({ evicted }) => evicted))
  report.figure({ ...figure('evicting them', 's', ({ seconds }) => seconds), ...(size === 1000 && { goal: { atMost: 10 } }) })
  report.figure(figure('evictions a second', '1/s', ({ evicted, seconds }) => evicted / seconds))
  report.figure(figure('until the end of the first loop', 'CPU s', ({ loop }) => loop.cpuSeconds))
  const goal = size === 1000 ? { goal: { atMostRatio: 1.2 } } : size === 5000 ? { goal: { atMostRatio: 0.8 } } : {}
  report.figure({ ...figure('peak RSS', 'MiB', ({ usage }) => usage.peakRssMib), ...goal })
  report.check(`updater, ${size} VPAs: one eviction for each VPA`, ours?.evicted === size, `${ours?.evicted}`)
}
