import { HOUR, MINUTE } from '@vpa/core/time.ts'
import { parseConfig } from '@vpa/kube/config.ts'
import { expect, test } from 'vitest'
import { Config } from './config.ts'

test('without flags the updater acts as upstream does', () => {
  expect(parseConfig(Config, [])).toMatchObject({
    config: {
      updaterInterval: MINUTE,
      minReplicas: 2,
      evictionTolerance: 0.5,
      evictionRateLimit: -1,
      evictionRateBurst: 1,
      podUpdateThreshold: 0.1,
      inRecommendationBoundsEvictionLifetimeThreshold: 12 * HOUR,
      evictAfterOomThreshold: 10 * MINUTE,
      concurrentCpuStartupBoostSyncs: 1,
      inPlaceSkipDisruptionBudget: false,
      verifyOutcome: true,
      outcomeBreakerThreshold: 3,
      useAdmissionControllerStatus: true,
      admissionControllerStatusLeaseName: 'vpa-admission-controller',
      admissionControllerStatusLeaseTimeout: MINUTE,
      leaderElectResourceName: 'vpa-updater',
    },
  })
})

test.for([
  ['--eviction-tolerance=-0.1', '--eviction-tolerance: must not be less than 0: -0.1'],
  ['--updater-interval=soon', '--updater-interval: not a duration, such as 90s or 1h30m: "soon"'],
  ['--evict_after_oom_threshold=0', undefined],
] as const)('%s', ([argument, problem]) => {
  expect(parseConfig(Config, [argument])).toMatchObject(problem === undefined ? { config: { evictAfterOomThreshold: 0 } } : { problem })
})
