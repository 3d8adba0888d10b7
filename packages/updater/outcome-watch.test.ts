import type { Pod } from '@vpa/core/api/pod.ts'
import { quantityOfMillis } from '@vpa/core/quantity.ts'
import { HOUR, MINUTE, SECOND } from '@vpa/core/time.ts'
import type { OutcomeOptions } from '@vpa/core/update/outcome-check.ts'
import type { Cluster } from '@vpa/kube/cluster.ts'
import { LimitsByNamespace } from '@vpa/kube/limits-by-namespace.ts'
import { Registry } from 'prom-client'
import { expect, test, vi } from 'vitest'
import { PATIENCE } from '../../test/support/patience.ts'
import { silentLog } from '../../test/support/recorded-log.ts'
import { type Scene, admitAs, podNames, recommend, renewLease, scene, setStatus, until } from '../../test/support/updater-scene.ts'
import { Metrics } from './metrics.ts'
import { OutcomeWatch } from './outcome-watch.ts'

const outcome: OutcomeOptions = { breakerThreshold: 3, backOffBase: 5 * MINUTE, backOffCap: 6 * HOUR, flappingWindow: HOUR }
const TARGET = { cpu: '500m', memory: '200Mi' }
const VPAS = ['a', 'b', 'c', 'd', 'e', 'f']

/** Loops, a minute apart. */
async function loops({ clock, sandbox, tick }: Pick<Scene, 'clock' | 'sandbox' | 'tick'>, count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) {
    await renewLease(sandbox, clock)
    await tick()
    await clock.advance(MINUTE)
  }
}

function evictions({ logged }: Scene): number {
  return logged.filter(({ message }) => message === 'Evicting pod').length
}

function applyFailed({ cluster }: Scene) {
  return [...cluster.vpas.list()].flatMap(({ name, status }) => (status.conditions ?? []).filter(({ type }) => type === 'ApplyFailed').map(({ reason, message }) => ({ name, reason, message })))
}

test('a webhook that admits pods unchanged costs a handful of them in half an hour, where half of all would be evicted in every loop', async () => {
  const facts = await scene({ names: VPAS, kind: 'ReplicaSet', replicas: 4, outcome })
  await loops(facts, 30)
  expect(evictions(facts)).toBe(5)
  await until(facts.cluster.vpas, () => applyFailed(facts).length >= 3)
  const [first] = applyFailed(facts)
  expect(first?.reason).toBe('NotAdmitted')
  expect(first?.message).toMatch(/^Pod .*, which replaced evicted pod .*, does not have what is recommended: container app requests cpu 100m instead of 500m\. .* Next attempt after 2026-03-01T/)
  const metrics = await facts.registry.metrics()
  expect(metrics).toContain('vpa_updater_evictions_stopped 1')
  expect(metrics).toMatch(/vpa_updater_decisions_total\{decision="nothing",why="breaker-open"\} [1-9]/)
  const told = facts.sandbox.list('Event', 'default').filter(({ reason }) => reason === 'ApplyFailed' || reason === 'EvictionsStopped')
  expect(told.length).toBeGreaterThan(0)

  const careless = await scene({ names: VPAS, kind: 'ReplicaSet', replicas: 4 })
  await loops(careless, 3)
  expect(evictions(careless)).toBe(3 * 2 * VPAS.length)
})

test('pods that come back as recommended let a loop do all it may', async () => {
  const facts = await scene({ names: VPAS, kind: 'ReplicaSet', replicas: 4, outcome })
  for (const name of VPAS) await admitAs(facts.sandbox, name, TARGET)
  await loops(facts, 1)
  expect(evictions(facts)).toBe(2 * VPAS.length)
  expect(applyFailed(facts)).toEqual([])
  expect(await facts.registry.metrics()).toContain('vpa_updater_eviction_outcomes_total{outcome="applied"}')
})

test('a clock that was an hour ahead for a while holds up no eviction', async () => {
  const names = VPAS.slice(0, 3)
  const facts = await scene({ names, kind: 'ReplicaSet', replicas: 4, outcome })
  for (const name of names) await admitAs(facts.sandbox, name, TARGET)
  const loopWhileTimePasses = async () => {
    await renewLease(facts.sandbox, { now: () => facts.clock.now() + facts.own.ahead })
    const loop = { isOver: false }
    void facts.tick().then(() => (loop.isOver = true))
    while (!loop.isOver) await facts.clock.advance(SECOND)
    await facts.clock.advance(MINUTE)
  }
  facts.own.ahead = HOUR
  await loopWhileTimePasses()
  expect(evictions(facts)).toBe(2 * names.length)
  facts.own.ahead = 0
  for (let count = 0; count < 3; count += 1) await loopWhileTimePasses()
  expect(evictions(facts)).toBe(4 * names.length)
})

/** As those before the webhook was there. */
async function admitUnchanged(sandbox: Scene['sandbox'], name: string): Promise<void> {
  const { spec } = sandbox.get('ReplicaSet', { namespace: 'default', name }) as unknown as { spec: object }
  const template = { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'app', image: 'app', resources: { requests: { cpu: '100m', memory: '200Mi' } } }] } }
  await sandbox.apply({ apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { namespace: 'default', name }, spec: { ...spec, template } })
}

async function scale(sandbox: Scene['sandbox'], name: string, replicas: number): Promise<void> {
  const { spec } = sandbox.get('ReplicaSet', { namespace: 'default', name }) as unknown as { spec: object }
  await sandbox.apply({ apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { namespace: 'default', name }, spec: { ...spec, replicas } })
}

const CLOCKS = [['ten minutes behind', -10 * MINUTE], ['right', 0], ['ten minutes ahead', 10 * MINUTE]] as const

/** Half of four pods came as recommended; five minutes later the webhook has failed, and so has the next eviction. */
async function failedAfterSuccess(ahead: number): Promise<{ facts: Scene; loop: Pick<Scene, 'clock' | 'sandbox' | 'tick'> }> {
  const facts = await scene({ kind: 'ReplicaSet', replicas: 4, outcome })
  facts.own.ahead = ahead
  const loop = { ...facts, clock: { ...facts.clock, now: () => facts.clock.now() + ahead }, tick: facts.restart() }
  await admitAs(facts.sandbox, 'web', TARGET)
  await loops(loop, 1)
  expect(evictions(facts)).toBe(2)
  await facts.clock.advance(4 * MINUTE)
  await admitUnchanged(facts.sandbox, 'web')
  await loops(loop, 1)
  expect(evictions(facts)).toBe(3)
  await until(facts.cluster.vpas, () => applyFailed(facts).length === 1)
  return { facts, loop }
}

test.for(CLOCKS)('an updater whose clock is %s does not take a good pod from before a failure for news, neither after a restart', async ([, ahead]) => {
  const { facts, loop } = await failedAfterSuccess(ahead)
  await loops(loop, 2)
  await loops({ ...loop, tick: facts.restart() }, 3)
  expect(evictions(facts)).toBe(3)
  expect(applyFailed(facts)).toMatchObject([{ reason: 'NotAdmitted' }])
})

test.for(CLOCKS)('an updater whose clock is %s ends the back-off when a good pod comes', async ([, ahead]) => {
  const { facts, loop } = await failedAfterSuccess(ahead)
  await admitAs(facts.sandbox, 'web', TARGET)
  await scale(facts.sandbox, 'web', 5)
  await facts.clock.advance(10 * SECOND)
  await until(facts.cluster.pods, () => facts.cluster.pods.size === 5)
  await loops(loop, 1)
  await vi.waitFor(() => expect(applyFailed(facts)).toEqual([]), PATIENCE)
})

test('once the webhook works again, a probe finds out, and conditions go away', async () => {
  const facts = await scene({ names: VPAS, kind: 'ReplicaSet', replicas: 2, outcome })
  await loops(facts, 2)
  await until(facts.cluster.vpas, () => applyFailed(facts).length >= 3)
  for (const name of VPAS) await admitAs(facts.sandbox, name, TARGET)
  await loops(facts, 20)
  await until(facts.cluster.vpas, () => applyFailed(facts).length === 0)
  const requests = facts.sandbox.list('Pod', 'default').flatMap(({ spec }) => (spec as { containers: { resources: { requests: object } }[] }).containers.map(({ resources }) => resources.requests))
  expect(requests).toEqual(requests.map(() => TARGET))
})

test('an updater that has just started knows from the conditions what failed before', async () => {
  const facts = await scene({ names: VPAS, kind: 'ReplicaSet', replicas: 2, outcome })
  await loops(facts, 2)
  await until(facts.cluster.vpas, () => applyFailed(facts).length >= 3)
  const before = evictions(facts)
  await loops({ ...facts, tick: facts.restart() }, 2)
  expect(evictions(facts)).toBe(before)
})

test('an updater that takes over tries again no earlier than the condition says, and then waits longer than the former one had', async () => {
  const facts = await scene({ kind: 'ReplicaSet', replicas: 4, outcome })
  await loops(facts, 20)
  expect(evictions(facts)).toBe(3)
  const { nextAttempt } = facts.logged.findLast((line) => 'nextAttempt' in line) as unknown as { nextAttempt: string }
  await until(facts.cluster.vpas, () => applyFailed(facts).some(({ message }) => message.includes(nextAttempt.replace('.000', ''))))
  const successor = { ...facts, tick: facts.restart() }
  while (facts.clock.now() < Date.parse(nextAttempt)) await loops(successor, 1)
  expect(evictions(facts)).toBe(3)
  await loops(successor, 2)
  expect(evictions(facts)).toBe(4)
  await loops(successor, 35)
  expect(evictions(facts)).toBe(4)
})

test.for(['while it runs', 'as it starts'])('a target that cannot be found for a moment %s does not make a VPA try again before its time', async (when) => {
  const away = { now: false }
  const seen = (cluster: Cluster): Cluster => ({ ...cluster, workload: (namespace, ref) => (away.now ? { failed: 'etcd is away' } : cluster.workload(namespace, ref)) })
  const facts = await scene({ kind: 'ReplicaSet', replicas: 4, outcome, seen })
  await loops(facts, 1)
  await until(facts.cluster.vpas, () => applyFailed(facts).length === 1)
  const before = evictions(facts)
  const tick = when === 'as it starts' ? facts.restart() : facts.tick
  away.now = true
  await loops({ ...facts, tick }, 1)
  away.now = false
  await loops({ ...facts, tick }, 1)
  expect(evictions(facts)).toBe(before)
  expect(applyFailed(facts)).toHaveLength(1)
})

test('an updater that does not look at outcomes withdraws what was told, and is not held back by it', async () => {
  const facts = await scene({ replicas: 4 })
  const told = { type: 'ApplyFailed', status: 'True', reason: 'NotAdmitted', message: 'Next attempt after 2099-01-01T00:00:00Z.', lastTransitionTime: '2026-03-01T00:00:00Z' }
  await setStatus(facts.sandbox, 'web', { conditions: [told] })
  await until(facts.cluster.vpas, () => applyFailed(facts).length === 1)
  await facts.tick()
  expect(evictions(facts)).toBe(2)
  await until(facts.cluster.vpas, () => applyFailed(facts).length === 0)
})

test('a controller that brings no pod back is told, and not asked for more', async () => {
  const { cluster, clock } = await scene({ kind: 'ReplicaSet', replicas: 4 })
  const [pod, ...others] = [...cluster.pods.list()]
  const [vpa] = [...cluster.vpas.list()]
  const pods = { ...cluster.pods, list: () => others, subscribe: () => () => {} } as unknown as Cluster['pods']
  const { signal } = new AbortController()
  const watch = new OutcomeWatch({ cluster: { ...cluster, pods }, limits: new LimitsByNamespace(cluster.limitRanges), log: silentLog, clock, metrics: new Metrics(new Registry(), clock), outcome, signal })
  const plan = { vpa: vpa!, pod: pod!, podsBefore: new Set<string>(), groupSize: 4, directions: new Map(), urgent: false }
  const podsOf = new Map([[vpa!, others]])
  watch.beginLoop(podsOf, [vpa!])
  expect(await watch.admit(plan, signal)).toMatchObject({ granted: { group: 'default/ReplicaSet/web' } })

  const next = watch.admit(plan, signal)
  await clock.advance(10 * SECOND)
  expect(await next).toEqual({ held: 'replacement-awaited' })
  await clock.advance(4 * MINUTE)
  watch.beginLoop(podsOf, [vpa!])
  expect(watch.isInTrouble(vpa!)).toBe(false)
  await clock.advance(MINUTE)
  watch.beginLoop(podsOf, [vpa!])
  expect(watch.isInTrouble(vpa!)).toBe(true)
})

test('a recommendation that turns around is told to be flapping', async () => {
  const facts = await scene({ kind: 'ReplicaSet', replicas: 2, outcome })
  await admitAs(facts.sandbox, 'web', TARGET)
  await loops(facts, 3)
  const before = evictions(facts)
  await recommend(facts.sandbox, 'web', { cpu: '50m', memory: '200Mi' })
  await until(facts.cluster.vpas, () => [...facts.cluster.vpas.list()].every(({ status }) => status.recommendation?.containerRecommendations?.[0]?.target?.['cpu']?.nanos === 50_000_000n))
  await loops(facts, 2)
  expect(evictions(facts)).toBe(before)
  await vi.waitFor(() => expect(applyFailed(facts)).toMatchObject([{ name: 'web', reason: 'Flapping' }]), PATIENCE)
})

const bounds = (upper: string) => ({ recommendation: { containerRecommendations: [{ containerName: 'app', target: { cpu: '150m' }, lowerBound: { cpu: '150m' }, upperBound: { cpu: upper } }] } })

test('a pod that had no node yet when others were evicted is none of those that came instead: it is no flapping when it goes the other way', async () => {
  let [large, hasNode] = ['', false]
  const asSeen = (pod: Pod) => (pod.name === large ? { ...pod, nodeName: hasNode ? pod.nodeName : undefined, containerStatuses: [], containers: pod.containers.map((app) => ({ ...app, requests: { cpu: quantityOfMillis(200) } })) } : pod)
  const seen = (cluster: Cluster): Cluster => ({ ...cluster, pods: { ...cluster.pods, list: () => [...cluster.pods.list()].map(asSeen), subscribe: (listener) => cluster.pods.subscribe(listener) } as Cluster['pods'] })
  const facts = await scene({ kind: 'ReplicaSet', replicas: 4, outcome, seen })
  const { sandbox, cluster } = facts
  const first = podNames(facts)
  large = first[0]!
  await admitAs(sandbox, 'web', { cpu: '150m' })
  await setStatus(sandbox, 'web', bounds('300m'))
  await loops(facts, 6)
  expect(podNames(facts).filter((name) => first.includes(name))).toEqual([large])

  hasNode = true
  await setStatus(sandbox, 'web', bounds('160m'))
  await until(cluster.vpas, () => cluster.vpas.get('default', 'web')?.status.recommendation?.containerRecommendations?.[0]?.upperBound?.['cpu']?.nanos === 160_000_000n)
  await loops(facts, 1)
  expect(applyFailed(facts)).toEqual([])
  expect(podNames(facts)).not.toContain(large)
})
