import { DAY, HOUR, MINUTE } from '@vpa/core/time.ts'
import { expect, test } from 'vitest'
import { parsePrometheusDuration } from './prometheus-duration.ts'

test.for([
  ['8d', 8 * DAY],
  ['1h', HOUR],
  ['1w', 7 * DAY],
  ['1y', 365 * DAY],
  ['1h30m', 90 * MINUTE],
  ['500ms', 500],
  ['1d12h30m15s5ms', DAY + 12 * HOUR + 30 * MINUTE + 15_005],
  ['', undefined],
  ['0', undefined],
  ['0s', undefined],
  ['8', undefined],
  ['1.5h', undefined],
  ['-1h', undefined],
  ['30m1h', undefined],
  ['1h1h', undefined],
  ['99999999y', undefined],
] as const)('%s is %s ms', ([text, expected]) => {
  expect(parsePrometheusDuration(text)).toBe(expected)
})
