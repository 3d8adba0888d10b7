import { expect, test } from 'vitest'
import { recommendationWith } from '../../../test/support/objects.ts'
import type { ContainerPolicy, ContainerRecommendation } from '../api/vpa.ts'
import { Aggregate } from '../history/aggregate.ts'
import { recommend } from '../recommend/recommendation.ts'
import { HOUR, MINUTE } from '../time.ts'
import { ASSUMED_HALF_LIVES, ASSUMED_RECOMMENDER } from './assumption.ts'
import { derivationOf } from './derivation.ts'
import { amountIn } from './container-advice.ts'

const START = Date.UTC(2026, 2, 1)

/** A sample a minute, for that long. */
function usageOf(millicores: number, bytes: number, duration: number): Aggregate {
  const usage = new Aggregate(ASSUMED_HALF_LIVES)
  for (let at = START; at < START + duration; at += MINUTE) usage.addCpu(millicores, at)
  usage.addMemoryPeak(bytes, START + duration)
  return usage
}

function derive(resource: 'cpu' | 'memory', usage: Aggregate, { recommended = recommend(new Map([['app', usage]]), undefined, ASSUMED_RECOMMENDER)[0]!, policies, containerCount = 1 }: { recommended?: ContainerRecommendation; policies?: readonly ContainerPolicy[]; containerCount?: number } = {}) {
  return derivationOf(resource, { usage, containerCount, policies, recommended, options: ASSUMED_RECOMMENDER })
}

test('an hour at 400m: percentile, margin, and bounds as wide as an hour of history leaves them', () => {
  const derivation = derive('cpu', usageOf(400, 500e6, HOUR))
  expect(derivation).toMatchObject({ percentile: 0.9, marginFraction: 0.15, minimum: 25, cappedBy: undefined, confidence: expect.closeTo(59 / 1440, 6) })
  expect(derivation.withMargin).toBe(derivation.usage + Math.trunc(derivation.usage * 0.15))
  expect(derivation.upperBound.factor).toBeCloseTo(25.4, 1)
  expect(derivation.lowerBound.factor).toBeCloseTo(0.95, 2)
})

test.for([
  ['much', 400, 500e6, 40 * HOUR],
  ['little, so that the least that a pod gets counts', 3, 20e6, 40 * HOUR],
  ['for a minute only', 1234, 3e9, 2 * MINUTE],
] as const)('the steps end where the recommender ends: %s', ([, millicores, bytes, duration]) => {
  const usage = usageOf(millicores, bytes, duration)
  const [recommended] = recommend(new Map([['app', usage]]), undefined, ASSUMED_RECOMMENDER)
  for (const resource of ['cpu', 'memory'] as const) {
    const { estimate, minimum, lowerBound } = derive(resource, usage)
    expect(estimate).toBe(amountIn(recommended?.target, resource))
    const withMargin = lowerBound.usage + Math.trunc(lowerBound.usage * 0.15)
    expect(Math.max(minimum, Math.trunc(withMargin * lowerBound.factor))).toBeCloseTo(amountIn(recommended?.lowerBound, resource) ?? Number.NaN, -1)
  }
})

test('the least that a pod gets is shared out among its containers', () => {
  expect(derive('cpu', usageOf(1, 1e6, HOUR), { containerCount: 2 })).toMatchObject({ minimum: 12 })
})

test.for([
  ['maxAllowed', { maxAllowed: { cpu: '300m' } }, '300m'],
  ['minAllowed', { minAllowed: { cpu: '900m' } }, '900m'],
  ['other', {}, '500m'],
] as const)('a target that is not what was estimated is capped by %s', ([cappedBy, policy, target]) => {
  const [recommended] = recommendationWith({ app: { target: { cpu: target } } })
  const [uncapped] = recommendationWith({ app: { target: { cpu: '452m' } } })
  const quantities = Object.fromEntries(Object.entries(policy).map(([bound]) => [bound, recommended?.target]))
  const policies = [{ containerName: 'app', ...quantities }] as unknown as readonly ContainerPolicy[]
  expect(derive('cpu', usageOf(400, 5e8, HOUR), { policies, recommended: { ...recommended!, uncappedTarget: uncapped?.target } }).cappedBy).toBe(cappedBy)
})
