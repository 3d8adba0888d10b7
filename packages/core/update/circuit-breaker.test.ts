import { expect, test } from 'vitest'
import { HOUR, MINUTE } from '../time.ts'
import { CircuitBreaker } from './circuit-breaker.ts'
import type { Moment } from './moment.ts'

const options = { breakerThreshold: 3, backOffBase: 5 * MINUTE, backOffCap: HOUR }

const moment = (uptime: number): Moment => ({ uptime, now: 0, newestPod: 0 })

/** Fails for each of the VPAs, at these times. */
function breakerAfter(...failures: readonly (readonly [uid: string, at: number])[]): { breaker: CircuitBreaker; opened: readonly boolean[] } {
  const breaker = new CircuitBreaker(options)
  return { breaker, opened: failures.map(([uid, at]) => breaker.fail(uid, moment(at), moment(at))) }
}

test.for([
  ['three VPAs that fail open it', [['a', 0], ['b', 1], ['c', 2]], true],
  ['one that fails three times does not', [['a', 0], ['a', 1], ['a', 2]], false],
  ['failures of more than an hour ago do not count', [['a', 0], ['b', 1], ['c', HOUR]], false],
] as const)('%s', ([, failures, isOpen]) => {
  const { breaker, opened } = breakerAfter(...failures)
  expect(opened).toEqual([false, false, isOpen])
  expect(breaker.openSince?.uptime).toBe(isOpen ? 2 : undefined)
})

test('after the back-off it lets one eviction pass at a time, and waits twice as long when that fails', () => {
  const { breaker } = breakerAfter(['a', 0], ['b', 0], ['c', 0])
  expect([breaker.allows(0, moment(5 * MINUTE - 1)), breaker.allows(0, moment(5 * MINUTE)), breaker.allows(1, moment(5 * MINUTE))]).toEqual([false, true, false])
  expect(breaker.fail('d', moment(5 * MINUTE), moment(6 * MINUTE))).toBe(false)
  expect([breaker.allows(0, moment(16 * MINUTE - 1)), breaker.allows(0, moment(16 * MINUTE))]).toEqual([false, true])
})

test('what was evicted before it opened and fails afterwards does not make the wait longer', () => {
  const { breaker } = breakerAfter(['a', MINUTE], ['b', MINUTE], ['c', MINUTE])
  breaker.fail('d', moment(0), moment(2 * MINUTE))
  expect(breaker.allows(0, moment(6 * MINUTE))).toBe(true)
})

test('a success closes it, and the count begins anew', () => {
  const { breaker } = breakerAfter(['a', 0], ['b', 0], ['c', 0])
  expect(breaker.succeed()).toBe(true)
  expect([breaker.openSince, breaker.allows(9, moment(0)), breaker.recentFailures(moment(0)), breaker.fail('a', moment(1), moment(1))]).toEqual([undefined, true, 0, false])
  expect(breaker.succeed()).toBe(false)
})
