import { HOUR, SECOND } from '@vpa/core/time.ts'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { fakeClock } from '../../test/support/fake-clock.ts'
import { executionLatency, startTimer } from './execution-timer.ts'

test('each step takes from where the one before ended, whatever is done to the system\'s time', async () => {
  const clock = fakeClock()
  const registry = new Registry()
  const timer = startTimer(executionLatency(registry, 'vpa_updater', 'VPA Updater'), clock)
  await clock.advance(2 * SECOND)
  timer.endStep('ListVPAs')
  clock.step(-HOUR)
  await clock.advance(5 * SECOND)
  timer.endStep('ListPods')
  timer.end()
  const text = await registry.metrics()
  expect([...text.matchAll(/_sum\{step="(\w+)"\} (.*)/g)].map(([, step, seconds]) => [step, Number(seconds)])).toEqual([['ListVPAs', 2], ['ListPods', 5], ['total', 7]])
})
