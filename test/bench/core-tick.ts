/**
 * Turns of the recommender over 100,000 containers, from memory, in a process of its own; prints as JSON what they took.
 *
 *   node core-tick.ts TURNS
 */
import { openSync, writeSync } from 'node:fs'
import { MINUTE } from '@vpa/core/time.ts'
import { parseConfig } from '@vpa/kube/config.ts'
import { createLog } from '@vpa/kube/log.ts'
import { Registry } from 'prom-client'
import { Config, recommenderOptions } from 'vpa-recommender/config.ts'
import { Recorder } from 'vpa-recommender/dashboard/recorder.ts'
import { Metrics } from 'vpa-recommender/metrics.ts'
import { QualityMetrics } from 'vpa-recommender/quality-metrics.ts'
import { Recommender } from 'vpa-recommender/recommender.ts'
import { memoryCluster } from './memory-cluster.ts'

export interface TickResult {
  readonly firstCpuSeconds: number
  /** Median of the later turns. */
  readonly cpuSeconds: number
  readonly peakRssMib: number
  readonly checkpoints: number
  readonly statuses: number
}

const parsed = parseConfig(Config, ['--explain-conditions=true'])
if (!('config' in parsed)) throw new Error('the flags of the bench are wrong')
let now = Date.UTC(2026, 0, 2)
const clock = { now: () => now, uptime: () => now, sleep: async () => {} }
const sink = openSync('/dev/null', 'w')
// Logs are written as in a cluster: their cost is part of a turn's.
const log = createLog({ verbosity: parsed.config.v, format: 'json', clock, destination: { write: (line) => void writeSync(sink, line) } })
const registry = new Registry()
const { cluster, measure, written } = memoryCluster({ namespaces: 50, vpas: 5000, podsPerVpa: 10, containersPerPod: 2 })
const recommender = new Recommender({ cluster, clock, log, options: recommenderOptions(parsed.config), metrics: new Metrics(registry, clock), quality: new QualityMetrics(registry), recorder: new Recorder(MINUTE), signal: new AbortController().signal })

const turns: number[] = []
for (let turn = 0; turn < Number(process.argv[2] ?? 5); turn += 1) {
  now += MINUTE
  measure(now)
  const before = process.cpuUsage()
  await recommender.tick()
  const { user, system } = process.cpuUsage(before)
  turns.push((user + system) / 1e6)
}
const [firstCpuSeconds = NaN, ...later] = turns
const cpuSeconds = later.toSorted((a, b) => a - b)[Math.floor(later.length / 2)] ?? NaN
const result: TickResult = { firstCpuSeconds, cpuSeconds, peakRssMib: process.resourceUsage().maxRSS / 1024, checkpoints: written.checkpoints, statuses: written.statuses }
console.log(JSON.stringify(result))
