import { expect, test } from 'vitest'
import { projectVpa } from '../api/vpa.ts'
import { MINUTE } from '../time.ts'
import { type Explanation, newlyHolding, withExplanations } from './explanation.ts'

const T = Date.UTC(2026, 2, 1)
const CONFLICT: Explanation = { type: 'TargetConflict', reason: 'OlderVerticalPodAutoscaler', message: 'old is older' }
const QUOTA: Explanation = { type: 'LimitedByQuota', reason: 'ResourceQuota', message: 'too much' }
const GO = projectVpa({ status: { conditions: [{ type: 'RecommendationProvided', status: 'True' }] } }).status

test('an explanation is told while it holds, since it began to', () => {
  const first = withExplanations(GO, [CONFLICT], GO, T)
  expect(first.conditions?.map(({ type, lastTransitionTime }) => [type, lastTransitionTime])).toEqual([['RecommendationProvided', undefined], ['TargetConflict', T]])
  const second = withExplanations(first, [{ ...CONFLICT, message: 'older is older' }, QUOTA], first, T + MINUTE)
  expect(second.conditions?.map(({ type, message, lastTransitionTime }) => [type, message, lastTransitionTime])).toEqual([
    ['LimitedByQuota', 'too much', T + MINUTE],
    ['RecommendationProvided', '', undefined],
    ['TargetConflict', 'older is older', T],
  ])
  expect(withExplanations(second, [], second, T + 2 * MINUTE)).toEqual(GO)
})

test('what was not told before is news', () => {
  const before = withExplanations(GO, [CONFLICT], GO, T)
  expect(newlyHolding([CONFLICT, QUOTA], before)).toEqual([QUOTA])
})
