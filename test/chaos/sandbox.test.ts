import { setTimeout as sleep } from 'node:timers/promises'
import type { Faults } from '@vpa/sandbox/faults.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { harmIn, reportLine } from './report.ts'
import { type SandboxCluster, openSandboxCluster } from './sandbox-cluster.ts'
import { Trial } from './trial.ts'

/** `CHAOS_SECONDS=30` for the long form. */
const SECONDS = Number(process.env['CHAOS_SECONDS'] ?? 2)
const IS_LONG = SECONDS >= 30
const PAUSE_MS = 250
/** The programs wait two minutes for a watch that is silent. */
const SILENCE_ENDS_MS = 125_000

let cluster: SandboxCluster
let trial: Trial

beforeAll(async () => {
  cluster = await openSandboxCluster()
  trial = await Trial.start(cluster)
}, 420_000)

afterAll(async () => {
  await trial?.stop()
  await cluster?.close()
})

/** What is done again and again. */
type Blow = (faults: Faults) => void

const METRICS = /metrics\.k8s\.io/
const WRITES = /\/(status|eviction|leases|verticalpodautoscalercheckpoints)/

interface Special {
  /** The recommender cannot read usage. */
  readonly unread?: true
  /** How long the last fault goes on after it was made. */
  readonly lastsMs?: number
}

/** Watches are dropped as well where answers fail: one that is open needs none. */
const SCENARIOS: readonly (readonly [string, Blow, Special?])[] = [
  ['watches dropped', (faults) => faults.dropWatches()],
  ['410 storm', (faults) => { faults.compact(); faults.dropWatches() }],
  ['torn and slow chunks', (faults) => faults.tearChunks({ bytes: 100, pause: 5 })],
  ['events twice and out of order', (faults) => { faults.duplicateEvents(5); faults.reorderEvents(5) }],
  ['garbage in watches', (faults) => faults.garbageLine()],
  ['429 with Retry-After', (faults) => { faults.respond({ path: /^/, status: 429, reason: 'TooManyRequests', retryAfterSeconds: 1, times: 5 }); faults.dropWatches() }, { unread: true }],
  ['500 to everything', (faults) => { faults.respond({ path: /^/, status: 500, reason: 'InternalError', times: 10 }); faults.dropWatches() }, { unread: true }],
  ['500 to writes', (faults) => faults.respond({ path: WRITES, status: 500, reason: 'InternalError', times: 5 })],
  ['lists truncated, and watches dropped', (faults) => { faults.spoil({ path: /s$/, as: 'truncated', times: 5 }); faults.compact(); faults.dropWatches() }, { unread: true }],
  ['answers that are no JSON', (faults) => { faults.spoil({ path: /^/, as: 'garbage', times: 5 }); faults.compact(); faults.dropWatches() }, { unread: true }],
  ['metrics API away', (faults) => faults.respond({ path: METRICS, status: 503, reason: 'ServiceUnavailable' }), { unread: true }],
]
const LONG: typeof SCENARIOS = [['connections half open', (faults) => faults.freezeWatches(), { lastsMs: SILENCE_ENDS_MS }]]

test.for(IS_LONG ? [...SCENARIOS, ...LONG] : SCENARIOS)('%s', { timeout: 400_000 }, async ([scenario, blow, { unread = false, lastsMs = 0 } = {}]) => {
  const { faults } = cluster.sandbox
  const report = await trial.run(scenario, async () => {
    const before = faults.made
    for (const end = Date.now() + SECONDS * 1000; Date.now() < end; await sleep(PAUSE_MS)) blow(faults)
    faults.clear()
    await sleep(lastsMs)
    return faults.made - before
  }, { unread })
  console.log(reportLine(report))
  expect(harmIn(report)).toEqual([])
})

test('clocks set an hour ahead, and back', { timeout: 300_000 }, async () => {
  const report = await trial.run('clocks set an hour ahead, and back', () => trial.misleadClocks(SECONDS * 1000))
  console.log(reportLine(report))
  expect(harmIn(report)).toEqual([])
})
