import { describe, expect, test } from 'vitest'
import { type Vpa, type VpaStatus, projectVpa } from '../api/vpa.ts'
import { quantity } from '../quantity.ts'
import { MINUTE } from '../time.ts'
import { nextStatus, sameStatus } from './status.ts'

const T = Date.UTC(2026, 2, 1)
const SOME = [{ containerName: 'app', target: { cpu: quantity('1') } }] as unknown as Parameters<typeof nextStatus>[1]['recommendation']
const NO_PODS = 'NoPodsMatched: No pods match this VPA object'

/** A condition as `Type=Status reason: message`. */
function conditionsOf({ conditions = [] }: VpaStatus): string[] {
  return conditions.map(({ type, status, reason, message }) => [`${type}=${status}`, reason && `${reason}:`, message].filter(Boolean).join(' '))
}

/** The first four rows are upstream's vpa_test.go. */
test.for([
  ['pods and a recommendation', SOME, 1, undefined, ['RecommendationProvided=True']],
  ['pods without a recommendation', [], 1, undefined, ['RecommendationProvided=False']],
  ['neither', [], 0, undefined, [`NoPodsMatched=True ${NO_PODS}`, `RecommendationProvided=False ${NO_PODS}`]],
  ['a recommendation without pods', SOME, 0, undefined, [`NoPodsMatched=True ${NO_PODS}`, 'RecommendationProvided=True']],
  ['a target that cannot be scaled', [], 1, 'no such thing', ['ConfigUnsupported=True no such thing', 'RecommendationProvided=False']],
] as const)('%s', ([, recommendation, podCount, unsupported, expected]) => {
  const vpa = projectVpa({ metadata: { generation: 3 } })
  const status = nextStatus(vpa, { recommendation, podCount, unsupported }, T)
  expect(conditionsOf(status)).toEqual(expected)
  expect(status.observedGeneration).toBe(3)
})

describe('of the conditions there were', () => {
  const facts = { recommendation: SOME, podCount: 1, unsupported: undefined }

  test('those that no longer hold are gone, those of others stay', () => {
    expect(conditionsOf(nextStatus(vpaWith('ConfigUnsupported', 'ConfigDeprecated', 'NoPodsMatched', 'Mine'), facts, T))).toEqual(['Mine=True', 'RecommendationProvided=True'])
  })

  test('one keeps its time while its status stays, and gets a new one when it changes', () => {
    const times = (recommendation: typeof SOME) => nextStatus(vpaWith('RecommendationProvided'), { ...facts, recommendation }, T).conditions?.map(({ lastTransitionTime }) => lastTransitionTime)
    expect(times(SOME)).toEqual([Date.UTC(2026, 0, 1)])
    expect(times([])).toEqual([T])
  })
})

describe('a status is the same', () => {
  test.for([
    ['however its amounts are written', raw('1000m'), true],
    ['unless an amount differs', raw('1001m'), false],
    ['unless a time differs', raw('1', '2026-03-01T00:00:01Z'), false],
    ['unless it was made for another generation', { ...raw('1'), observedGeneration: 2 }, false],
    ['unless a condition is missing', { ...raw('1'), conditions: [] }, false],
    ['unless there is none', {}, false],
  ] as const)('%s', ([, other, expected]) => {
    expect(sameStatus(statusOf(raw('1')), statusOf(other))).toBe(expected)
  })

  test('in the next turn, when nothing has changed but the time', () => {
    const vpa = projectVpa({ metadata: { generation: 1 }, status: raw('1') })
    const recommendation = vpa.status.recommendation?.containerRecommendations ?? []
    expect(sameStatus(nextStatus(vpa, { recommendation, podCount: 1, unsupported: undefined }, T + MINUTE), vpa.status)).toBe(true)
  })
})

/** Conditions that have been true since New Year. */
function vpaWith(...types: string[]): Vpa {
  return projectVpa({ status: { conditions: types.map((type) => ({ type, status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' })) } })
}

function raw(cpu: string, at = '2026-03-01T00:00:00Z') {
  return {
    recommendation: { containerRecommendations: [{ containerName: 'app', target: { memory: '1Gi', cpu } }] },
    conditions: [{ type: 'RecommendationProvided', status: 'True', lastTransitionTime: at }],
    observedGeneration: 1,
  }
}

function statusOf(raw: object): VpaStatus {
  return projectVpa({ status: raw }).status
}
