import { MINUTE, SECOND } from '@vpa/core/time.ts'
import type { Cluster, Outcome } from '@vpa/kube/cluster.ts'
import { expect, test, vi } from 'vitest'
import { PATIENCE } from '../../test/support/patience.ts'
import { type Scene, podNames, renewLease, scene, until } from '../../test/support/updater-scene.ts'

/** How many of the pods that were there before have gone. */
async function evictedBy(scene: Scene, ticks = 1): Promise<number> {
  const before = podNames(scene)
  for (let turn = 0; turn < ticks; turn += 1) await scene.tick()
  const after = podNames(scene)
  return before.filter((name) => !after.includes(name)).length
}

test.for([
  ['half of four', {}, 2],
  ['one of three', { replicas: 3 }, 1],
  ['none of one', { replicas: 1 }, 0],
  ['the only one, where the VPA says that one is enough', { replicas: 1, vpa: { updatePolicy: { updateMode: 'Auto', minReplicas: 1 } } }, 1],
  ['none in mode Off', { vpa: { updatePolicy: { updateMode: 'Off' } } }, 0],
  ['none in mode Initial', { vpa: { updatePolicy: { updateMode: 'Initial' } } }, 0],
  ['none that is young and within its range', { target: { cpu: '100m', memory: '200Mi' } }, 0],
  ['none when nobody admits the new ones', { lease: false }, 0],
] as const)('one loop evicts %s', async ([, facts, expected]) => {
  expect(await evictedBy(await scene(facts))).toBe(expected)
})

test('an eviction is told in events, metrics and log', async () => {
  const { sandbox, registry, logged, tick } = await scene({ replicas: 2 })
  await tick()
  const events = () => sandbox.list('Event', 'default') as unknown as { reason: string; message: string }[]
  const told = () => events().filter(({ reason }) => reason.startsWith('Evicted')).map(({ reason, message }) => `${reason}: ${message.replace(/web-\S+/, 'NAME')}`)
  // Events are sent beside the loop.
  await vi.waitFor(
    () =>
      expect(told().toSorted()).toEqual([
        'EvictedByVPA: Pod was evicted by VPA Updater to apply resource recommendation.',
        'EvictedPod: VPA Updater evicted Pod NAME to apply resource recommendation.',
      ]),
    PATIENCE,
  )
  expect(await registry.metrics()).toContain('vpa_updater_evicted_pods_total{vpa_size_log2="1",vpa_name="web",vpa_namespace="default",update_mode="Recreate"} 1')
  expect(logged.find(({ message }) => message === 'Pod accepted for update')).toMatchObject({ priority: 4, why: 'outside-range' })
})

test('a disruption budget of the cluster blocks an eviction for now', async () => {
  const facts = await scene()
  facts.sandbox.faults.respond({ path: /eviction$/, status: 429, reason: 'TooManyRequests', times: 1 })
  expect(await evictedBy(facts)).toBe(2)
  expect(facts.logged.filter(({ message }) => message === 'Eviction failed')).toMatchObject([{ why: 'blocked' }])
})

test('an eviction whose answer is lost counts as done: the group must not lose more', async () => {
  const facts = await scene()
  facts.sandbox.faults.respond({ path: /eviction$/, status: 500, times: 2 })
  expect(await evictedBy(facts)).toBe(0)
  expect(facts.logged.filter(({ message }) => message === 'Eviction failed')).toMatchObject([{ why: 'unknown' }, { why: 'unknown' }])
  expect(await evictedBy(facts)).toBe(0)
  await facts.clock.advance(2 * MINUTE)
  await renewLease(facts.sandbox, facts.clock)
  expect(await evictedBy(facts)).toBe(2)
})

test('counters of a VPA that is gone go, too: where VPAs come and go, they would be ever more', async () => {
  const facts = await scene({ names: ['a', 'b'] })
  await facts.tick()
  const seriesOf = async (name: string) => (await facts.registry.metrics()).split('\n').filter((line) => line.includes(`vpa_name="${name}"`))
  expect(await seriesOf('a')).not.toEqual([])
  await facts.sandbox.delete('VerticalPodAutoscaler', { namespace: 'default', name: 'a' })
  await until(facts.cluster.vpas, () => facts.cluster.vpas.get('default', 'a') === undefined)
  await facts.tick()
  expect(await seriesOf('a')).toEqual([])
  expect(await seriesOf('b')).not.toEqual([])
})

test('mode Auto is told to be deprecated, once', async () => {
  const { tick, logged } = await scene({ replicas: 1, vpa: { updatePolicy: { updateMode: 'Auto' } } })
  await tick()
  await tick()
  expect(logged.filter(({ message }) => message.startsWith('updateMode Auto is deprecated'))).toHaveLength(1)
})

test('a lease that is not renewed any more stops evictions', async () => {
  const { sandbox, clock, tick, logged, registry } = await scene()
  await clock.advance(2 * MINUTE)
  await tick()
  expect(logged.at(-1)).toMatchObject({ message: 'Admission Controller status is not valid. Skipping update loop' })
  expect(await registry.metrics()).toContain('vpa_updater_admission_controller_status_invalid_total{reason="Expired"} 1')
  await renewLease(sandbox, clock)
  await tick()
  expect(logged.some(({ message }) => message === 'Evicting pod')).toBe(true)
})

test('pods are resized in place, and evicted where that is refused, both within one budget', async () => {
  const facts = await scene({ replicas: 4, vpa: { updatePolicy: { updateMode: 'InPlaceOrRecreate' } } })
  facts.sandbox.faults.respond({ path: /resize$/, status: 422, reason: 'Invalid', times: 3 })
  expect(await evictedBy(facts)).toBe(1)
  const resized = facts.sandbox.list('Pod', 'default').filter(({ metadata }) => metadata.annotations?.['vpaInPlaceUpdated'] === 'true')
  expect(resized.map(({ spec }) => spec)).toMatchObject([{ containers: [{ resources: { requests: { cpu: '500m', memory: '200Mi' } } }] }])
})

test('a pod whose resize and whose eviction are both refused is decided about once, and told of once', async () => {
  const facts = await scene({ replicas: 4, vpa: { updatePolicy: { updateMode: 'InPlaceOrRecreate' } } })
  facts.sandbox.faults.respond({ path: /resize$/, status: 422, reason: 'Invalid', times: 4 })
  facts.sandbox.faults.respond({ path: /eviction$/, status: 429, reason: 'TooManyRequests', times: 4 })
  expect(await evictedBy(facts)).toBe(0)
  const counts = (await facts.registry.metrics()).split('\n').filter((line) => line.startsWith('vpa_updater_decisions_total{'))
  expect(counts).toEqual(['vpa_updater_decisions_total{decision="nothing",why="blocked"} 4'])
  const told = () => facts.sandbox.list('Event', 'default').filter(({ reason }) => reason === 'PodsLeftAlone').map(({ message }) => message)
  await vi.waitFor(() => expect(told()).toEqual([expect.stringContaining('4 pods should be updated and are left alone')]), PATIENCE)
})

test('a resize that no node can give is remembered, and not tried again', async () => {
  const facts = await scene({ replicas: 2, vpa: { updatePolicy: { updateMode: 'InPlace' } }, inPlaceOnly: true })
  const causes = [{ reason: 'NodeCapacity', message: 'too much', field: 'spec' }]
  facts.sandbox.faults.respond({ path: /resize$/, status: 403, reason: 'Forbidden', causes, times: 2 })
  expect(await evictedBy(facts, 2)).toBe(0)
  expect(facts.logged.filter(({ message }) => message === 'Resizing pod in place')).toHaveLength(2)
  expect(await facts.registry.metrics()).toContain('vpa_updater_in_place_infeasible_skip_pods_total{vpa_size_log2="1",vpa_name="web",vpa_namespace="default"} 2')
})

test('a resize that no node can give is known to an updater that has just started', async () => {
  const facts = await scene({ replicas: 2, vpa: { updatePolicy: { updateMode: 'InPlace' } }, inPlaceOnly: true })
  facts.sandbox.faults.respond({ path: /resize$/, status: 403, reason: 'Forbidden', causes: [{ reason: 'NodeCapacity', message: 'too much', field: 'spec' }], times: 2 })
  await facts.tick()
  await until(facts.cluster.pods, () => [...facts.cluster.pods.list()].every(({ annotations }) => annotations?.['vpaInfeasibleResize'] !== undefined))
  await facts.restart()()
  expect(facts.logged.filter(({ message }) => message === 'Resizing pod in place')).toHaveLength(2)
})

test.for(['InPlace', 'InPlaceOrRecreate'])('%s: a resize that is under way is not asked for again', async (updateMode) => {
  const facts = await scene({ replicas: 2, vpa: { updatePolicy: { updateMode } }, inPlaceOnly: true })
  await facts.tick()
  const asked = () => facts.logged.filter(({ message }) => message === 'Resizing pod in place').map(({ pod }) => pod)
  const first = asked().length
  await until(facts.cluster.pods, () => [...facts.cluster.pods.list()].filter(({ conditions }) => conditions.some(({ type }) => type === 'PodResizeInProgress')).length === first)
  await facts.tick()
  await facts.tick()
  expect(new Set(asked()).size).toBe(asked().length)
})

test.for(['InPlace', 'InPlaceOrRecreate'])('%s: an updater that takes over lets the resizes of the former one end before more containers restart', async (updateMode) => {
  const facts = await scene({ vpa: { updatePolicy: { updateMode } }, inPlaceOnly: true, container: { resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }] } })
  const resized = () => facts.logged.filter(({ message }) => message === 'Resizing pod in place').length
  const underWay = () => [...facts.cluster.pods.list()].filter(({ conditions }) => conditions.some(({ type }) => type === 'PodResizeInProgress')).length
  await facts.tick()
  await until(facts.cluster.pods, () => underWay() === 2)
  await facts.restart()()
  expect(resized()).toBe(2)
  await facts.clock.advance(10 * SECOND)
  await until(facts.cluster.pods, () => underWay() === 0)
  await facts.restart()()
  expect(resized()).toBe(4)
})

/** Its watch is behind: the pods that it knows are gone, and others have their names. */
const withFormerPods = (cluster: Cluster): Cluster => ({
  ...cluster,
  pods: { ...cluster.pods, list: () => [...cluster.pods.list()].map((pod) => ({ ...pod, uid: `before-${pod.uid}` })), subscribe: (listener) => cluster.pods.subscribe(listener) } as Cluster['pods'],
})

test.for([
  ['resized', {}],
  ['said to be too large for its node', { status: 403, reason: 'Forbidden', causes: [{ reason: 'NodeCapacity', message: 'too much', field: 'spec' }] }],
] as const)('a pod that has taken the name of another is not %s in its place', async ([, refusal]) => {
  for (const updateMode of ['InPlaceOrRecreate', 'InPlace']) {
    const facts = await scene({ vpa: { updatePolicy: { updateMode } }, inPlaceOnly: true, seen: withFormerPods })
    if ('status' in refusal) facts.sandbox.faults.respond({ path: /resize$/, ...refusal })
    const pods = () => facts.sandbox.list('Pod', 'default').map(({ metadata: { uid, annotations, deletionTimestamp }, spec }) => ({ uid, annotations, deletionTimestamp, spec }))
    const before = pods()
    await facts.tick()
    expect(facts.logged.filter(({ message }) => message === 'Resizing pod in place')).not.toEqual([])
    expect(pods()).toEqual(before)
  }
})

test.for(['Recreate', 'InPlaceOrRecreate'])('%s: who was frozen past its lease in the middle of a loop does nothing more to pods', async (updateMode) => {
  let leads = true
  const thenFrozen = <A extends unknown[]>(act: (...args: A) => Promise<Outcome>) => async (...args: A) => {
    const answer = await act(...args)
    leads = false
    return answer
  }
  const facts = await scene({ vpa: { updatePolicy: { updateMode } }, leads: () => leads, seen: (cluster) => ({ ...cluster, evict: thenFrozen(cluster.evict), resize: thenFrozen(cluster.resize) }) })
  const touched = () => facts.sandbox.list('Pod', 'default').filter(({ metadata, spec }) => metadata.deletionTimestamp !== undefined || JSON.stringify(spec).includes('500m'))
  await facts.tick()
  expect(touched()).toHaveLength(1)
})

/** Its watch is behind: nobody had annotated the pods yet. */
const withoutAnnotations = (cluster: Cluster): Cluster => ({
  ...cluster,
  pods: { ...cluster.pods, list: () => [...cluster.pods.list()].map(({ annotations: _annotations, ...pod }) => pod), subscribe: (listener) => cluster.pods.subscribe(listener) } as Cluster['pods'],
})

test('annotations that somebody has written while the watch was behind stay', async () => {
  const facts = await scene({ vpa: { updatePolicy: { updateMode: 'InPlaceOrRecreate' } }, seen: withoutAnnotations })
  for (const pod of facts.sandbox.list('Pod', 'default')) await facts.sandbox.apply({ ...pod, metadata: { ...pod.metadata, annotations: { network: '10.0.0.1' } } })
  await facts.tick()
  expect(facts.logged.filter(({ message }) => message === 'Resizing pod in place')).toHaveLength(2)
  expect(facts.sandbox.list('Pod', 'default').map(({ metadata }) => metadata.annotations?.['network'])).toEqual(Array.from({ length: 4 }, () => '10.0.0.1'))
})

const withoutResize = (cluster: Cluster): Cluster => ({ ...cluster, servesResize: () => Promise.resolve(false) })

test.for([['InPlaceOrRecreate', 2], ['InPlace', 0]] as const)('%s on an API server without pods/resize evicts %i of four', async ([updateMode, expected]) => {
  const facts = await scene({ vpa: { updatePolicy: { updateMode } }, inPlaceOnly: true, seen: withoutResize })
  expect(await evictedBy(facts)).toBe(expected)
  expect(facts.logged.some(({ message }) => message === 'Resizing pod in place')).toBe(false)
})

test('a VPA tells once an hour why its pods are left alone, and each decision is counted', async () => {
  const facts = await scene({ replicas: 1 })
  for (let loop = 0; loop < 60; loop += 1) {
    await renewLease(facts.sandbox, facts.clock)
    await facts.tick()
    await facts.clock.advance(MINUTE)
  }
  const told = () => facts.sandbox.list('Event', 'default').filter(({ reason }) => reason === 'PodsLeftAlone').map(({ message }) => message)
  await vi.waitFor(() => expect(told()).toEqual(['1 pod should be updated and is left alone: their group has fewer pods than minReplicas asks for.']), PATIENCE)
  expect(await facts.registry.metrics()).toContain('vpa_updater_decisions_total{decision="nothing",why="group-too-small"} 60')
})

test('groups are evicted from side by side, and each one pod after the other', async () => {
  const underWay: string[] = []
  const most = { atOnce: 0, ofOneGroup: 0 }
  const slow = (cluster: Cluster): Cluster => ({
    ...cluster,
    async evict(pod) {
      const group = pod.name.slice(0, 1)
      underWay.push(group)
      most.atOnce = Math.max(most.atOnce, underWay.length)
      most.ofOneGroup = Math.max(most.ofOneGroup, underWay.filter((other) => other === group).length)
      const outcome = await cluster.evict(pod)
      underWay.splice(underWay.indexOf(group), 1)
      return outcome
    },
  })
  const facts = await scene({ names: ['a', 'b', 'c', 'd'], seen: slow })
  expect(await evictedBy(facts)).toBe(8)
  expect(most).toEqual({ atOnce: 4, ofOneGroup: 1 })
})

const brokenForA = (cluster: Cluster): Cluster => ({
  ...cluster,
  evict: (pod) => (pod.name.startsWith('a-') ? Promise.reject(new Error('a defect')) : cluster.evict(pod)),
})

test('a VPA that fails does not hold up the others', async () => {
  const facts = await scene({ names: ['a', 'b'], seen: brokenForA })
  expect(await evictedBy(facts)).toBe(2)
  expect(facts.logged.filter(({ message }) => message === 'Failed to update the pods of a VPA')).toMatchObject([{ vpa: 'default/a' }])
})

test('what a loop has no time for comes first in the next one', async () => {
  const facts = await scene({ names: ['a', 'b'], replicas: 2, rateLimit: { rate: 1 / 90, burst: 1 } })
  const evicting = () => facts.logged.filter(({ message }) => message === 'Evicting pod').map(({ pod }) => String(pod).replace(/default\/(.).*/, '$1'))
  const first = facts.tick()
  await vi.waitFor(() => expect(evicting()).toHaveLength(1), PATIENCE)
  await facts.clock.advance(MINUTE)
  await first
  const [before = ''] = evicting()

  await renewLease(facts.sandbox, facts.clock)
  await facts.clock.advance(2 * MINUTE)
  await renewLease(facts.sandbox, facts.clock)
  const second = facts.tick()
  await vi.waitFor(() => expect(evicting()).toHaveLength(2), PATIENCE)
  await facts.clock.advance(MINUTE)
  await second
  expect(evicting()).toEqual(before === 'a' ? ['a', 'b'] : ['b', 'a'])
})
