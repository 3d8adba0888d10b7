/**
 * What core costs, without a cluster: samples, percentiles, recommendations, matches, patches, memory, one turn of the
 * recommender over 100,000 containers, and one of the updater over 2,000 pods.
 *
 *   npm run bench:core -- [--json FILE]
 *
 * Times are CPU time, so that other work on the machine hardly matters.
 */
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { podPatch } from '@vpa/core/admit/patch.ts'
import { type Pod, projectPod } from '@vpa/core/api/pod.ts'
import { projectVpa } from '@vpa/core/api/vpa.ts'
import { Aggregate } from '@vpa/core/history/aggregate.ts'
import { saveCheckpoint } from '@vpa/core/history/checkpoint.ts'
import { ContainerHistory } from '@vpa/core/history/container.ts'
import { recommend } from '@vpa/core/recommend/recommendation.ts'
import { VpaIndex } from '@vpa/core/target/match.ts'
import type { WorkloadLookup } from '@vpa/core/target/workload.ts'
import { DAY, HOUR, MINUTE } from '@vpa/core/time.ts'
import { parseConfig } from '@vpa/kube/config.ts'
import { ObjectStore } from '@vpa/kube/store.ts'
import { type StoredWorkload, projectWorkload } from '@vpa/kube/workloads.ts'
import { Config, recommenderOptions } from 'vpa-recommender/config.ts'
import { Bench } from './bench.ts'
import type { TickResult } from './core-tick.ts'
import { run } from './measured-program.ts'
import { Report } from './report.ts'

const HALF_LIVES = { cpu: DAY, memory: DAY }
const START = Date.UTC(2026, 0, 1)
const OPTIONS = optionsOf()
/** What hack/Dockerfile makes of the 1000Mi that manifests/recommender.yaml allows. */
const IN_ITS_CONTAINER = ['--max-old-space-size=750', '--max-semi-space-size=8']

await Bench.run(async (bench) => {
  const { values } = parseArgs({ options: { json: { type: 'string' } } })
  const report = new Report()
  bench.say('history and recommendations')
  benchHistory(report)
  bench.say('which VPA a pod belongs to')
  benchMatch(report)
  benchPatch(report)
  bench.say('memory of aggregates')
  benchMemory(report)
  bench.say('turns of the recommender over 100,000 containers')
  await benchTick(report)
  bench.say('loops of the updater over 2,000 pods')
  await benchUpdaterLoop(report)
  report.print()
  if (values.json !== undefined) await report.write(values.json)
  return report.exitCode()
})

function optionsOf() {
  const parsed = parseConfig(Config, [])
  if (!('config' in parsed)) throw new Error('the defaults are wrong')
  return recommenderOptions(parsed.config)
}

/** @returns nanoseconds of CPU time of one call: the least of several runs of some 20 ms each, because noise only adds */
function nanosecondsOf(call: (index: number) => unknown): number {
  let sink: unknown
  const runOf = (count: number) => {
    const before = process.cpuUsage()
    for (let index = 0; index < count; index += 1) sink = call(index)
    const { user, system } = process.cpuUsage(before)
    return ((user + system) * 1000) / count
  }
  runOf(5000)
  const count = Math.max(10, Math.round(2e7 / Math.max(10, runOf(5000))))
  const times = Array.from({ length: 15 }, () => runOf(count))
  if (sink === times) throw new Error('never; it keeps the calls from being optimised away')
  return Math.min(...times)
}

function benchHistory(report: Report): void {
  const aggregate = new Aggregate(HALF_LIVES)
  const container = new ContainerHistory()
  let at = START
  const usage = Array.from({ length: 1024 }, (_, index) => Math.round(500 + 400 * Math.sin(index)))
  const cpuSample = nanosecondsOf((index) => container.addCpu(aggregate, usage[index % 1024] ?? 0, (at += MINUTE)))
  report.figure({ work: 'history: one CPU sample', unit: 'ns', ours: cpuSample })
  const memorySample = nanosecondsOf((index) => container.addMemory(aggregate, { bytes: (usage[index % 1024] ?? 0) * 1e6, at: (at += MINUTE) }, OPTIONS.aggregation))
  report.figure({ work: 'history: one memory sample', unit: 'ns', ours: memorySample })
  report.figure({ work: 'histogram: one percentile', unit: 'ns', ours: nanosecondsOf((index) => aggregate.cpu.percentile((index % 100) / 100)) })
  const usageByContainer = new Map([['app', aggregate]])
  report.figure({ work: 'recommendation of one container', unit: 'ns', ours: nanosecondsOf(() => recommend(usageByContainer, undefined, OPTIONS.recommend)) })
  report.figure({ work: 'checkpoint of one container', unit: 'ns', ours: nanosecondsOf(() => saveCheckpoint(aggregate, at)) })
}

function vpaOf(index: number) {
  const amounts = { cpu: '250m', memory: '300Mi' }
  const recommendation = { containerRecommendations: [{ containerName: 'app', target: amounts, lowerBound: amounts, upperBound: amounts }] }
  return projectVpa({
    apiVersion: 'autoscaling.k8s.io/v1',
    metadata: { namespace: 'default', name: `vpa-${index}`, uid: `${index}` },
    spec: { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: `web-${index}` } },
    status: { recommendation },
  })
}

function podOf(index: number): Pod {
  return projectPod({
    metadata: { namespace: 'default', name: `web-${index}-1`, labels: { app: `web-${index}` }, ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `web-${index}-7c9`, controller: true }] },
    spec: { containers: [{ name: 'app', resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '200m', memory: '256Mi' } } }] },
  })
}

/** ReplicaSet `web-5-7c9` belongs to Deployment `web-5`: two steps up for each pod, from stores as in a program. */
function workloadsOf(count: number): WorkloadLookup {
  const stores = new Map(['Deployment', 'ReplicaSet'].map((kind) => [kind, new ObjectStore<StoredWorkload>((error) => console.error(error))]))
  for (let index = 0; index < count; index += 1) {
    const name = `web-${index}`
    const selector = { matchLabels: { app: name } }
    const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'Deployment', name, controller: true }]
    stores.get('Deployment')?.set(projectWorkload('Deployment', { metadata: { namespace: 'default', name, uid: name }, spec: { selector } }))
    stores.get('ReplicaSet')?.set(projectWorkload('ReplicaSet', { metadata: { namespace: 'default', name: `${name}-7c9`, uid: `${name}-7c9`, ownerReferences }, spec: { selector } }))
  }
  return (namespace, { kind, name }) => {
    const found = stores.get(kind)?.get(namespace, name)
    return found ? { found } : { missing: 'not-found', message: `${kind} ${name} does not exist` }
  }
}

/** A few pods, as upstream's benchmark has one: what is measured is the index, and not how fast memory brings the pods. */
function benchMatch(report: Report): void {
  const times = [10, 100, 1000, 10_000].map((count) => {
    const index = new VpaIndex(Array.from({ length: count }, (_, each) => vpaOf(each)))
    const pods = Array.from({ length: 8 }, (_, each) => podOf(Math.floor((each * count) / 8)))
    const lookup = workloadsOf(count)
    const nanoseconds = nanosecondsOf((each) => {
      const pod = pods[each % 8]
      return pod && index.controllingVpa(pod, lookup)
    })
    report.figure({ work: `VPA of a pod, ${count.toLocaleString('en')} VPAs in its namespace`, unit: 'ns', ours: nanoseconds, goal: { atMost: 1000 } })
    return nanoseconds
  })
  report.figure({ work: 'VPA of a pod, 10,000 VPAs beside 100', unit: 'x', ours: (times[3] ?? NaN) / (times[1] ?? NaN), goal: { atMost: 3 } })
}

function benchPatch(report: Report): void {
  const input = { vpa: vpaOf(1), pod: podOf(1), containerLimits: undefined, podLimits: undefined, startupBoost: { enabled: false, maxAllowed: undefined } }
  report.figure({ work: 'patch of one pod', unit: 'ns', ours: nanosecondsOf(() => podPatch(input)) })
}

function benchMemory(report: Report): void {
  if (globalThis.gc === undefined) throw new Error('run it with node --expose-gc, as npm run bench:core does')
  const count = 20_000
  const before = usedBytes()
  const aggregates = Array.from({ length: count }, (_, index) => {
    const aggregate = new Aggregate(HALF_LIVES)
    for (let hour = 0; hour < 48; hour += 1) {
      aggregate.addCpu(200 + ((index * 31 + hour * 17) % 300), START + hour * HOUR)
      if (hour % 24 === 0) aggregate.addMemoryPeak(3e8 + ((index + hour) % 50) * 1e6, START + (hour + 24) * HOUR)
    }
    return aggregate
  })
  report.figure({ work: 'memory of one aggregate (CPU and memory histogram), two days old', unit: 'bytes', ours: (usedBytes() - before) / aggregates.length })
}

function usedBytes(): number {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

async function benchTick(report: Report): Promise<void> {
  const { code, output } = await run(process.execPath, [...IN_ITS_CONTAINER, fileURLToPath(new URL('core-tick.ts', import.meta.url)), '7'])
  if (code !== 0) throw new Error('the turns of the recommender failed')
  const { cpuSeconds, firstCpuSeconds, peakRssMib } = JSON.parse(output) as TickResult
  report.figure({ work: 'recommender, 100,000 containers from memory: first turn', unit: 'CPU s', ours: firstCpuSeconds })
  report.figure({ work: 'recommender, 100,000 containers from memory: one turn', unit: 'CPU s', ours: cpuSeconds, goal: { atMost: 2 } })
  report.figure({ work: 'recommender, 100,000 containers from memory: peak RSS', unit: 'MiB', ours: peakRssMib, goal: { atMost: 600 } })
}

async function benchUpdaterLoop(report: Report): Promise<void> {
  const { code, output } = await run(process.execPath, [fileURLToPath(new URL('core-updater-loop.ts', import.meta.url))])
  if (code !== 0) throw new Error('the loops of the updater failed')
  report.figure({ work: 'updater, 1,000 VPAs with 2,000 pods out of range, from memory: one loop', unit: 'CPU ms', ours: Number(output), goal: { atMost: 100 } })
}
