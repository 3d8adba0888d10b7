import { CHECKPOINTS, VPAS, pathOf } from '@vpa/kube/resources.ts'
import { Config, recommenderOptions } from 'vpa-recommender/config.ts'
import { type Admin, forEach } from './admin.ts'
import { readWritten, writeBare } from './bare-writes.ts'
import type { Bench } from './bench.ts'
import { type ControlPlane, openControlPlane, untilQuiet } from './control-plane.ts'
import { type Loop, LoopWatch } from './loop-watch.ts'
import { NODE_COUNT, type Pods, createPods, untilPodsRun } from './pods.ts'
import type { BenchOptions } from './options.ts'
import { type Usage, until } from './measured-program.ts'
import { type Figure, type Goal, type Report, median } from './report.ts'
import { type Side, Trio } from './trio.ts'
import { namespaceManifest, vpaManifest, workloadManifest } from './workload.ts'

const NAMESPACE = 'bench'
const INTERVAL_SECONDS = 15
/** Between two reads of usage, several loops find nothing new: that is the steady state. */
const METRIC_RESOLUTION_SECONDS = 60
/** The Go recommender takes minutes for its first loop over 5,000 VPAs. */
const PATIENCE_MS = 600_000
const PODS_PER_VPA = 2
const METRIC = 'vpa_recommender_execution_latency_seconds'
const STEPS = ['LoadVPAs', 'LoadPods', 'LoadMetrics', 'UpdateVPAs', 'MaintainCheckpoints', 'GarbageCollect']
/** By default, as the Go recommender has it. */
const { workers: WORKERS } = recommenderOptions(Config.parse({}))
const UNTHROTTLED = { 'kube-api-qps': 100_000, 'kube-api-burst': 100_000 }
/** Asking for metrics is part of measuring; with these, which the Go recommender has not, a page of 5,000 VPAs is 18 MB. */
const OUR_FLAGS = { 'recommendation-metrics': false }
/** The Go implementation's throttle is measured at this size alone: it only makes it wait. */
const THROTTLED_SIZE = 1000

interface Run {
  readonly first: Loop
  readonly steady: readonly Loop[]
  readonly usage: Usage
}

type Runs = ReadonlyMap<Side, Run>

/** The Go recommender and ours, one after the other, on the same pods and VPAs, each without any history at first. */
export async function benchRecommender(bench: Bench, options: BenchOptions, report: Report): Promise<void> {
  const controlPlane = await openControlPlane(bench, { nodes: NODE_COUNT, metricResolutionSeconds: METRIC_RESOLUTION_SECONDS, keep: options.keep })
  const { admin } = controlPlane
  const trio = await Trio.open(bench, controlPlane)
  await admin.create(namespaceManifest(NAMESPACE))
  const measureAll = async (size: number, flags: Readonly<Record<string, number>>, what: string) => {
    const runs = new Map<Side, Run>()
    for (const side of trio.sides) {
      await resetVpas(admin, size)
      await untilQuiet(bench, controlPlane)
      bench.say(`${what}: ${side}`)
      runs.set(side, await measure(trio, side, { bench, flags, rounds: options.rounds }))
    }
    return runs
  }
  let created = 0
  for (const size of options.sizes) {
    await createWorkloads(bench, controlPlane, { from: created, to: size })
    created = size
    const what = `recommender, ${size.toLocaleString('en')} VPAs`
    const runs = await measureAll(size, UNTHROTTLED, what)
    const written = await readWritten(admin, NAMESPACE)
    await resetVpas(admin, size)
    await untilQuiet(bench, controlPlane)
    bench.say(`${what}: what the first loop writes, by itself`)
    reportRuns(report, what, runs, goalsOf(size))
    report.figure({ work: `${what}: what the first loop writes, by itself, ${WORKERS} at a time`, unit: 's', ours: await writeBare(admin, written, WORKERS) })
    if (size === THROTTLED_SIZE) reportThrottled(report, await measureAll(size, {}, `${what}, default flags`))
    if (options.noise && size === options.sizes.at(-1)) {
      await createNoise(bench, admin)
      reportNoise(report, runs, await measureAll(size, UNTHROTTLED, `${what}, with unrelated pods`))
    }
  }
}

async function createWorkloads(bench: Bench, controlPlane: ControlPlane, { from, to }: { readonly from: number; readonly to: number }): Promise<void> {
  const { admin } = controlPlane
  bench.say(`recommender: ${to} VPAs with ${PODS_PER_VPA} pods each`)
  const usage = { cpuMillicores: 150, memoryBytes: 3e8 }
  await forEach(range(from, to), (index) => admin.create(workloadManifest({ namespace: NAMESPACE, name: `web-${index}`, kind: 'Deployment', replicas: 0, containers: ['app'], requests: {}, usage })))
  // Whatever comes of a Deployment, its controller looks through all pods of the namespace.
  await untilQuiet(bench, controlPlane)
  const pods: Pods = { namespace: NAMESPACE, prefix: 'web', labels: (index) => ({ app: `web-${Math.floor(index / PODS_PER_VPA)}` }), usage }
  await createPods(admin, pods, range(from * PODS_PER_VPA, to * PODS_PER_VPA))
  await untilPodsRun(bench, admin, NAMESPACE, to * PODS_PER_VPA)
}

/** VPAs that nobody has ever seen. */
async function resetVpas(admin: Admin, size: number): Promise<void> {
  for (const resource of [CHECKPOINTS, VPAS]) {
    await admin.request({ method: 'DELETE', path: pathOf(resource, NAMESPACE), timeout: 0 })
    await until(`no ${resource.plural}`, PATIENCE_MS, async () => (await admin.list(resource, NAMESPACE)).length === 0)
  }
  await forEach(range(0, size), (index) => admin.create(vpaManifest({ namespace: NAMESPACE, kind: 'Deployment', name: `web-${index}` }, `web-${index}`, { updatePolicy: { updateMode: 'Off' } })))
}

async function measure(trio: Trio, side: Side, { bench, flags, rounds }: { readonly bench: Bench; readonly flags: Readonly<Record<string, number>>; readonly rounds: number }): Promise<Run> {
  const program = await trio.start(side, 'recommender', { 'recommender-interval': `${INTERVAL_SECONDS}s`, ...(side === 'ours' && OUR_FLAGS), ...flags })
  const watch = new LoopWatch(program, METRIC, STEPS)
  const first = await watch.next(PATIENCE_MS)
  bench.say(`the first loop took ${first.seconds['total']?.toFixed(2)} s`)
  const steady: Loop[] = []
  while (steady.length < rounds) steady.push(await watch.next(PATIENCE_MS))
  const usage = await program.usage()
  await program.stop()
  return { first, steady, usage }
}

interface RunGoals {
  readonly first?: Goal
  readonly firstCpu?: Goal
  readonly steady?: Goal
  readonly memory?: Goal
}

/** From the project's goal table; other sizes are reported without. */
function goalsOf(size: number): RunGoals {
  if (size === 1000) return { first: { atMostRatio: 0.5 }, steady: { atMostRatio: 0.3 }, memory: { atMostRatio: 1 } }
  if (size === 5000) return { first: { atMostRatio: 0.25 }, firstCpu: { atMostRatio: 0.2 }, steady: { atMostRatio: 0.25 }, memory: { atMostRatio: 0.5 } }
  return {}
}

const steadyOf = (of: (loop: Loop) => number) => (run: Run) => median(run.steady.map(of))

function reportRuns(report: Report, what: string, runs: Runs, goals: RunGoals): void {
  const figure = (name: string, unit: string, of: (run: Run) => number): Figure => figureOf(runs, `${what}: ${name}`, unit, of)
  report.figure({ ...figure('first loop', 's', ({ first }) => first.seconds['total'] ?? NaN), ...(goals.first && { goal: goals.first }) })
  report.figure({ ...figure('until the end of the first loop', 'CPU s', ({ first }) => first.cpuSeconds), ...(goals.firstCpu && { goal: goals.firstCpu }) })
  for (const step of STEPS) report.figure(figure(`first loop, ${step}`, 's', ({ first }) => first.seconds[step] ?? NaN))
  report.figure({ ...figure('steady loop', 's', steadyOf(({ seconds }) => seconds['total'] ?? NaN)), ...(goals.steady && { goal: goals.steady }) })
  report.figure(figure('steady loop', 'CPU s', steadyOf(({ cpuSeconds }) => cpuSeconds)))
  report.figure({ ...figure('peak RSS', 'MiB', ({ usage }) => usage.peakRssMib), ...(goals.memory && { goal: goals.memory }) })
}

function reportThrottled(report: Report, runs: Runs): void {
  report.figure({ ...figureOf(runs, `recommender, ${THROTTLED_SIZE.toLocaleString('en')} VPAs, default flags: first loop`, 's', ({ first }) => first.seconds['total'] ?? NaN), goal: { atMost: 5 } })
}

function reportNoise(report: Report, without: Runs, withNoise: Runs): void {
  const grown = (side: Side) => {
    const [before, after] = [without.get(side), withNoise.get(side)]
    return before && after && after.usage.peakRssMib - before.usage.peakRssMib
  }
  report.figure({ work: `recommender: peak RSS added by ${FINISHED_PODS} finished and ${UNRELATED_PODS} unrelated pods`, unit: 'MiB', go: grown('go'), ours: grown('ours') ?? NaN, goal: { atMost: 10 } })
}

function figureOf(runs: Runs, work: string, unit: string, of: (run: Run) => number): Figure {
  const [go, ours] = [runs.get('go'), runs.get('ours')]
  return { work, unit, go: go && of(go), ours: ours ? of(ours) : NaN }
}

const FINISHED_PODS = 8000
const UNRELATED_PODS = 10_000

async function createNoise(bench: Bench, admin: Admin): Promise<void> {
  bench.say(`recommender: ${FINISHED_PODS} finished and ${UNRELATED_PODS} unrelated pods`)
  await admin.create(namespaceManifest('noise'))
  const usage = { cpuMillicores: 20, memoryBytes: 5e7 }
  await createPods(admin, { namespace: 'noise', prefix: 'job', labels: (index) => ({ 'job-name': `job-${index}` }), usage, isFinished: true }, range(0, FINISHED_PODS))
  await createPods(admin, { namespace: 'noise', prefix: 'other', labels: (index) => ({ app: `other-${Math.floor(index / 2)}` }), usage }, range(0, UNRELATED_PODS))
  await untilPodsRun(bench, admin, 'noise', UNRELATED_PODS)
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index)
}
