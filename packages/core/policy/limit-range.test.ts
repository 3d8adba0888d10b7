import { expect, test } from 'vitest'
import { limitRangeOf } from '../../../test/support/new-pods.ts'
import { resourceListJson } from '../api/vpa.ts'
import { effectiveLimits } from './limit-range.ts'

const container = (limits: object) => ({ type: 'Container', ...limits })

test.for([
  ['no LimitRange at all', [], undefined],
  ['only items of another type', [limitRangeOf('a', { type: 'Pod', max: { cpu: '1' } })], undefined],
  ['an item that demands nothing', [limitRangeOf('a', container({}))], undefined],
  ['the lower max', [limitRangeOf('a', container({ max: { cpu: '2', memory: '1Gi' } }), container({ max: { cpu: '1', memory: '2Gi' } }))], { max: { cpu: '1', memory: '1Gi' } }],
  ['the higher min', [limitRangeOf('a', container({ min: { cpu: '200m' } })), limitRangeOf('b', container({ min: { cpu: '100m', memory: '1Mi' } }))], { min: { cpu: '200m', memory: '1Mi' } }],
  ['the last default by name, however they come', [limitRangeOf('b', container({ default: { cpu: '2' } })), limitRangeOf('a', container({ default: { cpu: '1', memory: '1Gi' } }))], { default: { cpu: '2' } }],
  ['of other resources what the first item says', [limitRangeOf('a', container({ max: { gpu: '1' } }), container({ max: { gpu: '2', cpu: '1' } }))], { max: { gpu: '1', cpu: '1' } }],
] as const)('effective limits: %s', ([, ranges, expected]) => {
  const effective = effectiveLimits(ranges, 'Container')
  expect(effective && Object.fromEntries(Object.entries(effective).map(([bound, list]) => [bound, resourceListJson(list)]))).toEqual(expected)
})
