import { MINUTE } from '@vpa/core/time.ts'
import { expect, test } from 'vitest'
import { Overdue } from './overdue.ts'

test('a VPA that waits is told of after 30 minutes, and every 30 minutes again', () => {
  const overdue = new Overdue()
  const told = Array.from({ length: 70 }, (_, minute) => minute).filter((minute) => overdue.among(['web'], minute * MINUTE).length > 0)
  expect(told).toEqual([31, 62])
})

test('one that had a recommendation in between waits anew', () => {
  const overdue = new Overdue()
  overdue.among(['web', 'db'], 0)
  overdue.among(['db'], 20 * MINUTE)
  expect(overdue.among(['web', 'db'], 40 * MINUTE)).toEqual(['db'])
})
