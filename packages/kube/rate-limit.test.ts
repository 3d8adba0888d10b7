import { SECOND } from '@vpa/core/time.ts'
import { expect, test } from 'vitest'
import { type FakeClock, fakeClock } from '../../test/support/fake-clock.ts'
import { RateLimit } from './rate-limit.ts'

/** How many of so many that ask need not wait. */
async function servedAtOnce(count: number, limit: RateLimit, clock: FakeClock): Promise<number> {
  let served = 0
  for (let asked = 0; asked < count; asked += 1) void limit.take().then(() => (served += 1))
  await clock.advance(0)
  return served
}

test('lets a burst through at once, then one token after the other, in the order of asking', async () => {
  const clock = fakeClock(0)
  const limit = new RateLimit({ rate: 2, burst: 3, clock })
  const served: string[] = []
  for (const name of ['a', 'b', 'c', 'd', 'e']) void limit.take().then(() => served.push(`${name} at ${clock.now()}`))
  await clock.advance(2 * SECOND)
  expect(served).toEqual(['a at 0', 'b at 0', 'c at 0', 'd at 500', 'e at 1000'])
})

test('a rest refills the burst, and no more than the burst', async () => {
  const clock = fakeClock(0)
  const limit = new RateLimit({ rate: 1, burst: 2, clock })
  expect(await servedAtOnce(3, limit, clock)).toBe(2)
  await clock.advance(10 * SECOND)
  expect(await servedAtOnce(3, limit, clock)).toBe(2)
})

test('a rate of zero is no limit', async () => {
  const clock = fakeClock(0)
  expect(await servedAtOnce(9, new RateLimit({ rate: 0, burst: 0, clock }), clock)).toBe(9)
})

test('whoever waits is let go when the program stops', async () => {
  const stop = new AbortController()
  const limit = new RateLimit({ rate: 0.001, burst: 1, clock: fakeClock(0) })
  await limit.take()
  const waiting = limit.take(stop.signal)
  stop.abort()
  await expect(waiting).resolves.toBeUndefined()
})

test('who stops waiting leaves the token to others', async () => {
  const clock = fakeClock(0)
  const stop = new AbortController()
  const limit = new RateLimit({ rate: 1, burst: 1, clock })
  await limit.take()
  const waiting = Promise.all([limit.take(stop.signal), limit.take(stop.signal)])
  stop.abort()
  await waiting
  await clock.advance(SECOND)
  expect(await servedAtOnce(2, limit, clock)).toBe(1)
})
