import { expect, test } from 'vitest'
import { DAY, HOUR, MINUTE } from '../time.ts'
import { amountOfCode, codeOf } from './amount-code.ts'
import { MOST_TRACKS, Timeline } from './timeline.ts'
import type { TrackPoint } from './track.ts'

const START = Date.UTC(2026, 2, 1)
const NOTHING = { cpuAverage: undefined, cpuMost: undefined, memoryMost: undefined, cpuRequest: undefined, cpuLimit: undefined, cpuTarget: undefined, cpuLowerBound: undefined, cpuUpperBound: undefined, memoryRequest: undefined, memoryLimit: undefined, memoryTarget: undefined, memoryLowerBound: undefined, memoryUpperBound: undefined }
const point = (values: Partial<TrackPoint>): TrackPoint => ({ ...NOTHING, ...values })

/** A point a minute, for that long. */
function follow(timeline: Timeline, { from = 0, minutes, values }: { from?: number; minutes: number; values: (minute: number) => Partial<TrackPoint> }): void {
  for (let minute = from; minute < from + minutes; minute += 1) {
    timeline.begin(START + minute * MINUTE)
    timeline.record('app', START + minute * MINUTE, point(values(minute)))
  }
}

test.for([0, 1, 24, 25, 548, 1000, 63_500, 128 * 2 ** 20, 548_861_636, 64 * 2 ** 30, 1e14])('%d survives 16 bits but for a fortieth of a percent', (amount) => {
  expect(Math.abs((amountOfCode(codeOf(amount)) ?? Number.NaN) - amount)).toBeLessThanOrEqual(0.00026 * amount)
})

test('what is unknown, or no amount, stays unknown', () => {
  expect([amountOfCode(codeOf(undefined)), amountOfCode(codeOf(Number.NaN))]).toEqual([undefined, undefined])
})

test('the first hour and a half is told minute by minute', () => {
  const timeline = new Timeline(MINUTE)
  follow(timeline, { minutes: 90, values: (minute) => ({ cpuMost: 100 + minute, cpuTarget: 500 }) })
  const series = timeline.seriesOf('app', START + 89 * MINUTE)
  expect(series).toMatchObject({ step: MINUTE, cpu: { target: Array.from({ length: 90 }, () => 500) } })
  expect(series?.cpu.usage).toEqual(Array.from({ length: 90 }, (_, minute) => 100 + minute))
  expect(series?.times.at(-1)).toBe(START + 89 * MINUTE)
})

test('after days it reaches back a day and some, in steps of 16 minutes', () => {
  const timeline = new Timeline(MINUTE)
  follow(timeline, { minutes: 3000, values: () => ({ memoryMost: 1e9 }) })
  const series = timeline.seriesOf('app', START + 2999 * MINUTE)
  expect(series).toMatchObject({ step: 16 * MINUTE, memory: { usage: { length: 96 } } })
  expect((series?.times.at(-1) ?? 0) - (series?.times[0] ?? 0)).toBeGreaterThan(DAY)
  expect(new Set(series?.memory.usage).size).toBe(1)
})

test('a point of several turns has their highest usage, their average, and their last settings', () => {
  const timeline = new Timeline(MINUTE)
  follow(timeline, { minutes: 192, values: (minute) => ({ cpuMost: minute % 2 === 0 ? 100 : 300, cpuAverage: minute % 2 === 0 ? 100 : 200, cpuRequest: minute < 100 ? 250 : 500 }) })
  const { step, cpu } = timeline.seriesOf('app', START + 191 * MINUTE)!
  expect(step).toBe(2 * MINUTE)
  expect(new Set(cpu.usage)).toEqual(new Set([300]))
  expect(new Set(cpu.average)).toEqual(new Set([150]))
  expect([cpu.request[0], cpu.request.at(-1)]).toEqual([250, 500])
})

test('where points become twice as long, one half of them is enough, and a gap stays one', () => {
  const timeline = new Timeline(MINUTE)
  follow(timeline, { minutes: 40, values: () => ({ cpuMost: 100, cpuAverage: 100, cpuTarget: 500 }) })
  follow(timeline, { from: 61, minutes: 1, values: () => ({ cpuMost: 300, cpuAverage: 300, cpuTarget: 700 }) })
  follow(timeline, { from: 97, minutes: 1, values: () => ({ cpuMost: 400 }) })
  const { step, cpu } = timeline.seriesOf('app', START + 97 * MINUTE)!
  const [known, gap] = [(value: number, count: number) => Array.from({ length: count }, () => value), (count: number) => Array.from({ length: count }, () => undefined)]
  expect(step).toBe(2 * MINUTE)
  expect(cpu.usage).toEqual([...known(100, 20), ...gap(10), 300, ...gap(17), 400])
  expect(cpu.average).toEqual([...known(100, 20), ...gap(10), 300, ...gap(18)])
  expect([cpu.target[0], cpu.target[30], cpu.target.at(-1)]).toEqual([500, 700, undefined])
})

test('a gap is a gap, also one that is longer than what is kept', () => {
  const timeline = new Timeline(MINUTE)
  follow(timeline, { minutes: 5, values: () => ({ cpuMost: 100, cpuLimit: 700 }) })
  follow(timeline, { from: 10, minutes: 1, values: () => ({ cpuMost: 200 }) })
  expect(timeline.seriesOf('app', START + 10 * MINUTE)?.cpu.usage).toEqual([100, 100, 100, 100, 100, undefined, undefined, undefined, undefined, undefined, 200])
  follow(timeline, { from: 3001, minutes: 1, values: () => ({ cpuMost: 300 }) })
  const { cpu } = timeline.seriesOf('app', START + 3001 * MINUTE)!
  expect(cpu.usage.filter((value) => value !== undefined)).toEqual([300])
  expect(cpu.limit.filter((value) => value !== undefined)).toEqual([])
})

test('a container that is gone is forgotten once nothing of it would be shown', () => {
  const timeline = new Timeline(16 * MINUTE)
  timeline.begin(START)
  timeline.record('gone', START, point({ cpuMost: 1 }))
  timeline.begin(START + 25 * HOUR)
  expect(timeline.size).toBe(1)
  timeline.begin(START + 26 * HOUR)
  expect([timeline.size, timeline.seriesOf('gone', START + 26 * HOUR)]).toEqual([0, undefined])
})

test('a container takes less than 1.5 KB, and there is an end to their number', () => {
  const timeline = new Timeline(MINUTE)
  timeline.begin(START)
  const before = process.memoryUsage().arrayBuffers
  for (let index = 0; index < MOST_TRACKS + 10; index += 1) timeline.record(`container-${index}`, START, point({ cpuMost: index }))
  const taken = process.memoryUsage().arrayBuffers - before
  expect(timeline.size).toBe(MOST_TRACKS)
  expect(taken / MOST_TRACKS).toBeGreaterThan(1000)
  expect(taken / MOST_TRACKS).toBeLessThan(1500)
})
