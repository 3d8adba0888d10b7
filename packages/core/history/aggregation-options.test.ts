import { expect, test } from 'vitest'
import { VpaSpec } from '../api/vpa.ts'
import { DAY, MINUTE } from '../time.ts'
import { aggregationOptionsFor } from './aggregation-options.ts'

const DEFAULTS = { memoryInterval: DAY, memoryIntervalCount: 8, oomBumpUpRatio: 1.2, oomMinBumpUp: 104_857_600 }

test.for([
  ['nothing of it', {}, {}],
  ['an interval', { memoryAggregationIntervalSeconds: 600, memoryAggregationIntervalCount: 3 }, { memoryInterval: 10 * MINUTE, memoryIntervalCount: 3 }],
  ['a ratio, in thousandths', { oomBumpUpRatio: '1.0005' }, { oomBumpUpRatio: 1.001 }],
  ['a minimum, also of nothing', { oomMinBumpUp: '0' }, { oomMinBumpUp: 0 }],
  ['a minimum with a unit', { oomMinBumpUp: '1Gi' }, { oomMinBumpUp: 1_073_741_824 }],
] as const)('a policy that sets %s', ([, policy, changed]) => {
  const { resourcePolicy } = VpaSpec.parse({ resourcePolicy: { containerPolicies: [policy] } })
  expect(aggregationOptionsFor(resourcePolicy?.containerPolicies?.[0], DEFAULTS)).toEqual({ ...DEFAULTS, ...changed })
})

test('no policy', () => {
  expect(aggregationOptionsFor(undefined, DEFAULTS)).toEqual(DEFAULTS)
})
