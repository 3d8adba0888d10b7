import { DAY } from '@vpa/core/time.ts'
import { expect, onTestFinished, test, vi } from 'vitest'
import { systemClock } from './clock.ts'

test.for([1, 25, 100])("sleeps for %d days, though a timer of Node's takes no more than 24.8", async (days) => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  let isOver = false
  void systemClock.sleep(days * DAY).then(() => (isOver = true))
  await vi.advanceTimersByTimeAsync(days * DAY - 1)
  expect(isOver).toBe(false)
  await vi.advanceTimersByTimeAsync(1)
  expect(isOver).toBe(true)
})

test('wakes from a sleep of months when the signal is aborted', async () => {
  const stop = new AbortController()
  const slept = systemClock.sleep(100 * DAY, stop.signal)
  stop.abort()
  await expect(slept).resolves.toBeUndefined()
})
