/**
 * Loops of the updater over 2,000 pods that are all out of range, whose evictions cost nothing, in a process of its own: finding out
 * whose they are, deciding about each, choosing, logging and counting. Prints the CPU milliseconds of one, the median.
 */
import { openSync, writeSync } from 'node:fs'
import { HOUR, MINUTE } from '@vpa/core/time.ts'
import { createLog } from '@vpa/kube/log.ts'
import { Registry } from 'prom-client'
import { Metrics } from 'vpa-updater/metrics.ts'
import { Updater } from 'vpa-updater/updater.ts'
import { memoryCluster } from './memory-cluster.ts'
import { median } from './report.ts'

const VPAS = 1000
const PODS_PER_VPA = 2
const LOOPS = 31
/** Longer than an evicted pod counts as on its way out: each loop finds all pods. */
const INTERVAL = 3 * MINUTE

let now = Date.UTC(2026, 0, 2)
const clock = { now: () => now, uptime: () => now, sleep: () => new Promise<void>(() => {}) }
const sink = openSync('/dev/null', 'w')
// Logs are written as in a cluster: their cost is part of a loop's.
const log = createLog({ verbosity: 4, format: 'json', clock, destination: { write: (line) => void writeSync(sink, line) } })
const registry = new Registry()
const { cluster } = memoryCluster({ namespaces: 1, vpas: VPAS, podsPerVpa: PODS_PER_VPA, containersPerPod: 1, outOfRange: true })
const updater = new Updater({
  cluster,
  log,
  clock,
  metrics: new Metrics(registry, clock),
  update: { minReplicas: 2, evictionTolerance: 0.5, lifetimeThreshold: 12 * HOUR, minimumDifference: 0.1, evictAfterOomThreshold: 10 * MINUTE, inPlaceSkipDisruptionBudget: false, perVpaConfig: false, waitsForOom: true, startupBoost: false, inPlaceOnly: false },
  rateLimit: { rate: -1, burst: 1 },
  outcome: undefined,
  interval: MINUTE,
  admissionStatus: undefined,
  signal: new AbortController().signal,
})

const times: number[] = []
for (let loop = 0; loop < LOOPS; loop += 1) {
  now += INTERVAL
  const before = process.cpuUsage()
  await updater.tick()
  const { user, system } = process.cpuUsage(before)
  times.push((user + system) / 1000)
}
const evicted = /^vpa_updater_vpas_with_evicted_pods_total\{.*\} (\d+)$/m.exec(await registry.metrics())?.[1]
if (Number(evicted) !== VPAS) throw new Error(`expected an eviction for each of ${VPAS} VPAs in a loop, got ${evicted}`)
console.log(median(times))
