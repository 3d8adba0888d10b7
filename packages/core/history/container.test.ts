import { expect, test } from 'vitest'
import { DAY, HOUR, SECOND } from '../time.ts'
import { Aggregate } from './aggregate.ts'
import { ContainerHistory } from './container.ts'

/** Rows are upstream's container_test.go: amounts in MiB, window end W = T + 24 h. */
const T = Date.UTC(2026, 2, 1)
const W = T + DAY
const MB = 1_048_576
const OPTIONS = { memoryInterval: DAY, memoryIntervalCount: 8, oomBumpUpRatio: 1.2, oomMinBumpUp: 100 * MB }

type Step = readonly ['use' | 'oom', mib: number, at: number, refused?: 'refused']

test.for<[string, readonly Step[], [peak: number, windowEnd: number][], interval?: number]>([
  ['one peak per interval', [['use', 5, T], ['use', 10, T + DAY / 2], ['use', 2, W]], [[10, W], [2, W + DAY]]],
  ['lower usage in the same interval says nothing', [['use', 10, T], ['use', 5, T + HOUR]], [[10, W]]],
  ['intervals without samples are skipped', [['use', 5, T], ['use', 10, T + 2 * HOUR]], [[5, T + HOUR], [10, T + 3 * HOUR]], HOUR],
  ['an older or negative sample is refused', [['use', 5, T], ['use', 9, T - 1, 'refused'], ['use', -1, T + 1, 'refused']], [[5, W]]],
  ['what is infinite, or more than any machine has, is refused', [['use', Infinity, T, 'refused'], ['use', 1e16 / MB, T, 'refused'], ['use', 5, T]], [[5, W]]],
  ['an OOM at an infinite request needs all that there can be', [['oom', Infinity, T]], [[Number.MAX_SAFE_INTEGER / MB, W]]],
  ['an interval that begins with 0 bytes keeps it, as upstream', [['use', 0, T], ['use', 7, T + 1]], [[0, W]]],
  ['an OOM at 1000 MiB needs 20 % more', [['oom', 1000, T]], [[1200, W]]],
  ['an OOM at 1 MiB needs 100 MiB more', [['oom', 1, T]], [[101, W]]],
  ['OOMs in a row do not add up', [['oom', 1000, T], ['oom', 999, T], ['oom', 999, T], ['oom', 2000, T]], [[2400, W]]],
  ['usage above the request counts in an OOM', [['use', 3000, T], ['oom', 1000, T]], [[3600, W]]],
  ['an OOM 30 h before the last sample is too old', [['use', 5, T], ['oom', 1000, T - 30 * HOUR, 'refused']], [[5, W]]],
  ['with an interval of 1 h, so is one of 2 h before', [['use', 5, T], ['oom', 1000, T - 2 * HOUR, 'refused']], [[5, T + HOUR]], HOUR],
  ['an OOM two days after still knows the peak before it', [['use', 2000, T], ['oom', 1000, T + 2 * DAY]], [[2000, W], [2400, W + 2 * DAY]]],
  ['an OOM just before the last sample replaces its peak', [['use', 100, T], ['use', 2000, W], ['oom', 1000, W - SECOND]], [[100, W], [2400, W + DAY]]],
])('memory: %s', ([, steps, peaks, memoryInterval = DAY]) => {
  const options = { ...OPTIONS, memoryInterval }
  const aggregate = newAggregate()
  const container = new ContainerHistory()
  for (const [kind, mib, at, refused] of steps) {
    const accepted = kind === 'use' ? container.addMemory(aggregate, { bytes: mib * MB, at }, options) : container.recordOom(aggregate, { requested: mib * MB, at }, options) !== undefined
    expect(accepted).toBe(refused === undefined)
  }
  const expected = newAggregate()
  for (const [mib, windowEnd] of peaks) expected.addMemoryPeak(mib * MB, windowEnd)
  expect(aggregate.memoryPeaks.save()).toEqual(expected.memoryPeaks.save())
})

test('CPU: each time counts once, the lower bound of usage is 0', () => {
  const aggregate = newAggregate()
  const container = new ContainerHistory()
  const accepted = [[3140, T], [6280, T + 1], [1570, T + 1], [-1, T + 2], [Number.NaN, T + 3], [Infinity, T + 3], [1e16, T + 3], [7, Number.NaN], [1570, T + 4]].map(([usage, at]) => container.addCpu(aggregate, usage!, at!))
  expect(accepted).toEqual([true, true, false, false, false, false, false, false, true])
  expect(aggregate.span).toEqual({ first: T, last: T + 4, count: 3 })
})

test('an interval is open until it ends, and goes on where it was after a restart', () => {
  const [before, after] = [new ContainerHistory(), new ContainerHistory()]
  expect(before.openInterval(T)).toBeUndefined()
  before.addMemory(newAggregate(), { bytes: 700 * MB, at: T }, OPTIONS)
  before.recordOom(newAggregate(), { requested: 1000 * MB, at: T + 1 }, OPTIONS)
  const interval = { windowEnd: W, usagePeak: 700 * MB, oomPeak: 1200 * MB }
  expect(before.openInterval(W - 1)).toEqual(interval)
  expect(before.openInterval(W)).toBeUndefined()

  const aggregate = newAggregate()
  after.resume(aggregate, interval, T + HOUR)
  after.resume(aggregate, interval, T + HOUR)
  after.addMemory(aggregate, { bytes: 1100 * MB, at: T + HOUR }, OPTIONS)
  after.addMemory(aggregate, { bytes: 1300 * MB, at: T + 2 * HOUR }, OPTIONS)
  const expected = newAggregate()
  expected.addMemoryPeak(1300 * MB, W)
  expect(aggregate.memoryPeaks.save()).toEqual(expected.memoryPeaks.save())
})

test.for([
  ['and has its higher peak', { windowEnd: W - HOUR, usagePeak: 100 * MB, oomPeak: 1200 * MB }, [[1200, W]]],
  ['and keeps the higher peak of its own', { windowEnd: W - HOUR, usagePeak: 100 * MB, oomPeak: 200 * MB }, [[700, W]]],
  ['beside one that has ended', { windowEnd: T, usagePeak: 100 * MB, oomPeak: 1200 * MB }, [[700, W], [1200, T]]],
] as const)('an interval that began before another was told of goes on, %s', ([, told, expected]) => {
  const [container, aggregate] = [new ContainerHistory(), newAggregate()]
  container.addMemory(aggregate, { bytes: 700 * MB, at: T }, OPTIONS)
  container.resume(aggregate, told, T + 1)
  const peaks = newAggregate()
  for (const [mb, windowEnd] of expected) peaks.addMemoryPeak(mb * MB, windowEnd)
  expect(aggregate.memoryPeaks.save()).toEqual(peaks.memoryPeaks.save())
})

function newAggregate(): Aggregate {
  return new Aggregate({ cpu: DAY, memory: DAY })
}
