import { SECOND } from '@vpa/core/time.ts'
import { expect, test } from 'vitest'
import { fakeClock } from '../../test/support/fake-clock.ts'
import { every } from './every.ts'

/** When ticks begin, in seconds after the start, if they take that many seconds each. */
async function beginnings(tickSeconds: readonly number[], seconds: number): Promise<readonly number[]> {
  const clock = fakeClock(0)
  const stop = new AbortController()
  const begun: number[] = []
  const done = every(60 * SECOND, async () => {
    begun.push(clock.now() / SECOND)
    await clock.sleep((tickSeconds[begun.length - 1] ?? 0) * SECOND)
  }, { clock, signal: stop.signal })
  await clock.advance(seconds * SECOND)
  stop.abort()
  await clock.advance(1000 * SECOND)
  await done
  return begun
}

test.for([
  ['one interval after the start, then one after the other', [], 200, [60, 120, 180]],
  ['not at the start', [], 59, []],
  ['in rhythm, however long a tick is below the interval', [59, 30], 200, [60, 120, 180]],
  ['at once after a tick that was too long, then in rhythm again', [90], 200, [60, 150, 180]],
  ['of several missed ticks only one is made up for', [150], 300, [60, 210, 240, 300]],
  ['not again after the end', [90], 100, [60]],
] as const)('%s', async ([, tickSeconds, seconds, expected]) => {
  expect(await beginnings(tickSeconds, seconds)).toEqual(expected)
})

test.for([
  ['set back', -3600],
  ['set on', 3600],
] as const)('a system clock that is %s does not change the rhythm', async ([, step]) => {
  const clock = fakeClock(3600 * SECOND)
  let ticks = 0
  const stop = new AbortController()
  const done = every(60 * SECOND, async () => void (ticks += 1), { clock, signal: stop.signal })
  await clock.advance(60 * SECOND)
  clock.step(step * SECOND)
  await clock.advance(180 * SECOND)
  stop.abort()
  await done
  expect(ticks).toBe(4)
})

test('the first tick may come at once', async () => {
  const clock = fakeClock(0)
  const begun: number[] = []
  const stop = new AbortController()
  const done = every(60 * SECOND, async () => void begun.push(clock.now() / SECOND), { clock, signal: stop.signal, atOnce: true })
  await clock.advance(130 * SECOND)
  stop.abort()
  await done
  expect(begun).toEqual([0, 60, 120])
})

test('what a tick throws ends the loop', async () => {
  const clock = fakeClock()
  const loop = every(SECOND, () => Promise.reject(new Error('no')), { clock, signal: new AbortController().signal })
  await Promise.all([expect(loop).rejects.toThrow('no'), clock.advance(SECOND)])
})
