import { expect, test } from 'vitest'
import { formatDuration, formatTime, parseDuration, parseTime } from './time.ts'

test.for([
  ['90s', 90_000],
  ['1h30m', 5_400_000],
  ['1.5h', 5_400_000],
  ['.5s', 500],
  ['100ms', 100],
  ['1500us', 1],
  ['-1m', -60_000],
  ['0', 0],
  ['0s', 0],
] as const)('%s is %i ms', ([text, expected]) => {
  expect(parseDuration(text)).toBe(expected)
})

test.for(['', '5', 'm', '1d', '1h 30m', '1..5s', '-', 's5'])('%j is not a duration', (text) => {
  expect(parseDuration(text)).toBeUndefined()
})

test.for([
  [0, '0s'],
  [1500, '1.5s'],
  [100, '100ms'],
  [1_800_000, '30m0s'],
  [5_400_000, '1h30m0s'],
  [86_400_000, '24h0m0s'],
] as const)('%i ms is printed as %s', ([duration, text]) => {
  expect(formatDuration(duration)).toBe(text)
})

test('API times have whole seconds', () => {
  expect(formatTime(1_772_323_200_999)).toBe('2026-03-01T00:00:00Z')
  expect(parseTime('2026-03-01T00:00:00Z')).toBe(1_772_323_200_000)
  expect(parseTime(null)).toBeUndefined()
  expect(parseTime('yesterday')).toBeUndefined()
})
