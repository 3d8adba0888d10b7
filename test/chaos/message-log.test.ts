import { expect, test } from 'vitest'
import { MessageLog } from './message-log.ts'

test('each message is told once, as it was last, with how often; what was told last comes last', () => {
  const log = new MessageLog()
  log.add('Run', 'Run 1')
  log.add('Failed', 'Failed: no such port')
  log.add('Run', 'Run 2')
  expect(log.lines().map((line) => line.replace(/^\S+ /, ''))).toEqual(['1x Failed: no such port', '2x Run 2'])
})

test('it stays short, however much there is to tell, and keeps what is new', () => {
  const log = new MessageLog()
  for (let count = 0; count < 1000; count += 1) log.add(`message ${count}`, `message ${count} ${'x'.repeat(10_000)}`)
  expect(log.lines().join('\n').length).toBeLessThan(15_000)
  expect(log.lines().at(-1)).toContain('message 999')
})
