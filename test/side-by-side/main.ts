/**
 * The Go recommender and ours side by side on one real control plane: two VPAs on each workload, one for either
 * recommender, the same interval, usage that changes all the time. What both publish and keep must be the same.
 *
 *   npm run side-by-side -- [--minutes 10] [--vpas 50] [--keep]
 *
 * Then the checkpoints are exchanged: Go's go to ours and ours to Go's, both start anew without metrics, and must
 * recommend the same from what the other has written; and again when metrics are back.
 *
 * A pair is compared when both have taken the same samples (their checkpoints say so) and nothing has changed for more
 * than one interval: metrics are renewed every 15 s and read by both every 3 s, so that each reads all.
 *
 * Exit codes: 1 there are differences that are not by design, 3 there is no control plane here, or no Go implementation.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { PODS } from '@vpa/kube/resources.ts'
import { type Admin, forEach } from '../bench/admin.ts'
import { Bench } from '../bench/bench.ts'
import { openControlPlane } from '../bench/control-plane.ts'
import { type MeasuredProgram, until } from '../bench/measured-program.ts'
import { Trio } from '../bench/trio.ts'
import { usageAnnotations } from '../bench/workload.ts'
import { Pairs } from './pairs.ts'

const INTERVAL_SECONDS = 3
const METRIC_RESOLUTION_SECONDS = 15
/** Days of history in minutes: samples lose weight, and memory has several peaks. */
const FLAGS = {
  'recommender-interval': `${INTERVAL_SECONDS}s`,
  'cpu-histogram-decay-half-life': '5m',
  'memory-histogram-decay-half-life': '5m',
  'memory-aggregation-interval': '1m',
  'confidence-interval-cpu': '10m',
  'confidence-interval-memory': '10m',
  'kube-api-qps': 1000,
  'kube-api-burst': 2000,
}
const LOAD_STEP_SECONDS = 5
const MINUTE_MS = 60_000
const METRICS_API = '/apis/apiregistration.k8s.io/v1/apiservices'

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, vpas: { type: 'string', default: '50' }, keep: { type: 'boolean', default: false } },
})

await Bench.run(async (bench) => {
  const [minutes, count] = [positive('minutes', values.minutes), positive('vpas', values.vpas)]
  const { kubeconfig, admin, directory } = await openControlPlane(bench, { nodes: 2, metricResolutionSeconds: METRIC_RESOLUTION_SECONDS, keep: values.keep })
  const trio = await Trio.open(bench, { kubeconfig, directory })
  const startBoth = () => Promise.all((['go', 'ours'] as const).map((side) => trio.start(side, 'recommender', { ...FLAGS, 'recommender-name': side })))

  const pairs = new Pairs(admin, bench, count)
  bench.say(`${count} workloads, two VPAs each`)
  const first = await startBoth()
  await pairs.create()
  await until('all pods run', 2 * MINUTE_MS, async () => (await admin.runningPods(pairs.namespace)).length === pairs.podCount)

  const end = Date.now() + minutes * MINUTE_MS
  const load = changeUsage(pairs, admin, () => Date.now() < end && !bench.signal.aborted)
  while (Date.now() < end) {
    await sleep(Math.min(MINUTE_MS, Math.max(0, end - Date.now())))
    for (const program of first) program.check()
    await pairs.compare(`after ${Math.round(minutes - (end - Date.now()) / MINUTE_MS)} min`)
  }
  await load
  await exchange(bench, { pairs, admin, before: first, startBoth })
  return pairs.close()
})

async function changeUsage(pairs: Pairs, admin: Admin, goesOn: () => boolean): Promise<void> {
  for (let second = 0; goesOn(); second += LOAD_STEP_SECONDS) {
    await forEach(await admin.runningPods(pairs.namespace), (pod) => admin.mergePatch(PODS, pod, { body: { metadata: { annotations: usageAnnotations(pairs.usageOf(pod, second)) } } }))
    await sleep(LOAD_STEP_SECONDS * 1000)
  }
}

interface Exchange {
  readonly pairs: Pairs
  readonly admin: Admin
  readonly before: readonly MeasuredProgram[]
  readonly startBoth: () => Promise<readonly MeasuredProgram[]>
}

async function exchange(bench: Bench, { pairs, admin, before, startBoth }: Exchange): Promise<void> {
  bench.say('exchanging checkpoints: both stop, each gets what the other has written, there are no metrics')
  const metricsApi = await withoutMetrics(pairs, admin)
  await Promise.all(before.map((program) => program.stop()))
  const recommended = await pairs.recommended()
  await pairs.exchangeCheckpoints()
  await pairs.clearStatuses()
  const programs = await startBoth()
  await until('both recommend from checkpoints', 2 * MINUTE_MS, async () => (await pairs.recommended()) === recommended)
  await pairs.compare('checkpoints exchanged, no metrics')

  bench.say('metrics are back')
  await admin.request({ method: 'POST', path: METRICS_API, body: metricsApi })
  await sleep(4 * METRIC_RESOLUTION_SECONDS * 1000)
  for (const program of programs) program.check()
  await pairs.compare('checkpoints exchanged, with metrics')
}

/**
 * Takes the metrics API away at a moment when both recommenders have read the same.
 *
 * @returns its registration, to give it back
 */
async function withoutMetrics(pairs: Pairs, admin: Admin): Promise<object> {
  const name = 'v1beta1.metrics.k8s.io'
  const { metadata: _, ...rest } = await admin.request<{ metadata: object }>({ path: `${METRICS_API}/${name}` })
  const registration = { ...rest, metadata: { name } }
  for (let tries = 0; tries < 10; tries += 1) {
    await pairs.settled()
    await admin.request({ method: 'DELETE', path: `${METRICS_API}/${name}` })
    await sleep(2 * INTERVAL_SECONDS * 1000)
    if (await pairs.settled()) return registration
    await admin.request({ method: 'POST', path: METRICS_API, body: registration })
    await sleep(METRIC_RESOLUTION_SECONDS * 1000)
  }
  throw new Error('the recommenders never read the same metrics before there were none')
}

function positive(flag: string, text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new Error(`--${flag}: expected a positive number, got ${JSON.stringify(text)}`)
  return value
}
