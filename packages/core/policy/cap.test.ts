import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Recommendation, VpaSpec, resourceListJson } from '../api/vpa.ts'
import { type ResourceList, quantity, quantityOfMillis } from '../quantity.ts'
import { capToPolicy } from './cap.ts'

/** Upstream's capping_test.go: target 42, lower 31, upper 53, of cpu in m and of memory in Mi. */
const both = (amount: number) => list({ cpu: `${amount}m`, memory: `${amount}Mi` })
const recommendation: Recommendation = [{ containerName: 'app', target: both(42), lowerBound: both(31), upperBound: both(53), uncappedTarget: both(42) }]

test.for([
  ['a minimum above all', { minAllowed: { cpu: '50m' } }, {}, ['50m', '50m', '53m']],
  ['a maximum below the target', { maxAllowed: { cpu: '40m' } }, {}, ['40m', '31m', '40m']],
  ['a global maximum where the policy has none', {}, { cpu: '40m' }, ['40m', '31m', '40m']],
  ['a minimum and a global maximum', { minAllowed: { cpu: '35m' } }, { cpu: '50m' }, ['42m', '35m', '50m']],
  ["the policy's maximum wins over the global one", { maxAllowed: { cpu: '40m' } }, { cpu: '30m' }, ['40m', '31m', '40m']],
  ['the maximum wins over a minimum above it', { minAllowed: { cpu: '60m' }, maxAllowed: { cpu: '45m' } }, {}, ['45m', '45m', '45m']],
  ['zero is no bound', { minAllowed: { cpu: '0' }, maxAllowed: { cpu: '0' } }, { cpu: '0' }, ['42m', '31m', '53m']],
] as const)('%s', ([, policy, global, expected]) => {
  const { resourcePolicy } = VpaSpec.parse({ resourcePolicy: { containerPolicies: [{ containerName: '*', ...policy }] } })
  const [capped] = capToPolicy(recommendation, resourcePolicy?.containerPolicies, list(global))
  expect([capped?.target, capped?.lowerBound, capped?.upperBound].map((amounts) => resourceListJson(amounts ?? {}).cpu)).toEqual(expected)
  expect(capped?.uncappedTarget).toEqual(both(42))
})

test('a global maximum of one resource goes beside a policy maximum of the other', () => {
  const { resourcePolicy } = VpaSpec.parse({ resourcePolicy: { containerPolicies: [{ containerName: 'app', maxAllowed: { cpu: '40m' } }] } })
  const [capped] = capToPolicy(recommendation, resourcePolicy?.containerPolicies, list({ cpu: '30m', memory: '30Mi' }))
  expect(resourceListJson(capped?.target ?? {})).toEqual({ cpu: '40m', memory: '30Mi' })
})

test('capped amounts are within the bounds, and capping again changes nothing', () => {
  const amount = fc.integer({ min: 1, max: 1000 })
  fc.assert(
    fc.property(amount, amount, amount, (target, min, max) => {
      const { resourcePolicy } = VpaSpec.parse({ resourcePolicy: { containerPolicies: [{ containerName: '*', minAllowed: { cpu: `${min}m` }, maxAllowed: { cpu: `${max}m` } }] } })
      const cap = (recommendation: Recommendation) => capToPolicy(recommendation, resourcePolicy?.containerPolicies, {})
      const once = cap([{ ...recommendation[0]!, target: { cpu: quantityOfMillis(target) } }])
      expect(once[0]?.target?.cpu).toEqual(quantityOfMillis(Math.min(max, Math.max(min, target))))
      expect(cap(once)).toEqual(once)
    }),
  )
})

function list(amounts: Readonly<Record<string, string>>): ResourceList {
  return Object.fromEntries(Object.entries(amounts).map(([resource, text]) => [resource, quantity(text)]))
}
