import { expect, test } from 'vitest'
import type { Account } from './account.ts'
import { differencesOf } from './difference.ts'

const PROVIDED = { type: 'RecommendationProvided', status: 'True' }

function account({ cpu = '1168m', conditions = [PROVIDED], samples = 3, totalWeight = 0.3 } = {}): Account {
  const checkpoint = { version: 'v3', totalSamplesCount: samples, lastSampleStart: '2026-03-01T00:00:00Z', cpuHistogram: { totalWeight, bucketWeights: { 36: 10_000 } } }
  return { status: { recommendation: { containerRecommendations: [{ containerName: 'app', target: { cpu } } as { containerName: string }] }, conditions }, checkpoints: { app: checkpoint } }
}

test.for([
  ['nothing', {}, []],
  ['the last digit of a sum', { totalWeight: 0.3 + 1e-16 }, []],
  ['a target', { cpu: '1169m' }, [{ where: 'target' }]],
  ['a condition of Go', { conditions: [{ ...PROVIDED, status: 'False' }] }, [{ where: 'conditions' }]],
  ['a condition that Go does not have', { conditions: [PROVIDED, { type: 'LowConfidence', status: 'True' }] }, [{ where: 'condition LowConfidence', byDesign: true }]],
  ['samples', { samples: 4 }, [{ where: 'checkpoint', cause: 'other samples: 3 and 4, the last at 2026-03-01T00:00:00Z and 2026-03-01T00:00:00Z' }]],
  ['a histogram', { totalWeight: 0.31 }, [{ where: 'checkpoint', cause: 'the same number of samples' }]],
] as const)('two recommenders differ in %s', ([, ours, expected]) => {
  expect(differencesOf(account(), account(ours as Parameters<typeof account>[0]))).toEqual(expected.map((each) => expect.objectContaining(each)))
})

test('what only one of them has is a difference', () => {
  const { status } = account()
  expect(differencesOf(account(), { status, checkpoints: {} })).toMatchObject([{ where: 'checkpoint', ours: 'none' }])
  expect(differencesOf(account(), { ...account(), status: { conditions: [PROVIDED] } })).toMatchObject([{ where: 'containers with a recommendation' }])
})
