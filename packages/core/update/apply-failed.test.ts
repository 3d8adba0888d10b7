import { expect, test } from 'vitest'
import { vpaWith } from '../../../test/support/objects.ts'
import { parseTime } from '../time.ts'
import { applyFailedPatch, troubleTold } from './apply-failed.ts'
import type { Trouble } from './outcome-check.ts'

const NOW = parseTime('2026-03-01T00:00:00Z') ?? 0
const trouble: Trouble = { reason: 'NotAdmitted', message: 'Pod b is not right.', failures: 1, since: NOW, failedAt: { uptime: 0, now: NOW, newestPod: NOW }, nextAttempt: NOW + 300_000 }
const told = { type: 'ApplyFailed', status: 'True', lastTransitionTime: '2026-03-01T00:00:00Z', reason: 'NotAdmitted', message: 'Pod b is not right. Next attempt after 2026-03-01T00:05:00Z.' }
const provided = { type: 'RecommendationProvided', status: 'True', lastTransitionTime: '2026-03-01T00:00:00Z' }
const vpa = (conditions?: readonly object[]) => ({ ...vpaWith({}, { conditions }), resourceVersion: '7' })
const unchanged = { op: 'test', path: '/metadata/resourceVersion', value: '7' }

test.for<[string, readonly object[] | undefined, Trouble | undefined, object | undefined]>([
  ['no trouble, none told', [provided], undefined, undefined],
  ['a trouble that is told already', [told, provided], trouble, undefined],
  ['a new trouble', [provided], trouble, { op: 'add', path: '/status/conditions/-', value: told }],
  ['a new trouble, and no conditions yet', undefined, trouble, { op: 'add', path: '/status/conditions', value: [told] }],
  ['the same trouble with another reason', [provided, told], { ...trouble, reason: 'Overwritten' }, { op: 'replace', path: '/status/conditions/1', value: { ...told, reason: 'Overwritten' } }],
  ['a trouble that is over', [told, provided], undefined, { op: 'remove', path: '/status/conditions/0' }],
])('%s', ([, conditions, trouble, operation]) => {
  expect(applyFailedPatch(vpa(conditions), trouble)).toEqual(operation && [unchanged, operation])
})

test('after a restart the condition tells what had happened', () => {
  expect(troubleTold(vpa([told]), NOW)).toEqual({ reason: 'NotAdmitted', message: 'Pod b is not right.', since: NOW, nextAttempt: NOW + 300_000 })
  expect(troubleTold(vpa([{ ...told, message: 'Edited. Next attempt after lunch.' }]), NOW)).toMatchObject({ message: 'Edited.', nextAttempt: undefined })
  expect(troubleTold(vpa([provided]), NOW)).toBeUndefined()
  expect(troubleTold(vpa([{ ...told, status: 'False' }]), NOW)).toBeUndefined()
})
