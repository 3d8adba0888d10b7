import type { Resource } from '../amount.ts'
import type { HalfLives } from '../history/aggregate.ts'
import type { RecommendOptions } from '../recommend/recommendation.ts'
import { DAY, HOUR, MINUTE } from '../time.ts'
import type { ForecastFacts } from './forecast.ts'

/** What the flags of the three programs say unless told otherwise: taken for true where nobody can ask them. */
const ESTIMATE = { targetPercentile: 0.9, lowerBoundPercentile: 0.5, upperBoundPercentile: 0.95, confidenceInterval: DAY, marginFraction: 0.15 }
const POD_MINIMUM: Readonly<Record<Resource, number>> = { cpu: 25, memory: 250 * 2 ** 20 }

export const ASSUMED_HALF_LIVES: HalfLives = { cpu: DAY, memory: DAY }

export const ASSUMED_RECOMMENDER: RecommendOptions = {
  estimates: { cpu: ESTIMATE, memory: ESTIMATE },
  podMinimum: POD_MINIMUM,
  rounding: { cpuMillicores: 1, memoryBytes: 1, humanizeMemory: false },
  minSamples: 0,
}

export const ASSUMED_UPDATER: ForecastFacts['options'] = {
  minReplicas: 2,
  evictionTolerance: 0.5,
  lifetimeThreshold: 12 * HOUR,
  minimumDifference: 0.1,
  evictAfterOomThreshold: 10 * MINUTE,
  inPlaceSkipDisruptionBudget: false,
  perVpaConfig: false,
  waitsForOom: true,
  inPlaceOnly: false,
}
