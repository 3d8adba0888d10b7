import { SECOND } from '@vpa/core/time.ts'
import { expect, test } from 'vitest'
import { fakeClock } from '../../test/support/fake-clock.ts'
import { every } from './every.ts'
import { Health } from './health.ts'
import { turn } from './turn.ts'

/** Turns every 10 s, of which those that `fails` says throw, for two minutes; health is lost after 50 s of silence. */
async function twoMinutesOf(fails: (count: number) => boolean) {
  const clock = fakeClock()
  const stop = new AbortController()
  const health = new Health({ timeout: 50 * SECOND, clock })
  const logged: string[] = []
  const log = { error: (message: string) => void logged.push(message) }
  let turns = 0
  const work = async () => {
    turns += 1
    if (fails(turns)) throw new Error('a defect')
  }
  health.start()
  const ended = every(10 * SECOND, () => turn(work, { message: 'Run failed', health, log }), { clock, signal: stop.signal })
  await clock.advance(120 * SECOND)
  stop.abort()
  await ended
  return { turns, isHealthy: health.silentFor() === undefined, failures: logged.filter((message) => message === 'Run failed').length }
}

test.for([
  ['go well', () => false, { isHealthy: true, failures: 0 }],
  ['fail now and then', (count: number) => count % 3 === 0, { isHealthy: true, failures: 4 }],
  ['fail from some time on', (count: number) => count > 6, { isHealthy: false, failures: 6 }],
  ['all fail', () => true, { isHealthy: false, failures: 12 }],
] as const)('a program whose turns %s goes on', async ([, fails, expected]) => {
  expect(await twoMinutesOf(fails)).toEqual({ turns: 12, ...expected })
})
