import { expect, test } from 'vitest'
import { type Recommendation, projectVpa, vpaStatusJson } from '../api/vpa.ts'
import { withDeadBand } from './dead-band.ts'

type Cpu = readonly [lowerBound: string, target: string, upperBound: string, uncappedTarget?: string]

function recommendation([lowerBound, target, upperBound, uncappedTarget = target]: Cpu, containerName = 'app') {
  const container = { containerName, target: { cpu: target, memory: '1Gi' }, lowerBound: { cpu: lowerBound }, upperBound: { cpu: upperBound }, uncappedTarget: { cpu: uncappedTarget } }
  return projectVpa({ status: { recommendation: { containerRecommendations: [container] } } }).status.recommendation!.containerRecommendations!
}

const json = (containers: Recommendation) => vpaStatusJson({ recommendation: { containerRecommendations: [...containers] }, conditions: undefined, observedGeneration: undefined })

test.for<[string, Cpu, Cpu, number, 'kept' | 'replaced']>([
  ['little has changed', ['900m', '1', '2'], ['910m', '1050m', '1910m'], 0.05, 'kept'],
  ['nothing has changed', ['900m', '1', '2'], ['900m', '1', '2'], 0.05, 'kept'],
  ['the target has changed', ['900m', '1', '2'], ['910m', '1051m', '1990m'], 0.05, 'replaced'],
  ['only the upper bound has changed: the history is short', ['900m', '1', '100'], ['900m', '1', '50'], 0.05, 'replaced'],
  ['only the uncapped target has changed', ['900m', '1', '2', '3'], ['900m', '1', '2', '4'], 0.05, 'replaced'],
  ['there is no dead band', ['900m', '1', '2'], ['900m', '1001m', '2'], 0, 'replaced'],
])('%s', ([, before, now, fraction, expected]) => {
  expect(json(withDeadBand(recommendation(now), recommendation(before), fraction))).toEqual(json(recommendation(expected === 'kept' ? before : now)))
})

test('a container that had no recommendation gets one', () => {
  const now = recommendation(['1', '1', '1'], 'new')
  expect(withDeadBand(now, recommendation(['2', '2', '2'], 'old'), 0.5)).toEqual(now)
})
