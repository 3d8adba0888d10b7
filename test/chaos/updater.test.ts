import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { HOUR, MINUTE, SECOND } from '@vpa/core/time.ts'
import { systemClock } from '@vpa/kube/clock.ts'
import type { Cluster } from '@vpa/kube/cluster.ts'
import { connect } from '@vpa/kube/connect.ts'
import { type Sandbox, startSandbox } from '@vpa/sandbox/sandbox.ts'
import * as fc from 'fast-check'
import { Registry } from 'prom-client'
import { expect, onTestFinished, test } from 'vitest'
import type { FakeClock } from '../support/fake-clock.ts'
import { PodHistory } from '../support/pod-history.ts'
import { Program } from '../support/program.ts'
import { silentLog } from '../support/recorded-log.ts'
import { admitAs, deploy, recommend, renewLease, scene } from '../support/updater-scene.ts'

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f']
const REPLICAS = 4
const WANTED = { cpu: '300m', memory: '200Mi' }
const PODS_OF_ALL = NAMES.length * REPLICAS
const outcome = { breakerThreshold: 3, backOffBase: 5 * MINUTE, backOffCap: 6 * HOUR, flappingWindow: HOUR }

/**
 * What must hold whatever goes wrong: at least half of each group runs at any moment, and who leaves is one of the first pods:
 * no replacement is evicted, and no pod is evicted a second time.
 */
function expectNoHarm(history: PodHistory, sandbox: Sandbox): void {
  expect(Math.min(...history.fewest.values())).toBeGreaterThanOrEqual(REPLICAS / 2)
  const left = history.states('default').filter((states) => states.some(({ deleting }) => deleting))
  expect(left.filter(([{ containers }]) => containers[0]?.requests?.['cpu']?.nanos !== 100_000_000n)).toEqual([])
  const evicted = sandbox.list('Event', 'default').filter(({ reason }) => reason === 'EvictedByVPA').map((event) => (event['involvedObject'] as { uid: string }).uid)
  expect(new Set(evicted).size).toBe(evicted.length)
}

/** Lets time go on, half a second in each 10 ms, while a loop waits for replacements. */
async function withTime(clock: FakeClock, loop: Promise<void>): Promise<void> {
  const over = loop.then(() => true)
  while (!(await Promise.race([over, sleep(10)]))) await clock.advance(SECOND / 2)
}

/** What may go wrong in one loop. `lost`: it is done, and nobody says so. */
const FAULTS = ['429', '500', '503', 'lost', 'watches dropped', 'watches dropped for good', 'updater restarted'] as const

test.for([['with', { outcome }], ['without', {}]] as const)('evictions that are refused, fail or get lost, watches that break, restarts: no group loses more than it can spare, %s a look at the outcome', { timeout: 180_000 }, async ([, check]) => {
  const faults = fc.array(fc.tuple(fc.constantFrom(...FAULTS), fc.integer({ min: 1, max: 6 })), { minLength: 3, maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(faults, async (faults) => {
      let lost = 0
      const losing = (cluster: Cluster): Cluster => ({
        ...cluster,
        async evict(pod) {
          const answer = await cluster.evict(pod)
          if (lost === 0) return answer
          lost -= 1
          return { outcome: 'unknown', message: 'socket hang up' }
        },
      })
      const facts = await scene({ names: NAMES, kind: 'ReplicaSet', replicas: REPLICAS, target: WANTED, ...check, seen: losing })
      const { sandbox, clock, cluster, restart } = facts
      const history = new PodHistory(cluster)
      for (const name of NAMES) await admitAs(sandbox, name, WANTED)
      let tick = facts.tick
      const loop = async () => {
        await renewLease(sandbox, clock)
        await withTime(clock, tick())
        await clock.advance(MINUTE)
        expectNoHarm(history, sandbox)
      }
      for (const [fault, times] of faults) {
        if (/^\d/.test(fault)) sandbox.faults.respond({ path: /eviction$/, status: Number(fault), times })
        else if (fault === 'lost') lost = times
        else if (fault === 'updater restarted') tick = restart()
        else {
          if (fault === 'watches dropped for good') sandbox.faults.compact()
          sandbox.faults.dropWatches()
        }
        await loop()
      }
      for (let quiet = 0; quiet < 10; quiet += 1) await loop()
      const requests = [...cluster.pods.list()].map(({ containers }) => containers[0]?.requests?.['cpu']?.nanos)
      expect(requests).toEqual(Array.from({ length: PODS_OF_ALL }, () => 300_000_000n))
    }),
    { numRuns: 2 },
  )
})

/** The first pods of all groups are out of range, and each one that comes is in it. */
async function realTimeScene() {
  const directory = await mkdtemp(join(tmpdir(), 'chaos-'))
  const kubeconfig = join(directory, 'config')
  const sandbox = await startSandbox({ delays: { start: 50, stop: 50 }, step: 20 })
  await writeFile(kubeconfig, sandbox.kubeconfig)
  for (const name of NAMES) await deploy(sandbox, name, { kind: 'ReplicaSet', replicas: REPLICAS })
  await expect.poll(() => runningPods(sandbox), { timeout: 10_000 }).toBe(PODS_OF_ALL)
  const stop = new AbortController()
  const cluster = await connect({ kubeconfig, qps: 0, burst: 0, source: 'chaos', ignoredNamespaces: [], clock: systemClock, log: silentLog, registry: new Registry(), signal: stop.signal, watch: { pods: { fieldSelector: '' } } })
  const updaters: Program[] = []
  onTestFinished(async () => {
    for (const updater of updaters) await updater.stop('SIGKILL')
    stop.abort()
    await cluster.stop()
    await sandbox.stop()
    await rm(directory, { recursive: true })
  })
  await cluster.synced()
  const history = new PodHistory(cluster)
  for (const name of NAMES) {
    await admitAs(sandbox, name, WANTED)
    await recommend(sandbox, name, WANTED)
  }
  const start = (...flags: string[]) => {
    const updater = new Program('updater', kubeconfig, ['--use-admission-controller-status=false', ...flags])
    updaters.push(updater)
    return updater
  }
  return { sandbox, history, start }
}

test('an updater that is killed again and again in the middle of its work', { timeout: 180_000 }, async () => {
  const { sandbox, history, start } = await realTimeScene()
  let kills = 0
  while (leftOfFirst(sandbox) > 0) {
    const updater = start('--updater-interval=200ms')
    // Each one lives a little longer.
    await expect.poll(() => updater.logged('Evicting pod').length > 2 * kills || leftOfFirst(sandbox) === 0, { timeout: 20_000, interval: 5 }).toBe(true)
    await updater.stop('SIGKILL')
    kills += 1
    expectNoHarm(history, sandbox)
  }
  expect(kills).toBeGreaterThan(1)
  await expect.poll(() => runningPods(sandbox), { timeout: 10_000 }).toBe(PODS_OF_ALL)
  expectNoHarm(history, sandbox)
})

test('an updater that is frozen in the middle of its work, and wakes when another has followed, evicts nothing more', { timeout: 180_000 }, async () => {
  const { sandbox, history, start } = await realTimeScene()
  const elected = ['--leader-elect', '--leader-elect-lease-duration=10s', '--leader-elect-renew-deadline=8s', '--leader-elect-retry-period=1s']
  const former = start(...elected, '--eviction-rate-limit=2', '--verify-outcome=false')
  await expect.poll(() => former.logged('Evicting pod').length, { timeout: 60_000, interval: 5 }).toBeGreaterThan(1)
  former.freeze()
  const next = start(...elected)
  await next.said('Became leader')
  const evicting = former.logged('Evicting pod').length
  expect(evicting).toBeLessThan(PODS_OF_ALL / 2)
  former.thaw()
  await former.ended()
  const notDone = former.logged('Eviction failed').filter(({ why }) => why === 'unreachable').length
  expect(former.logged('Evicting pod').length - notDone).toBe(evicting)
  await expect.poll(() => leftOfFirst(sandbox), { timeout: 60_000 }).toBeLessThanOrEqual(PODS_OF_ALL / 2)
  expectNoHarm(history, sandbox)
})

function runningPods(sandbox: Sandbox): number {
  return sandbox.list('Pod', 'default').filter(({ status, metadata }) => (status as { phase?: string }).phase === 'Running' && metadata.deletionTimestamp === undefined).length
}

function leftOfFirst(sandbox: Sandbox): number {
  return sandbox.list('Pod', 'default').filter(({ spec, metadata }) => JSON.stringify(spec).includes('"cpu":"100m"') && metadata.deletionTimestamp === undefined).length
}
