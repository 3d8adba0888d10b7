import { expect, test } from 'vitest'
import { harmIn } from './report.ts'
import type { Report } from './trial.ts'

const GOOD: Report = {
  scenario: 'watches dropped', faults: 3, convergedMs: 1000, events: 10, missed: 0, slowestMs: 10,
  measurements: 2, unreadable: 0, unseen: 0, samplesLost: 0, samplesLostThoughReadable: 0, samplesCountedTwice: 0,
  podCounts: 100, evictionsBeyondBudget: 0, crashes: 0, damage: [],
}

test('where all was looked at and is well, there is no harm', () => {
  expect(harmIn(GOOD)).toEqual([])
})

test.for<[string, Partial<Report>]>([
  ['no faults were made', { faults: 0 }],
  ['no events were looked for', { events: 0 }],
  ['no usage was measured', { measurements: 0 }],
  ['the pods were never counted', { podCounts: 0 }],
])('who has seen nothing has not seen that all is well: %s', ([harm, report]) => {
  expect(harmIn({ ...GOOD, ...report })).toEqual([harm])
})

test.for<[string, Partial<Report>, readonly string[]]>([
  ['a lost sample that nobody could read', { samplesLost: 1, unreadable: 1 }, []],
  ['a lost sample that could be read', { samplesLost: 2, unreadable: 1, samplesLostThoughReadable: 1 }, ['1 samples lost that could be read instead of at most 0']],
  ['a sample that was counted twice', { samplesCountedTwice: 1 }, ['1 samples counted twice instead of at most 0']],
  ['a sample more than the auditor has seen, where there may be one that it has not', { samplesCountedTwice: 1, unseen: 1 }, []],
])('%s', ([, report, harm]) => {
  expect(harmIn({ ...GOOD, ...report })).toEqual(harm)
})
