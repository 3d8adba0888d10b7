import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { podWith, vpaWith } from '../../../test/support/objects.ts'
import { HOUR, MINUTE } from '../time.ts'
import type { ChangeDirections } from './change-directions.ts'
import type { Moment } from './moment.ts'
import { type Eviction, OutcomeCheck, type OutcomeOptions } from './outcome-check.ts'
import type { Verdict } from './replacement.ts'

const options: OutcomeOptions = { breakerThreshold: 3, backOffBase: 5 * MINUTE, backOffCap: HOUR, flappingWindow: HOUR }
/** When we started, by the API server's clock and by ours, which is ahead. */
const START = Date.UTC(2026, 2, 1)
const OUR_START = START + HOUR
const applied: Verdict = { verdict: 'applied' }
const unchanged: Verdict = { verdict: 'not-applied', why: 'not-admitted', mismatches: [] }
const up: ChangeDirections = new Map([['app/cpu', 'up']])
const down: ChangeDirections = new Map([['app/cpu', 'down']])

function moment(uptime: number): Moment {
  return { uptime, now: OUR_START + uptime, newestPod: START + uptime }
}

/** @param name of the VPA and, with the time, of the pod; until then there was none but that pod */
function eviction(name: string, { at = 0, ...facts }: Partial<Omit<Eviction, 'at'>> & { readonly at?: number } = {}): Eviction {
  const pod = { ...podWith({ name }), uid: `${name}-${at}`, createdAt: START + at }
  return { vpa: { ...vpaWith(), name, uid: name }, pod, podsBefore: new Set([pod.uid]), group: `ReplicaSet ${name}`, groupSize: 2, directions: up, urgent: false, at: moment(at), ...facts }
}

/** Asks for an eviction and, where it is granted, says what came of it. */
function attempt(check: OutcomeCheck, name: string, verdict: Verdict, at: number): string {
  const asked = eviction(name, { at })
  const answer = check.tryBegin(asked)
  if (answer !== 'granted') return answer
  check.done(asked)
  check.judge(asked, verdict, 'new', moment(at))
  return answer
}

test('a loop begins with a few evictions, one per VPA; success makes room for more', () => {
  const check = new OutcomeCheck(options)
  const [a, a2, b, c, d] = [eviction('a'), eviction('a'), eviction('b'), eviction('c'), eviction('d')]
  expect([a, a2, b, c, d].map((asked) => check.tryBegin(asked))).toEqual(['granted', 'wait', 'granted', 'granted', 'wait'])
  check.judge(a, applied, 'new', moment(0))
  expect([a2, d, eviction('e')].map((asked) => check.tryBegin(asked))).toEqual(['granted', 'granted', 'granted'])
})

test('while failures come in, no more is risked than it takes to stop', () => {
  const check = new OutcomeCheck(options)
  const [a, b, c] = [eviction('a'), eviction('b'), eviction('c')]
  expect([a, b, c].map((asked) => check.tryBegin(asked))).toEqual(['granted', 'granted', 'granted'])
  check.judge(a, unchanged, 'new', moment(0))
  expect(check.tryBegin(eviction('d'))).toBe('wait')
  check.judge(b, applied, 'new', moment(0))
  expect(check.tryBegin(eviction('d'))).toBe('granted')
})

test('what was not done after all makes room again', () => {
  const check = new OutcomeCheck(options)
  const asked = eviction('a')
  check.tryBegin(asked)
  check.cancel(asked)
  expect(check.tryBegin(eviction('a'))).toBe('granted')
})

test('a thousand evictions take a handful of rounds', () => {
  const check = new OutcomeCheck(options)
  let left = Array.from({ length: 1000 }, (_, index) => eviction(`${index}`))
  let rounds = 0
  for (; left.length > 0; rounds += 1) {
    const granted = left.filter((asked) => check.tryBegin(asked) === 'granted')
    left = left.filter((asked) => !granted.includes(asked))
    for (const asked of granted) check.judge(asked, applied, 'new', moment(0))
  }
  expect(rounds).toBe(6)
})

test('a VPA whose replacement comes back unchanged waits, twice as long each time, up to the cap', () => {
  const check = new OutcomeCheck({ ...options, breakerThreshold: 99 })
  const attempts: number[] = []
  for (let now = 0; now < 6 * HOUR; now += MINUTE) if (attempt(check, 'a', unchanged, now) === 'granted') attempts.push(now / MINUTE)
  expect(attempts).toEqual([0, 5, 15, 35, 75, 135, 195, 255, 315])
  expect(attempt(check, 'b', applied, 0)).toBe('granted')
})

test('a success ends the trouble', () => {
  const check = new OutcomeCheck(options)
  attempt(check, 'a', unchanged, 0)
  expect(check.troubleOf('a')).toMatchObject({ reason: 'NotAdmitted', failures: 1, since: OUR_START, nextAttempt: OUR_START + 5 * MINUTE })
  attempt(check, 'a', applied, 5 * MINUTE)
  expect(check.troubleOf('a')).toBeUndefined()
})

test('a handful of VPAs that fail in a row stop all others; one eviction at a time finds out whether that is over', () => {
  const check = new OutcomeCheck(options)
  for (const name of ['a', 'b', 'c']) attempt(check, name, unchanged, 0)
  expect(attempt(check, 'd', applied, MINUTE)).toBe('breaker-open')

  const probe = eviction('d', { at: 5 * MINUTE })
  expect(check.tryBegin(probe)).toBe('granted')
  expect(check.tryBegin(eviction('e', { at: 5 * MINUTE }))).toBe('breaker-open')
  check.judge(probe, unchanged, 'new', moment(5 * MINUTE))
  expect(check.tryBegin(eviction('e', { at: 14 * MINUTE }))).toBe('breaker-open')

  const next = eviction('e', { at: 15 * MINUTE })
  expect(check.tryBegin(next)).toBe('granted')
  expect(check.judge(next, applied, 'new', moment(15 * MINUTE))).toEqual({ breaker: 'closed' })
  expect(check.tryBegin(eviction('f', { at: 15 * MINUTE }))).toBe('granted')
})

test('failures with a success in between, or long ago, do not stop others', () => {
  const check = new OutcomeCheck(options)
  for (const [name, verdict, at] of [['a', unchanged, 0], ['b', unchanged, 0], ['c', applied, 0], ['d', unchanged, 0], ['e', unchanged, HOUR]] as const) attempt(check, name, verdict, at)
  expect(check.isOpen).toBe(false)
})

test('a new pod that came as recommended is as good as a probe; how new it is tells the clock of who made it', () => {
  const check = new OutcomeCheck(options)
  for (const name of ['a', 'b', 'c']) attempt(check, name, unchanged, MINUTE)
  expect([check.evidenceAfter('a'), check.evidenceAfter('z')]).toEqual([START + MINUTE, START + MINUTE])
  expect(check.succeed('a')).toEqual({ breaker: 'closed' })
  expect([check.evidenceAfter('a'), check.evidenceAfter('b'), check.evidenceAfter('z')]).toEqual([undefined, START + MINUTE, undefined])
})

test.for<[string, number, Pick<Partial<Eviction>, 'directions' | 'urgent'>, string]>([
  ['soon after', 10 * MINUTE, {}, 'flapping'],
  ['long after', HOUR, {}, 'granted'],
  ['in the same direction', 10 * MINUTE, { directions: up }, 'granted'],
  ['of something else', 10 * MINUTE, { directions: new Map([['app/memory', 'down']]) }, 'granted'],
  ['after running out of memory', 10 * MINUTE, { urgent: true }, 'granted'],
])('an eviction for the opposite reason, %s', ([, at, facts, expected]) => {
  const check = new OutcomeCheck(options)
  attempt(check, 'a', applied, 0)
  check.beginLoop()
  expect(check.tryBegin(eviction('a', { at, directions: down, ...facts }))).toBe(expected)
})

test.for([
  ['there before the first of several evictions, is granted', [true, true], 'granted'],
  ['made after the first of them, is flapping', [false, true], 'flapping'],
] as const)('an eviction for the opposite reason of a pod that was %s', ([, wasThere, expected]) => {
  const check = new OutcomeCheck(options)
  const turned = eviction('a', { at: 10 * MINUTE, directions: down })
  for (const [index, was] of wasThere.entries()) check.done(eviction('a', { at: index * MINUTE, podsBefore: new Set(was ? [turned.pod.uid] : []) }))
  expect(check.tryBegin(turned)).toBe(expected)
})

test('who flaps gets one eviction per back-off, and is forgiven after a quiet time', () => {
  const check = new OutcomeCheck(options)
  const evicted: number[] = []
  for (let now = 0; now < 3 * HOUR; now += MINUTE) {
    const asked = eviction('a', { at: now, directions: evicted.length % 2 === 0 ? up : down })
    if (check.tryBegin(asked) !== 'granted') continue
    evicted.push(now / MINUTE)
    check.done(asked)
    check.judge(asked, applied, 'new', moment(now))
  }
  expect(evicted).toEqual([0, 6, 17, 38, 79, 140])
  expect(check.troubleOf('a')).toMatchObject({ reason: 'Flapping', message: expect.stringContaining('app/cpu should go up, 1m0s after pod a was evicted for the opposite reason') })
  check.expire(() => false, moment(6 * HOUR))
  expect(check.troubleOf('a')).toBeUndefined()
})

const isOfA = ({ vpa }: Eviction) => vpa.name === 'a'

test('a group that misses its pod for five minutes has failed; one that was made smaller has not', () => {
  const check = new OutcomeCheck(options)
  check.tryBegin(eviction('a'))
  check.tryBegin(eviction('b'))
  expect(check.expire(isOfA, moment(4 * MINUTE))).toEqual([])
  expect(check.expire(isOfA, moment(5 * MINUTE))).toMatchObject([{ effect: { trouble: { reason: 'NotReplaced' } } }])
  expect(check.troubleOf('b')).toBeUndefined()
})

test('after a restart nothing is tried at once that had failed before', () => {
  const check = new OutcomeCheck(options)
  for (const uid of ['a', 'b', 'c']) check.restore(uid, { reason: 'NotAdmitted', message: '', since: OUR_START - HOUR }, moment(0))
  expect(check.troubleOf('a')).toMatchObject({ since: OUR_START - HOUR, nextAttempt: OUR_START + 5 * MINUTE })
  expect(check.tryBegin(eviction('d'))).toBe('breaker-open')
})

test.for([
  ['a time that is past: as after a first failure', -MINUTE, 5 * MINUTE, 10 * MINUTE],
  ['a time to come: until then, and twice as long after the next failure', 18 * MINUTE, 18 * MINUTE, 40 * MINUTE],
  ['a time further away than any back-off: for the longest', 100 * HOUR, HOUR, HOUR],
] as const)('after a restart a VPA waits, where its condition tells %s', ([, nextAttempt, first, second]) => {
  const check = new OutcomeCheck(options)
  check.restore('a', { reason: 'NotAdmitted', message: '', since: OUR_START, nextAttempt: OUR_START + nextAttempt }, moment(0))
  expect(check.troubleOf('a')?.nextAttempt).toBe(OUR_START + first)
  expect(attempt(check, 'a', unchanged, first)).toBe('granted')
  expect(check.troubleOf('a')?.nextAttempt).toBe(OUR_START + first + second)
})

test('VPAs that are gone are forgotten', () => {
  const check = new OutcomeCheck(options)
  attempt(check, 'a', unchanged, 0)
  check.keepOnly(new Set(['b']))
  expect(check.troubles).toBe(0)
})

test('a webhook that changes nothing costs a handful of pods, however many VPAs and loops there are', () => {
  fc.assert(
    fc.property(fc.integer({ min: 3, max: 40 }), fc.integer({ min: 1, max: 20 }), (vpas, podsOfEach) => {
      const check = new OutcomeCheck(options)
      let evicted = 0
      for (let now = 0; now < 2 * HOUR; now += MINUTE) {
        check.beginLoop()
        for (let turn = 0; turn < vpas * podsOfEach; turn += 1) if (attempt(check, `${turn % vpas}`, unchanged, now) === 'granted') evicted += 1
      }
      expect(evicted).toBeLessThanOrEqual(7)
    }),
    { numRuns: 20 },
  )
})
