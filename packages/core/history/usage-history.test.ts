import { describe, expect, test } from 'vitest'
import { DAY, HOUR } from '../time.ts'
import { mergedUsage, usageToSave } from './merged-usage.ts'
import type { PodFacts } from './pod-group.ts'
import { UsageHistory } from './usage-history.ts'

const T = Date.UTC(2026, 2, 1)
const HALF_LIVES = { cpu: DAY, memory: DAY }
const OPTIONS = { memoryInterval: DAY, memoryIntervalCount: 8, oomBumpUpRatio: 1.2, oomMinBumpUp: 0 }
const KEEP_8_DAYS = { keepFor: () => 8 * DAY, isWanted: () => false }

const pod = (name: string, facts: Partial<PodFacts> = {}): PodFacts => ({ namespace: 'default', name, labels: { app: 'web' }, phase: 'Running', containers: [{ name: 'app' }], ...facts })
const id = (podName: string, containerName = 'app') => ({ namespace: 'default', podName, containerName })

function historyOf(...pods: readonly PodFacts[]): UsageHistory {
  const history = new UsageHistory(HALF_LIVES)
  for (const facts of pods) history.setPod(facts, T)
  return history
}

function leaderAndFollower(): UsageHistory {
  return historyOf(pod('a', { labels: { role: 'leader' } }), pod('b', { labels: { role: 'follower' } }))
}

function addCpu(history: UsageHistory, podName: string, at: number): void {
  const { history: container, aggregate } = history.container(id(podName), at)!
  container.addCpu(aggregate, 100, at)
}

test.for([
  ['pods with equal labels share an aggregate', [pod('a'), pod('b')], 1],
  ['the order of labels does not matter', [pod('a', { labels: { x: '1', y: '2' } }), pod('b', { labels: { y: '2', x: '1' } })], 1],
  ['other labels are another aggregate', [pod('a'), pod('b', { labels: { app: 'db' } })], 2],
  ['so is another namespace', [pod('a'), pod('a', { namespace: 'other' })], 2],
  ['so is another container', [pod('a', { containers: [{ name: 'app' }, { name: 'log' }] })], 2],
  ['a pod that changes its labels leaves its usage behind', [pod('a'), pod('a', { labels: { app: 'db' } })], 2],
] as const)('%s', ([, pods, count]) => {
  expect(historyOf(...pods).aggregateCount()).toBe(count)
})

test('a sample of an unknown pod or container has nowhere to go', () => {
  const history = historyOf(pod('a'))
  expect(history.container(id('ghost'), T)).toBeUndefined()
  expect(history.container(id('a', 'ghost'), T)).toBeUndefined()
})

test('a pod that changes its labels is not counted twice, and its samples still count once', () => {
  const history = historyOf(pod('a'))
  addCpu(history, 'a', T)
  history.setPod(pod('a', { labels: { app: 'db' } }), T)
  addCpu(history, 'a', T)
  const samples = [...history.groups()].map(({ labels, pods, aggregates }) => [labels.app, pods.size, aggregates.get('app')?.aggregate.span.count])
  expect(samples).toEqual([['web', 0, 1], ['db', 1, 0]])
})

describe('a memory interval of a pod that changes its labels', () => {
  const MB = 1_000_000
  const addMemory = (history: UsageHistory, podName: string, mb: number, at: number) => {
    const { history: container, aggregate } = history.container(id(podName), at)!
    container.addMemory(aggregate, { bytes: mb * MB, at }, OPTIONS)
  }
  /** By group: how much its peaks weigh, and the edge of the highest one's bucket. A peak at the end of an interval that begins at T weighs 1. */
  const peaks = (history: UsageHistory) => [...history.groups()].map(({ labels, aggregates }) => {
    const { memoryPeaks } = aggregates.get('app')!.aggregate
    return [labels.role, memoryPeaks.save().totalWeight, Math.round(memoryPeaks.percentile(1) / MB)]
  })

  test('goes on in the new group, and takes no peak of another pod', () => {
    const history = leaderAndFollower()
    addMemory(history, 'a', 300, T)
    addMemory(history, 'b', 300, T)
    history.setPod(pod('a', { labels: { role: 'follower' } }), T + 1)
    addMemory(history, 'a', 500, T + 2)
    expect(peaks(history)).toEqual([['leader', 0, 0], ['follower', 2, 511]])
  })

  test('that has ended stays where it was', () => {
    const history = leaderAndFollower()
    addMemory(history, 'a', 300, T)
    history.setPod(pod('a', { labels: { role: 'follower' } }), T + DAY)
    expect(peaks(history)).toEqual([['leader', 1, 305], ['follower', 0, 0]])
  })
})

describe('garbage', () => {
  const withSample = historyOf.bind(undefined, pod('a'))
  test.for([
    ['an idle aggregate with samples is kept for 8 days', 'sample', 'Running', false, 8 * DAY - 1, []],
    ['and dropped then, even if its pod lives', 'sample', 'Running', false, 8 * DAY, ['expired']],
    ['one without samples is kept while its pod lives', 'none', 'Running', false, DAY, []],
    ['also if not for longer than 8 days', 'none', 'Running', false, 8 * DAY, ['expired']],
    ['one without samples of a pod that has ended is dropped', 'none', 'Succeeded', false, 0, ['empty']],
    ['but not when a VPA wants it', 'none', 'Succeeded', true, 0, []],
    ['samples outlive a pod that has ended', 'sample', 'Failed', false, DAY, []],
  ] as const)('%s', ([, samples, phase, isWanted, age, expected]) => {
    const history = withSample()
    if (samples === 'sample') addCpu(history, 'a', T)
    history.setPod(pod('a', { phase }), T)
    const dropped = history.dropGarbage(T + age, { ...KEEP_8_DAYS, isWanted: () => isWanted })
    expect(dropped.map(({ why }) => why)).toEqual(expected)
    expect(history.aggregateCount()).toBe(1 - expected.length)
  })

  test('an OOM outlives its pod, also where no CPU sample came: a container in a crash loop has none', () => {
    const history = historyOf(pod('a'))
    const { history: container, aggregate } = history.container(id('a'), T)!
    container.recordOom(aggregate, { requested: 1e9, at: T }, OPTIONS)
    history.deletePodsExcept(() => false)
    expect(history.dropGarbage(T + HOUR, KEEP_8_DAYS)).toEqual([])
    expect(history.dropGarbage(T + 8 * DAY, KEEP_8_DAYS).map(({ why }) => why)).toEqual(['expired'])
  })

  test('usage outlives its pods; a group with neither is gone', () => {
    const history = historyOf(pod('a'), pod('b', { labels: { app: 'db' } }))
    addCpu(history, 'a', T)
    history.deletePodsExcept(() => false)
    history.dropGarbage(T, KEEP_8_DAYS)
    expect([...history.groups()].map(({ labels }) => labels)).toEqual([{ app: 'web' }])
  })

  test('a living container begins anew with its next sample', () => {
    const history = historyOf(pod('a'))
    addCpu(history, 'a', T)
    history.dropGarbage(T + 8 * DAY, KEEP_8_DAYS)
    addCpu(history, 'a', T + 9 * DAY)
    expect([...history.groups()][0]?.aggregates.get('app')?.aggregate.span).toEqual({ first: T + 9 * DAY, last: T + 9 * DAY, count: 1 })
  })
})

/** Groups that pods have left behind, one an hour. */
function leftBehind(count: number): UsageHistory {
  const history = new UsageHistory(HALF_LIVES)
  for (let hour = 0; hour < count; hour += 1) {
    history.setPod(pod('a', { labels: { hour: `${hour}` } }), T + hour * HOUR)
    addCpu(history, 'a', T + hour * HOUR)
  }
  history.deletePodsExcept(() => false)
  return history
}

function hoursOf(history: UsageHistory): readonly number[] {
  return [...history.groups()].map(({ labels }) => Number(labels['hour']))
}

test.for([
  ['as many as may be: none goes', 5, [0, 1, 2, 3, 4]],
  ['more: those go that had no sample for longest', 3, [2, 3, 4]],
] as const)('of groups that pods have left behind and nobody wants, %s', ([, most, expected]) => {
  const history = leftBehind(5)
  expect(history.dropCrowds(() => false, most)).toHaveLength(5 - expected.length)
  expect(hoursOf(history)).toEqual(expected)
})

test('where there are too many groups, those that a VPA wants, that have pods, and of other namespaces stay', () => {
  const history = leftBehind(5)
  history.setPod(pod('b', { labels: { hour: '1' } }), T)
  history.setPod(pod('a', { namespace: 'other', labels: { hour: '7' } }), T)
  history.deletePodsExcept((_, name) => name === 'b')
  expect(history.dropCrowds(({ labels }) => labels['hour'] === '0', 2)).toHaveLength(1)
  expect(hoursOf(history)).toEqual([0, 1, 3, 4, 7])
})

describe('usage of several groups', () => {
  const MB = 1_048_576
  const history = historyOf(pod('old', { labels: { app: 'web', hash: '1' } }), pod('new', { labels: { app: 'web', hash: '2' } }))
  addCpu(history, 'old', T)
  addCpu(history, 'new', T + 1)
  for (const [name, mib] of [['old', 100], ['new', 300]] as const) {
    const { history: container, aggregate } = history.container(id(name), T)!
    container.addMemory(aggregate, { bytes: mib * MB, at: T }, OPTIONS)
  }
  const groups = [...history.groups()]

  test('is one distribution per container name', () => {
    const usage = mergedUsage(groups, new Map(), HALF_LIVES)
    expect([...usage].map(([name, { span }]) => [name, span])).toEqual([['app', { first: T, last: T + 1, count: 2 }]])
    expect(usage.get('app')?.memoryPeaks.percentile(1)).toBeGreaterThan(300 * MB)
  })

  test('is saved without the peaks of intervals that have not ended (upstream: checkpoint_writer_test.go)', () => {
    const [during, after] = [T + 1, T + DAY].map((now) => usageToSave(groups, new Map(), HALF_LIVES, now).get('app'))
    expect(during?.memoryPeaks.isEmpty()).toBe(true)
    expect(during?.span.count).toBe(2)
    expect(after?.memoryPeaks.isEmpty()).toBe(false)
  })
})
