import { MINUTE } from '@vpa/core/time.ts'
import type { Cluster } from '@vpa/kube/cluster.ts'
import { expect, test, vi } from 'vitest'
import { type Scene, podNames, renewLease, scene } from '../../test/support/updater-scene.ts'

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
  await vi.waitFor(() =>
    expect(told().toSorted()).toEqual([
      'EvictedByVPA: Pod was evicted by VPA Updater to apply resource recommendation.',
      'EvictedPod: VPA Updater evicted Pod NAME to apply resource recommendation.',
    ]),
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

test('a resize that no node can give is remembered, and not tried again', async () => {
  const facts = await scene({ replicas: 2, vpa: { updatePolicy: { updateMode: 'InPlace' } }, inPlaceOnly: true })
  const causes = [{ reason: 'NodeCapacity', message: 'too much', field: 'spec' }]
  facts.sandbox.faults.respond({ path: /resize$/, status: 403, reason: 'Forbidden', causes, times: 2 })
  expect(await evictedBy(facts, 2)).toBe(0)
  expect(facts.logged.filter(({ message }) => message === 'Resizing pod in place')).toHaveLength(2)
  expect(await facts.registry.metrics()).toContain('vpa_updater_in_place_infeasible_skip_pods_total{vpa_size_log2="1",vpa_name="web",vpa_namespace="default"} 2')
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
  await vi.waitFor(() => expect(evicting()).toHaveLength(1))
  await facts.clock.advance(MINUTE)
  await first
  const [before = ''] = evicting()

  await renewLease(facts.sandbox, facts.clock)
  await facts.clock.advance(2 * MINUTE)
  await renewLease(facts.sandbox, facts.clock)
  const second = facts.tick()
  await vi.waitFor(() => expect(evicting()).toHaveLength(2))
  await facts.clock.advance(MINUTE)
  await second
  expect(evicting()).toEqual(before === 'a' ? ['a', 'b'] : ['b', 'a'])
})
