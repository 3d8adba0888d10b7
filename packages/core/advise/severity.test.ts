import { expect, test } from 'vitest'
import { severityOf, worstOf } from './severity.ts'

const MB = 1e6

test.for([
  ['a core that could be 300m', 'cpu', { request: 1000, target: 300 }, 'critical', 'too-much'],
  ['a quarter of a core too little', 'cpu', { request: 100, target: 350 }, 'warning', 'too-little'],
  ['100m too much', 'cpu', { request: 300, target: 200 }, 'ok', 'too-much'],
  ['99m too much', 'cpu', { request: 300, target: 201 }, 'good', 'fits'],
  ['half a core of sixty-four', 'cpu', { request: 64_000, target: 63_500 }, 'good', 'fits'],
  ['half a gigabyte too much', 'memory', { request: 1000 * MB, target: 500 * MB }, 'critical', 'too-much'],
  ['a quarter too much', 'memory', { request: 750 * MB, target: 500 * MB }, 'warning', 'too-much'],
  ['no request at all', 'memory', { request: undefined, target: 500 * MB }, 'warning', 'no-request'],
  ['no recommendation', 'memory', { request: 1, target: undefined }, 'unknown', 'no-recommendation'],
  ['a little too little, and it was killed for it', 'memory', { request: 490 * MB, target: 500 * MB, oomKilled: true }, 'critical', 'oom-killed'],
  ['killed, and has enough by now', 'memory', { request: 500 * MB, target: 500 * MB, oomKilled: true }, 'good', 'fits'],
  ['killed for memory says nothing of CPU', 'cpu', { request: 100, target: 110, oomKilled: true }, 'good', 'fits'],
] as const)('%s', ([, resource, facts, severity, why]) => {
  expect(severityOf(resource, { oomKilled: false, ...facts })).toEqual({ severity, why })
})

test('the worst counts, and what is not known is not the worst', () => {
  expect(worstOf(['good', 'critical', 'unknown'])).toBe('critical')
  expect(worstOf(['unknown', 'good'])).toBe('good')
  expect(worstOf([])).toBe('unknown')
})
