import { DAY, HOUR, MINUTE, SECOND } from '@vpa/core/time.ts'
import { expect, test } from 'vitest'
import { valueAtJsonPath } from './json-path.ts'
import { humanDuration } from './table.ts'

test.for([
  [0, '0s'],
  [119 * SECOND, '119s'],
  [2 * MINUTE, '2m'],
  [3 * MINUTE + 7 * SECOND, '3m7s'],
  [12 * MINUTE + 30 * SECOND, '12m'],
  [5 * HOUR + 3 * MINUTE, '5h3m'],
  [47 * HOUR, '47h'],
  [2 * DAY + HOUR, '2d1h'],
  [20 * DAY, '20d'],
  [3 * 365 * DAY, '3y'],
] as const)('%d ms is %s', ([duration, expected]) => {
  expect(humanDuration(duration)).toBe(expected)
})

test.for([
  ['.spec.mode', 'Auto'],
  ['.list[1].name', 'b'],
  [".list[?(@.name=='b')].value", 2],
  [".list[?(@.name=='none')].value", undefined],
  ['.none.at.all', undefined],
] as const)('%s is %s', ([path, expected]) => {
  expect(valueAtJsonPath({ spec: { mode: 'Auto' }, list: [{ name: 'a', value: 1 }, { name: 'b', value: 2 }] }, path)).toBe(expected)
})
