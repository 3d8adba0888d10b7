import { setTimeout as sleep } from 'node:timers/promises'
import type { Faults } from '@vpa/sandbox/faults.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { reportLine } from './report.ts'
import { type SandboxCluster, openSandboxCluster } from './sandbox-cluster.ts'
import { Trial } from './trial.ts'

/** `CHAOS_SECONDS=30` for the long form. */
const SECONDS = Number(process.env['CHAOS_SECONDS'] ?? 2)
const PAUSE_MS = 250
const MOST_LOST = 1

let cluster: SandboxCluster
let trial: Trial

beforeAll(async () => {
  cluster = await openSandboxCluster()
  cluster.sandbox.load('chaos', { app: 'steady' }, 'app', () => ({ cpuMillicores: 50, memoryBytes: 50_000_000 }))
  trial = await Trial.start(cluster)
}, 120_000)

afterAll(async () => {
  await trial?.stop()
  await cluster?.close()
})

/** What is done again and again; the number of faults that it makes. */
type Blow = (faults: Faults) => number

const METRICS = /metrics\.k8s\.io/
const WRITES = /\/(status|eviction|leases|verticalpodautoscalercheckpoints)/

test.for<readonly [string, Blow, { readonly samplesMayBeLost?: true }?]>([
  ['nothing', () => 0],
  ['watches dropped', (faults) => faults.dropWatches()],
  ['410 storm', (faults) => { faults.compact(); return faults.dropWatches() }],
  ['torn and slow chunks', (faults) => { faults.tearChunks({ bytes: 100, pause: 5 }); return 1 }],
  ['events twice and out of order', (faults) => { faults.duplicateEvents(5); faults.reorderEvents(5); return 10 }],
  ['garbage in watches', (faults) => { faults.garbageLine(); return 1 }],
  ['429 with Retry-After', (faults) => { faults.respond({ path: /^/, status: 429, reason: 'TooManyRequests', retryAfterSeconds: 1, times: 5 }); return 5 }],
  ['500 to everything', (faults) => { faults.respond({ path: /^/, status: 500, reason: 'InternalError', times: 10 }); return 10 }],
  ['500 to writes', (faults) => { faults.respond({ path: WRITES, status: 500, reason: 'InternalError', times: 5 }); return 5 }],
  ['lists truncated, and watches dropped', (faults) => { faults.spoil({ path: /s$/, as: 'truncated', times: 5 }); faults.compact(); return 5 + faults.dropWatches() }],
  ['answers that are no JSON', (faults) => { faults.spoil({ path: /^/, as: 'garbage', times: 5 }); return 5 }],
  ['metrics API away', (faults) => { faults.respond({ path: METRICS, status: 503, reason: 'ServiceUnavailable' }); return 1 }, { samplesMayBeLost: true }],
])('%s', { timeout: 150_000 }, async ([scenario, blow, { samplesMayBeLost = false } = {}]) => {
  const { faults } = cluster.sandbox
  const report = await trial.run(scenario, async () => {
    let count = 0
    for (const end = Date.now() + SECONDS * 1000; Date.now() < end; await sleep(PAUSE_MS)) count += blow(faults)
    faults.clear()
    return count
  })
  console.log(reportLine(report))
  expect(report.missed).toBe(0)
  expect(report.evictionsBeyondBudget).toBe(0)
  expect(report.crashes).toBe(0)
  expect(report.samplesLost).toBeGreaterThanOrEqual(0)
  expect(report.samplesLost).toBeLessThanOrEqual(samplesMayBeLost ? report.measurements : MOST_LOST + Math.ceil(SECONDS / 2))
})
