import { expect, test } from 'vitest'
import { podWith } from '../../../test/support/objects.ts'
import { inOrder, marksOfEvents, oomMark, oomMarksOf } from './mark.ts'

const AT = Date.UTC(2026, 2, 1)

test('what the updater tells becomes marks; other events, and those without a time, do not', () => {
  expect(
    marksOfEvents([
      { reason: 'EvictedPod', message: 'VPA Updater evicted Pod web-1 to apply resource recommendation.', about: 'web', at: AT },
      { reason: 'InPlaceResizedByVPA', message: 'Pod was resized in place by VPA Updater.', about: 'web-2', at: AT },
      { reason: 'LimitedByQuota', message: '', about: 'web', at: AT },
      { reason: 'EvictedPod', message: '', about: 'web', at: undefined },
    ]),
  ).toEqual([
    { at: AT, kind: 'eviction', container: undefined, pod: 'web-1', text: 'Pod web-1 was evicted.' },
    { at: AT, kind: 'resize', container: undefined, pod: 'web-2', text: 'Pod web-2 was resized in place.' },
  ])
})

test.for([
  ['is killed now', { state: { terminated: { reason: 'OOMKilled', finishedAt: '2026-03-01T00:00:00Z' } } }, 1],
  ['was killed before it ran again', { state: { running: {} }, lastState: { terminated: { reason: 'OOMKilled', finishedAt: '2026-03-01T00:00:00Z' } } }, 1],
  ['ended otherwise', { state: { terminated: { reason: 'Completed', finishedAt: '2026-03-01T00:00:00Z' } } }, 0],
] as const)('a pod tells of a container that %s', ([, status, count]) => {
  expect(oomMarksOf([podWith({ name: 'web-1', containerStatuses: [{ name: 'app', restartCount: 1, ...status }] })])).toEqual(Array.from({ length: count }, () => oomMark({ at: AT, pod: 'web-1', container: 'app' })))
})

test('the latest comes first, and what two tell of comes once', () => {
  const [first, second] = [oomMark({ at: AT, pod: 'web-1', container: 'app' }), oomMark({ at: AT + 60_000, pod: 'web-1', container: 'app' })]
  expect(inOrder([first, second, { ...first, at: AT + 300 }]).map(({ at }) => at)).toEqual([AT + 60_000, AT + 300])
})
