import { setTimeout as sleep } from 'node:timers/promises'
import type { Faults } from '@vpa/sandbox/faults.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { reportLine } from './report.ts'
import { type SandboxCluster, openSandboxCluster } from './sandbox-cluster.ts'
import { Trial } from './trial.ts'

/** `CHAOS_SECONDS=30` for the long form. */
const SECONDS = Number(process.env['CHAOS_SECONDS'] ?? 2)
const IS_LONG = SECONDS >= 30
const PAUSE_MS = 250
const MOST_LOST = 1
/** The programs wait two minutes for a watch that is silent. */
const SILENCE_ENDS_MS = 125_000

let cluster: SandboxCluster
let trial: Trial

beforeAll(async () => {
  cluster = await openSandboxCluster()
  cluster.sandbox.load('chaos', { app: 'steady' }, 'app', () => ({ cpuMillicores: 50, memoryBytes: 50_000_000 }))
  trial = await Trial.start(cluster)
}, 420_000)

afterAll(async () => {
  await trial?.stop()
  await cluster?.close()
})

/** What is done again and again; the number of faults that it makes. */
type Blow = (faults: Faults) => number

const METRICS = /metrics\.k8s\.io/
const WRITES = /\/(status|eviction|leases|verticalpodautoscalercheckpoints)/

interface Special {
  readonly samplesMayBeLost?: true
  /** How long the last fault goes on after it was made. */
  readonly lastsMs?: number
}

const SCENARIOS: readonly (readonly [string, Blow, Special?])[] = [
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
]
const LONG: typeof SCENARIOS = [['connections half open', (faults) => faults.freezeWatches(), { lastsMs: SILENCE_ENDS_MS }]]

test.for(IS_LONG ? [...SCENARIOS, ...LONG] : SCENARIOS)('%s', { timeout: 400_000 }, async ([scenario, blow, { samplesMayBeLost = false, lastsMs = 0 } = {}]) => {
  const { faults } = cluster.sandbox
  const report = await trial.run(scenario, async () => {
    let count = 0
    for (const end = Date.now() + SECONDS * 1000; Date.now() < end; await sleep(PAUSE_MS)) count += blow(faults)
    faults.clear()
    await sleep(lastsMs)
    return count
  })
  console.log(reportLine(report))
  expect(report.missed).toBe(0)
  expect(report.evictionsBeyondBudget).toBe(0)
  expect(report.crashes).toBe(0)
  expect(report.samplesLost).toBeGreaterThanOrEqual(0)
  expect(report.samplesLost).toBeLessThanOrEqual(samplesMayBeLost ? report.measurements : MOST_LOST + Math.ceil(SECONDS / 2))
})

test('clocks set an hour ahead, and back', { timeout: 300_000 }, async () => {
  const report = await trial.run('clocks set an hour ahead, and back', () => trial.misleadClocks(SECONDS * 1000))
  console.log(reportLine(report))
  expect(report).toMatchObject({ missed: 0, evictionsBeyondBudget: 0, crashes: 0 })
  expect(report.samplesLost).toBeGreaterThanOrEqual(0)
  expect(report.samplesLost).toBeLessThanOrEqual(MOST_LOST + Math.ceil(SECONDS / 2))
})
