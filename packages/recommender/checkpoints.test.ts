import type { Resource } from '@vpa/core/amount.ts'
import { type Checkpoint, checkpointStatusJson, projectCheckpoint } from '@vpa/core/api/checkpoint.ts'
import { projectVpa } from '@vpa/core/api/vpa.ts'
import { UsageHistory } from '@vpa/core/history/usage-history.ts'
import { DAY, MINUTE, SECOND } from '@vpa/core/time.ts'
import type { CheckpointWrite, Store } from '@vpa/kube/cluster.ts'
import type { Log } from '@vpa/kube/log.ts'
import { ObjectStore } from '@vpa/kube/store.ts'
import { expect, test } from 'vitest'
import { type FakeClock, fakeClock } from '../../test/support/fake-clock.ts'
import { logTo, silentLog } from '../../test/support/recorded-log.ts'
import { Checkpoints } from './checkpoints.ts'
import { Config, recommenderOptions } from './config.ts'
import type { Subject } from './subject.ts'


const NOW = fakeClock().now()

/** Checkpoints that take that long to write each. */
function checkpointsOf({ clock, flags = {}, stored = [], writeTime = 0, written = [], log = silentLog, lacks, stop = new AbortController() }: { clock: FakeClock; flags?: object; stored?: readonly Checkpoint[]; writeTime?: number; written?: string[]; log?: Log; lacks?: readonly Resource[]; stop?: AbortController }): Checkpoints {
  const cluster = {
    checkpoints: storeOf(stored),
    vpas: storeOf([]),
    vpaExists: async () => false,
    async writeCheckpoint({ name }: { readonly name: string }) {
      if (writeTime > 0) await clock.sleep(writeTime)
      written.push(name)
    },
    async deleteCheckpoint({ name }: { readonly name: string }) {
      written.push(`no ${name}`)
    },
  }
  return new Checkpoints({ cluster, clock, log, options: recommenderOptions(Config.parse(flags)), signal: stop.signal, prometheus: lacks && { lacks: () => lacks } })
}

function storeOf<T>(objects: readonly T[]): Store<T> {
  return { get: () => undefined, list: () => objects, size: objects.length, heardAt: 0, subscribe: () => () => {} }
}

/** VPAs that have seen one pod each. */
function subjects(...names: readonly string[]): readonly Subject[] {
  return names.map((name) => {
    const history = new UsageHistory({ cpu: DAY, memory: DAY })
    history.setPod({ namespace: 'default', name, labels: { name }, phase: 'Running', containers: [{ name: 'app' }] }, 0)
    return { vpa: projectVpa({ metadata: { namespace: 'default', name } }), target: { selector: {} }, groups: [...history.groups()] }
  })
}

test.for([
  ['each worker writes one however late it is', 0],
  ["that the system's time is set back changes nothing", -DAY],
] as const)('those that have waited longest are written first, and %s (upstream: checkpoint_writer_test.go)', async ([, step]) => {
  const clock = fakeClock()
  const written: string[] = []
  const checkpoints = checkpointsOf({ clock, flags: { updateWorkerCount: '2', checkpointsTimeout: '1m' }, writeTime: 2 * MINUTE, written })
  for (let turn = 0; turn < 3; turn += 1) {
    const done = checkpoints.write(subjects('a', 'b', 'c', 'd', 'e'), clock.now())
    await clock.advance(2 * MINUTE)
    await done
    clock.step(step)
  }
  expect(written).toEqual(['a-app', 'b-app', 'c-app', 'd-app', 'e-app', 'a-app'])
})

test('all are written where there is time', async () => {
  const written: string[] = []
  await checkpointsOf({ clock: fakeClock(), flags: { updateWorkerCount: '2' }, written }).write(subjects('a', 'b', 'c', 'd', 'e'), NOW)
  expect(written).toHaveLength(5)
})

test("a step of the system's time takes nothing from the time there is", async () => {
  const clock = fakeClock()
  const written: string[] = []
  const done = checkpointsOf({ clock, flags: { updateWorkerCount: '2', checkpointsTimeout: '1m' }, writeTime: SECOND, written }).write(subjects('a', 'b', 'c', 'd', 'e'), clock.now())
  clock.step(DAY)
  await clock.advance(MINUTE)
  await done
  expect(written).toHaveLength(5)
})

test('a checkpoint is read when its VPA is first seen, and never again: it would count what we have seen ourselves twice', () => {
  const stored: Checkpoint[] = []
  const checkpoints = checkpointsOf({ clock: fakeClock(), stored })
  const [early, late] = subjects('early', 'late')
  checkpoints.loaded.read([early!])
  stored.push(...['early', 'late'].map((name) => savedOf(name)))
  checkpoints.loaded.read([early!, late!])
  expect([early, late].map((subject) => checkpoints.loaded.of(subject!.vpa).get('app')?.span.count)).toEqual([undefined, 3])
})

test.for<[string, readonly Resource[], object]>([
  ['nothing is read where Prometheus has all', [], []],
  ['all is read where it has nothing', ['cpu', 'memory'], [['app', 3, 0.547, 20_500_000]]],
  ['CPU, and what it was made of, where it has memory', ['cpu'], [['app', 3, 0.547, 0]]],
  ['memory where it has CPU', ['memory'], [['app', 0, 0, 20_500_000]]],
])('with Prometheus, %s, and nothing is written or deleted', async ([, lacks, expected]) => {
  const clock = fakeClock()
  const written: string[] = []
  const histogram = { referenceTimestamp: '2026-02-28T00:00:00Z', bucketWeights: { 1: 10_000 }, totalWeight: 1 }
  const checkpoints = checkpointsOf({ clock, stored: ['web', 'gone'].map((name) => savedOf(name, 'app', { cpuHistogram: { ...histogram, bucketWeights: { 26: 10_000 } }, memoryHistogram: histogram })), written, lacks })
  checkpoints.loaded.read(subjects('web'))
  await checkpoints.write(subjects('web'), clock.now())
  await clock.advance(DAY)
  await checkpoints.collectGarbage(subjects('web'))
  const [web] = subjects('web')
  expect([...checkpoints.loaded.of(web!.vpa)].map(([container, { span, cpu, memoryPeaks }]) => [container, span.count, Number(cpu.percentile(0.9).toFixed(3)), Math.round(memoryPeaks.percentile(0.9))])).toEqual(expected)
  expect(written).toEqual([])
})

/** Checkpoints of VPA `web` whose writes come back with the store. */
function keptCheckpoints(clock: FakeClock, store: ObjectStore<Checkpoint>, written: string[] = []): Checkpoints {
  const cluster = {
    checkpoints: store,
    vpas: storeOf(subjects('web').map(({ vpa }) => vpa)),
    vpaExists: async () => false,
    async writeCheckpoint({ name, containerName, vpa, annotations, status }: CheckpointWrite) {
      written.push(`${name} at ${clock.now() / MINUTE % 60}`)
      const metadata = { namespace: 'default', name, annotations, resourceVersion: `${written.length}` }
      store.set(projectCheckpoint({ metadata, spec: { vpaObjectName: vpa.name, containerName }, status: JSON.parse(JSON.stringify(checkpointStatusJson(status))) }))
    },
    async deleteCheckpoint() {},
  }
  return new Checkpoints({ cluster, clock, log: silentLog, options: recommenderOptions(Config.parse({})), signal: new AbortController().signal })
}

test('what a checkpoint says already is not written again; what somebody else has written is', async () => {
  const clock = fakeClock()
  const store = new ObjectStore<Checkpoint>(() => {})
  const written: string[] = []
  const checkpoints = keptCheckpoints(clock, store, written)
  const web = subjects('web')
  const app = web[0]?.groups[0]?.pods.get('web')?.containers.get('app')
  const aggregate = web[0]?.groups[0]?.aggregates.get('app')?.aggregate
  const aggregation = recommenderOptions(Config.parse({})).aggregation
  const turn = async (change: () => void = () => {}) => {
    change()
    await checkpoints.write(web, clock.now())
    await clock.advance(MINUTE)
  }
  await turn(() => app!.addCpu(aggregate!, 100, clock.now()))
  await turn()
  await turn(() => app!.addCpu(aggregate!, 100, clock.now()))
  await turn(() => app!.addMemory(aggregate!, { bytes: 5e8, at: clock.now() }, aggregation))
  await turn()
  const stored = store.get('default', 'web-app')!
  await turn(() => store.set({ ...stored, resourceVersion: 'theirs', status: { ...stored.status, totalSamplesCount: 99 } }))
  await clock.advance(DAY)
  // The memory interval has ended: its peak is part of the checkpoint now.
  await turn()
  await turn()
  expect(written).toEqual(['web-app at 0', 'web-app at 2', 'web-app at 3', 'web-app at 5', 'web-app at 6'])
})

test.for([
  ['what is measured next counts, however far the clocks of nodes are apart', true, [[], ['right', 'ahead', 'behind']]],
  ['one clock that is ahead does not hold up the others either where the checkpoint does not tell of single pods', false, [['ahead'], ['right', 'ahead']]],
] as const)('after a restart, %s', async ([, tellsOfPods, expected]) => {
  const clock = fakeClock()
  const store = new ObjectStore<Checkpoint>(() => {})
  const { aggregation, halfLives } = recommenderOptions(Config.parse({}))
  const start = () => {
    const history = new UsageHistory(halfLives)
    for (const name of ['right', 'ahead', 'behind']) history.setPod({ namespace: 'default', name, labels: {}, phase: 'Running', containers: [{ name: 'app' }] }, clock.now())
    const web: Subject = { vpa: projectVpa({ metadata: { namespace: 'default', name: 'web' } }), target: { selector: {} }, groups: [...history.groups()] }
    const checkpoints = keptCheckpoints(clock, store)
    checkpoints.loaded.read([web])
    checkpoints.loaded.resumeIntervals(history, clock.now())
    /** Whose sample of that minute counts. */
    const measure = () => [['right', 0], ['ahead', 30 * MINUTE], ['behind', -5 * MINUTE]].flatMap(([podName, offset]) => {
      const { history: container, aggregate } = history.container({ namespace: 'default', podName: String(podName), containerName: 'app' }, clock.now())!
      container.addMemory(aggregate, { bytes: 1e8, at: clock.now() + Number(offset) }, aggregation)
      return container.addCpu(aggregate, 100, clock.now() + Number(offset)) ? [podName] : []
    })
    return { measure, save: () => checkpoints.write([web], clock.now()) }
  }
  const first = start()
  first.measure()
  await first.save()
  if (!tellsOfPods) store.set({ ...store.get('default', 'web-app')!, annotations: {}, resourceVersion: 'theirs' })

  const next = start()
  const again = next.measure()
  await clock.advance(MINUTE)
  expect([again, next.measure()]).toEqual(expected)
})

test("orphans are deleted after as long as ever when the system's time is set back", async () => {
  const clock = fakeClock()
  const written: string[] = []
  const checkpoints = checkpointsOf({ clock, flags: { checkpointsGcInterval: '10m' }, stored: [savedOf('gone')], written })
  clock.step(-DAY)
  await clock.advance(10 * MINUTE)
  await checkpoints.collectGarbage([])
  expect(written).toEqual([])
  await clock.advance(MINUTE)
  await checkpoints.collectGarbage([])
  expect(written).toEqual(['no gone-app'])
})

test('who is told to stop does not go on collecting garbage, with the lease in hand', async () => {
  const clock = fakeClock()
  const written: string[] = []
  const stop = new AbortController()
  const checkpoints = checkpointsOf({ clock, stored: ['a', 'b', 'c'].map((name) => savedOf(name)), written, stop })
  await clock.advance(DAY)
  const collected = checkpoints.collectGarbage([])
  stop.abort()
  await collected
  expect(written).toEqual(['no a-app'])
})

test('a VPA whose history is being fetched is not saved', async () => {
  const written: string[] = []
  const fetching = subjects('a').map((subject) => ({ ...subject, vpa: projectVpa({ metadata: { name: 'a' }, status: { conditions: [{ type: 'FetchingHistory', status: 'True' }] } }) }))
  await checkpointsOf({ clock: fakeClock(), written }).write([...fetching, ...subjects('b')], NOW)
  expect(written).toEqual(['b-app'])
})

test('what somebody has fetched for a VPA meanwhile is read before it is saved again, and once', async () => {
  const clock = fakeClock()
  const store = new ObjectStore<Checkpoint>(() => {})
  const checkpoints = keptCheckpoints(clock, store)
  const [done] = subjects('web')
  const fetching = { ...done!, vpa: { ...done!.vpa, status: { ...done!.vpa.status, conditions: [{ type: 'FetchingHistory', status: 'True', reason: '', message: '', lastTransitionTime: undefined }] } } }
  const turn = async (subject: Subject) => {
    checkpoints.loaded.read([subject])
    await checkpoints.write([subject], clock.now())
    await clock.advance(MINUTE)
    return store.get('default', 'web-app')?.status.totalSamplesCount
  }
  expect(await turn(fetching)).toBeUndefined()
  store.set(savedOf('web', 'app', { totalSamplesCount: 50 }))
  expect(await turn(fetching)).toBe(50)
  store.set({ ...savedOf('web', 'app', { totalSamplesCount: 100 }), resourceVersion: 'more' })
  expect(await turn(fetching)).toBe(100)
  expect(await turn(done!)).toBe(100)
  expect(await turn(done!)).toBe(100)
})

test.for([
  ['has no sample', {}, 100],
  ['tells of a time before that only', { totalSamplesCount: 3, firstSampleStart: '2026-02-01T00:00:00Z', lastSampleStart: '2026-02-02T00:00:00Z' }, 103],
] as const)('what a checkpoint told stays, where the one that another recommender has put in its place %s', async ([, status, expected]) => {
  const store = new ObjectStore<Checkpoint>(() => {})
  const { loaded } = keptCheckpoints(fakeClock(), store)
  const [web] = subjects('web')
  store.set(savedOf('web', 'app', { totalSamplesCount: 100, firstSampleStart: '2026-02-20T00:00:00Z', lastSampleStart: '2026-02-28T00:00:00Z' }))
  loaded.read([web!])
  loaded.read([])
  store.set({ ...savedOf('web', 'app', { totalSamplesCount: 0, ...status }), resourceVersion: 'theirs' })
  loaded.read([web!])
  expect(loaded.of(web!.vpa).get('app')?.span.count).toBe(expected)
})

test('a memory interval that has ended since the checkpoint was written is no second peak where we have seen as much ourselves', async () => {
  const clock = fakeClock()
  const store = new ObjectStore<Checkpoint>(() => {})
  const history = new UsageHistory({ cpu: DAY, memory: DAY })
  history.setPod({ namespace: 'default', name: 'web', labels: {}, phase: 'Running', containers: [{ name: 'app' }] }, clock.now())
  const web: Subject = { ...subjects('web')[0]!, groups: [...history.groups()] }
  const checkpoints = keptCheckpoints(clock, store)
  const turn = async (isOurs: boolean) => {
    checkpoints.loaded.read(isOurs ? [web] : [])
    checkpoints.loaded.resumeIntervals(history, clock.now())
    const { history: container, aggregate } = history.container({ namespace: 'default', podName: 'web', containerName: 'app' }, clock.now())!
    container.addCpu(aggregate, 100, clock.now())
    container.addMemory(aggregate, { bytes: 1e8, at: clock.now() }, recommenderOptions(Config.parse({})).aggregation)
    if (isOurs) await checkpoints.write([web], clock.now())
    await clock.advance(DAY)
    return aggregate.memoryPeaks.save().totalWeight
  }
  // Each peak weighs twice as much as the one a half-life before.
  expect([await turn(true), await turn(false), await turn(true)]).toEqual([1, 1 + 2, 1 + 2 + 4])
})

test.for<[string, object, string]>([
  ['another version', { version: 'v2' }, 'unsupported checkpoint version v2'],
  ['no histograms', { cpuHistogram: null, memoryHistogram: null }, 'cannot load from empty checkpoint'],
  ['a negative bucket', { cpuHistogram: { bucketWeights: { '-1': 1 } } }, 'checkpoint has a negative bucket -1'],
  ['a bucket too many', { cpuHistogram: { bucketWeights: { 176: 1 } } }, 'checkpoint has bucket 176 that is exceeding histogram buckets 176'],
  ['a bucket that is no number', { cpuHistogram: { bucketWeights: { first: 1 } } }, 'checkpoint has a bucket whose index is no integer'],
  ['a negative bucket weight', { memoryHistogram: { bucketWeights: { 3: -1 } } }, 'checkpoint has a negative weight -1 in bucket 3'],
  ['a negative total weight', { memoryHistogram: { totalWeight: -2 } }, 'cannot load checkpoint with negative weight -2'],
])('a checkpoint with %s is passed over, said so, and holds up no other', ([, status, message]) => {
  const errors: unknown[] = []
  const log = logTo((message, { vpa, container, error } = {}) => void errors.push([message, vpa, container, (error as Error).message]), ['error'])
  const bad = savedOf('web', 'bad', status)
  const checkpoints = checkpointsOf({ clock: fakeClock(), stored: [bad, savedOf('web')], log })
  const [web] = subjects('web')
  checkpoints.loaded.read([web!])
  expect(errors).toEqual([['Error while loading checkpoint', 'default/web', 'bad', message]])
  expect([...checkpoints.loaded.of(web!.vpa)].map(([container, { span }]) => [container, span.count])).toEqual([['app', 3]])
})

function savedOf(vpaObjectName: string, containerName = 'app', status: object = {}): Checkpoint {
  return projectCheckpoint({
    metadata: { namespace: 'default', name: `${vpaObjectName}-${containerName}` },
    spec: { vpaObjectName, containerName },
    status: { version: 'v3', totalSamplesCount: 3, cpuHistogram: {}, memoryHistogram: {}, ...status },
  })
}
