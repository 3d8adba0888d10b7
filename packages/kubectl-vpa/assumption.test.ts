import { ASSUMED_HALF_LIVES, ASSUMED_RECOMMENDER, ASSUMED_UPDATER } from '@vpa/core/advise/assumption.ts'
import { expect, test } from 'vitest'
import { Config as RecommenderConfig, recommenderOptions } from '../recommender/config.ts'
import { Config as UpdaterConfig } from '../updater/config.ts'

test("what is assumed of the recommender's flags is what they say unless told otherwise", () => {
  const { recommend, halfLives } = recommenderOptions(RecommenderConfig.parse({}))
  expect({ recommend, halfLives }).toEqual({ recommend: ASSUMED_RECOMMENDER, halfLives: ASSUMED_HALF_LIVES })
})

test("and so of the updater's", () => {
  const config = UpdaterConfig.parse({})
  expect(ASSUMED_UPDATER).toEqual({
    minReplicas: config.minReplicas,
    evictionTolerance: config.evictionTolerance,
    lifetimeThreshold: config.inRecommendationBoundsEvictionLifetimeThreshold,
    minimumDifference: config.podUpdateThreshold,
    evictAfterOomThreshold: config.evictAfterOomThreshold,
    inPlaceSkipDisruptionBudget: config.inPlaceSkipDisruptionBudget,
    perVpaConfig: config.featureGates.PerVPAConfig,
    waitsForOom: config.verifyOutcome,
    inPlaceOnly: config.featureGates.InPlace,
  })
})
