import { milliValue, quantity, wholeValue } from '@vpa/core/quantity.ts'
import { DAY, HOUR } from '@vpa/core/time.ts'
import type { Sandbox } from '@vpa/sandbox/sandbox.ts'
import { describe, expect, test } from 'vitest'
import { KONG, MB, addDeployment, addVpa, checkpointNames, dyingAfter, hungryScene, samplesOf, savedCheckpoint, scene, startRecommender, statusOf, targetOf } from '../../test/support/recommender-scene.ts'

describe('history is kept', () => {
  test('when the selector changes', async () => {
    const { sandbox, clock, run } = await scene()
    await run(30)
    const restarted = await startRecommender(sandbox, clock)
    await restarted.run(1)
    const before = samplesOf(sandbox)
    await addDeployment(sandbox, 'other')
    await addVpa(sandbox, 'web', { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'other' } })
    await restarted.run(1)
    // What was seen since the restart is the other pods' usage now; what the checkpoint told remains.
    expect(samplesOf(sandbox)).toBeGreaterThanOrEqual(before - 1)
  })

  test('when the VPA is deleted and created again, although its checkpoint goes with it', async () => {
    const { sandbox, clock, run } = await scene()
    await run(30)
    const restarted = await startRecommender(sandbox, clock)
    await restarted.run(1)
    const before = samplesOf(sandbox)
    sandbox.delete('VerticalPodAutoscaler', { namespace: 'default', name: 'web' })
    await restarted.run(15)
    expect(checkpointNames(sandbox)).toEqual([])
    await addVpa(sandbox, 'web')
    await restarted.run(1)
    expect(samplesOf(sandbox)).toBe(before + 16)
  })

  test.for([
    ['appears later', { targetRef: undefined }],
    ['is given to this recommender later', { recommenders: [{ name: 'other' }] }],
  ] as const)('when a VPA with a checkpoint %s', async ([, spec]) => {
    const { sandbox, clock, run } = await scene()
    await addDeployment(sandbox, 'late')
    await sandbox.apply(savedCheckpoint('late', 'app', clock.now()))
    if ('recommenders' in spec) await addVpa(sandbox, 'late', spec)
    await run(5)
    await addVpa(sandbox, 'late')
    await run(1)
    expect(samplesOf(sandbox, 'late-app')).toBeGreaterThan(100)
    expect(targetOf(sandbox, 'late')?.cpu).toBe('1168m')
  })

  test('when the recommender restarts while the target is away', async () => {
    const { sandbox, clock, run } = await scene()
    await run(30)
    const restarted = await startRecommender(sandbox, clock)
    await restarted.run(30)
    const before = samplesOf(sandbox)
    sandbox.delete('Deployment', { namespace: 'default', name: 'web' })
    await restarted.run(1)
    // Killed before the target is back.
    const next = await startRecommender(sandbox, clock)
    await addDeployment(sandbox, 'web')
    await next.run(2)
    expect(samplesOf(sandbox)).toBeGreaterThanOrEqual(before)
  })

  test('of an OOM, when the recommender restarts within the same memory interval', async () => {
    const { sandbox, clock, run, use } = await hungryScene(400)
    await run(5)
    const before = targetOf(sandbox, 'hungry')?.memory
    use(10)
    const restarted = await startRecommender(sandbox, clock)
    await restarted.run(3)
    expect(targetOf(sandbox, 'hungry')?.memory).toBe(before)
  })
})

describe('a VPA that comes from another recommender', () => {
  const OURS = { recommenders: [{ name: 'ours' }] }

  test('brings its OOM along, although its pods have begun memory intervals here', async () => {
    const { sandbox, clock, run, use } = await hungryScene(400)
    await run(5)
    const before = targetOf(sandbox, 'hungry')?.memory
    use(10)
    const ours = await startRecommender(sandbox, clock, ['--recommender-name=ours'])
    await ours.run(3)
    await addVpa(sandbox, 'hungry', OURS)
    await ours.run(3)
    expect(targetOf(sandbox, 'hungry')?.memory).toBe(before)
  })

  test('has each sample once, whoever has seen more', async () => {
    const { sandbox, both } = await twoRecommenders()
    await both(5)
    await addVpa(sandbox, 'web', OURS)
    await both(5)
    expect(samplesOf(sandbox)).toBe(15)
    await addVpa(sandbox, 'web')
    await both(5)
    expect(samplesOf(sandbox)).toBe(20)
    await addVpa(sandbox, 'web', OURS)
    await both(5)
    expect(samplesOf(sandbox)).toBe(25)
  })

  test('brings along what the other has seen of pods that nobody here has kept', async () => {
    const { sandbox, both } = await twoRecommenders('--memory-saver')
    await both(5)
    await addVpa(sandbox, 'web', OURS)
    for (const { metadata } of sandbox.list('Pod')) sandbox.delete('Pod', { namespace: 'default', name: metadata.name! })
    await both(10)
    const seen = samplesOf(sandbox)
    expect(seen).toBeGreaterThan(15)
    await addVpa(sandbox, 'web')
    await both(5)
    expect(samplesOf(sandbox)).toBe(seen + 5)
  })
})

describe('usage that was counted before a restart', () => {
  test('is not counted again, although it is still the latest', async () => {
    const { sandbox, clock, run } = await scene()
    await run(5)
    const before = samplesOf(sandbox)
    const restarted = await startRecommender(sandbox, clock)
    await restarted.turn()
    expect(samplesOf(sandbox)).toBe(before)
    await restarted.run(2)
    expect(samplesOf(sandbox)).toBe(before + 2)
  })

  test('by a checkpoint of a time that is to come does not hold up what comes', async () => {
    const { sandbox, clock, run } = await scene()
    await sandbox.apply(savedCheckpoint('web', 'app', clock.now() + 2 * HOUR))
    await run(1)
    const before = samplesOf(sandbox)
    await run(5)
    expect(samplesOf(sandbox)).toBe(before + 5)
  })
})

test('a container that is gone is recommended nothing once its usage has expired, and its checkpoint is deleted', async () => {
  const { sandbox, clock, run } = await scene('--checkpoints-gc-interval=1m')
  await sandbox.apply(savedCheckpoint('web', 'gone', clock.now() - 9 * DAY))
  await sandbox.apply(savedCheckpoint('web', 'recent', clock.now() - 7 * DAY))
  const names = () => (statusOf(sandbox)?.recommendation?.containerRecommendations ?? []).map(({ containerName }) => containerName)
  await run(1)
  expect(names()).toEqual(['app', 'gone', 'recent'])
  await run(3)
  expect(names()).toEqual(['app', 'recent'])
  expect(checkpointNames(sandbox)).toEqual(['web-app', 'web-recent'])
})

test('the checkpoint of a VPA that cannot be read is left alone', async () => {
  const { sandbox, clock, run } = await scene()
  await run(5)
  await addVpa(sandbox, 'web', { resourcePolicy: { containerPolicies: [{ containerName: 'app', maxAllowed: { memory: 'much' } }] } })
  const restarted = await startRecommender(sandbox, clock, ['--checkpoints-gc-interval=1m'])
  await restarted.run(4)
  expect(samplesOf(sandbox)).toBe(5)
  await addVpa(sandbox, 'web')
  await restarted.run(1)
  expect(samplesOf(sandbox)).toBeGreaterThan(5)
})

test('a checkpoint that cannot be read is left alone, however old', async () => {
  const { sandbox, clock, run } = await scene('--checkpoints-gc-interval=1m')
  const foreign = savedCheckpoint('web', 'foreign', clock.now() - 90 * DAY) as { status: object }
  await sandbox.apply({ ...foreign, status: { ...foreign.status, version: 'v4' } })
  await run(4)
  expect(checkpointNames(sandbox)).toEqual(['web-app', 'web-foreign'])
})

test('two containers whose checkpoints would have one name keep a history each', async () => {
  const { sandbox, clock, run } = await scene()
  await addVpa(sandbox, 'a-web', { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } })
  await addDeployment(sandbox, 'big', { container: 'web-app' })
  await addVpa(sandbox, 'a', { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'big' } })
  sandbox.load('default', { app: 'big' }, 'web-app', () => ({ cpuMillicores: 4000, memoryBytes: 4000 * MB }))
  await run(10)
  expect(checkpointNames(sandbox)).toHaveLength(3)
  const restarted = await startRecommender(sandbox, clock)
  await restarted.run(2)
  expect([targetOf(sandbox, 'a')?.cpu, targetOf(sandbox, 'a-web')?.cpu]).toEqual(['4742m', '548m'])
  expect(checkpointNames(sandbox)).toHaveLength(3)
})

/** A turn writes three statuses and three checkpoints. */
test.for([0, 1, 2, 3, 4, 5, 6])('killed after %i writes of a turn and started again, the recommender is back to within one turn of where it was', async (writes) => {
  const flags = ['--update-worker-count=1']
  const { sandbox, clock, run } = await scene(...flags)
  const names = ['cache', 'db', 'web']
  for (const name of names) {
    await addDeployment(sandbox, name)
    await addVpa(sandbox, name)
    sandbox.load('default', { app: name }, 'app', () => KONG)
  }
  await run(10)
  const before = names.map((name) => stateOf(sandbox, name))

  const doomed = await startRecommender(sandbox, clock, flags, { death: dyingAfter(writes) })
  await Promise.race([doomed.run(1), doomed.died])
  const restarted = await startRecommender(sandbox, clock, flags)
  await restarted.run(1)
  for (const [index, name] of names.entries()) {
    const [was, is] = [before[index]!, stateOf(sandbox, name)]
    // What the doomed one measured was saved, or is lost with it.
    expect([1, 2]).toContain(is.samples - was.samples)
    expect(is.target).toEqual(was.target)
    // Bounds draw closer with every sample.
    for (const resource of ['cpu', 'memory'] as const) {
      expect(is.lowerBound[resource]).toBeGreaterThanOrEqual(was.lowerBound[resource])
      expect(is.upperBound[resource]).toBeLessThanOrEqual(was.upperBound[resource])
    }
  }
})

test('who was frozen past its lease in the middle of a turn writes nothing more', async () => {
  const { sandbox, clock, run } = await scene()
  for (const name of ['cache', 'db']) {
    await addDeployment(sandbox, name)
    await addVpa(sandbox, name)
    sandbox.load('default', { app: name }, 'app', () => KONG)
  }
  await run(10)
  const versions = () => ['VerticalPodAutoscaler', 'VerticalPodAutoscalerCheckpoint'].flatMap((kind) => sandbox.list(kind).map(({ metadata }) => metadata.resourceVersion))
  const before = new Set(versions())
  let left = 2
  const former = await startRecommender(sandbox, clock, ['--update-worker-count=1'], { leads: () => (left -= 1) >= 0 })
  await former.run(1)
  expect(versions().filter((version) => !before.has(version))).toHaveLength(2)
})

function stateOf(sandbox: Sandbox, name: string) {
  const container = statusOf(sandbox, name)?.recommendation?.containerRecommendations?.[0]
  const amounts = (part: 'target' | 'lowerBound' | 'upperBound') => {
    const { cpu = '', memory = '' } = container?.[part] ?? {}
    return { cpu: Number(milliValue(quantity(cpu))), memory: Number(wholeValue(quantity(memory))) }
  }
  return { samples: samplesOf(sandbox, `${name}-app`), target: amounts('target'), lowerBound: amounts('lowerBound'), upperBound: amounts('upperBound') }
}

/** A recommender, and another one by the name of `ours` that started five minutes later; minutes pass for both. */
async function twoRecommenders(...flags: readonly string[]) {
  const { sandbox, clock, run } = await scene(...flags)
  await run(5)
  const ours = await startRecommender(sandbox, clock, ['--recommender-name=ours', ...flags])
  const both = async (minutes: number) => {
    for (let minute = 0; minute < minutes; minute += 1) {
      await run(1)
      await ours.turn()
    }
  }
  return { sandbox, both }
}
