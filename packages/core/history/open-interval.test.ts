import { expect, test } from 'vitest'
import { DAY, MINUTE } from '../time.ts'
import { openIntervalsText, parseOpenIntervals } from './open-interval.ts'

const T = Date.UTC(2026, 2, 1)
const INTERVALS = new Map([['web-0', { windowEnd: T + DAY, usagePeak: 7, oomPeak: 9, lastCpuAt: T - MINUTE }], ['web-1', { windowEnd: T + 2 * DAY, usagePeak: 1, oomPeak: 0 }]])
const TEXT = openIntervalsText(INTERVALS, T)

test('what is written is read again', () => {
  expect(parseOpenIntervals(TEXT, T)).toEqual(INTERVALS)
})

test.for([
  ['was written beside another checkpoint', TEXT, T + MINUTE],
  ['stands beside a checkpoint without a time', TEXT, undefined],
  ['is missing', undefined, T],
  ['is no JSON', '{', T],
  ['says something else', '{"at":"2026-03-01T00:00:00Z","pods":{"web-0":"much"}}', T],
] as const)('text that %s tells nothing', ([, text, at]) => {
  expect(parseOpenIntervals(text, at)).toEqual(new Map())
})

test('of very many pods, those with the highest peaks are kept', () => {
  const many = new Map(Array.from({ length: 1500 }, (_, index) => [`web-${index}`, { windowEnd: T + DAY, usagePeak: 1e12 + index, oomPeak: 0 }]))
  const text = openIntervalsText(many, T)
  expect(text.length).toBeLessThan(100_000)
  expect([...parseOpenIntervals(text, T).keys()]).toEqual(Array.from({ length: 1000 }, (_, index) => `web-${1499 - index}`))
})
