import { expect, test } from 'vitest'
import { podWith, vpaWith } from '../../../test/support/objects.ts'
import type { WorkloadLookup } from '../target/workload.ts'
import { type FleetOrder, fleetOf } from './fleet.ts'
import { DEFAULT_PRICES, monthlyCost } from './price.ts'

const workload: WorkloadLookup = (namespace, ref) => ({ found: { ...ref, namespace, owners: [], selector: { matchLabels: { app: 'web' } }, replicas: 2 } })
const vpa = vpaWith({ resourcePolicy: { containerPolicies: [{ containerName: 'off', mode: 'Off' }] } }, {
  recommendation: { containerRecommendations: [{ containerName: 'small', target: { cpu: '50m', memory: '1Gi' } }, { containerName: 'large', target: { cpu: '1', memory: '2Gi' } }] },
})
const requests = { small: { cpu: '100m', memory: '1Gi' }, large: { cpu: '500m', memory: '4Gi' }, off: { cpu: '8' } }
const pods = [podWith({ name: 'a', requests }), podWith({ name: 'b', requests })]
const usage = [120, 340].map((cpu, index) => ({ namespace: 'default', podName: pods[index]?.name ?? '', containerName: 'large', cpu, memory: Number.NaN }))
const fleet = (order: FleetOrder) => fleetOf({ vpas: [vpa], pods, usage, workload }, DEFAULT_PRICES, order)

test('a month costs what a core and a gigabyte cost by the hour', () => {
  expect(monthlyCost({ cpu: 1000 }, DEFAULT_PRICES)).toBeCloseTo(23.08, 2)
  expect(monthlyCost({ memory: 2 ** 30 }, DEFAULT_PRICES)).toBeCloseTo(3.09, 2)
})

test('differences of all pods add up; a container whose policy says Off has no part in it', () => {
  const { containers, totals } = fleet('name')
  expect(containers.map(({ container }) => container)).toEqual(['large', 'small'])
  expect(totals).toMatchObject({ vpas: 1, pods: 2, requested: { cpu: 1200, memory: 10 * 2 ** 30 }, recommended: { cpu: 2100, memory: 6 * 2 ** 30 }, severities: { critical: 1, good: 1 } })
  expect(totals.monthly.saving).toBeCloseTo(-0.9 * 23.076 + 4 * 3.093, 2)
})

test.for([
  ['waste', ['small', 'large']],
  ['cpu', ['small', 'large']],
  ['memory', ['large', 'small']],
  ['severity', ['large', 'small']],
] as const)('in the order of %s', ([order, expected]) => {
  expect(fleet(order).containers.map(({ container }) => container)).toEqual(expected)
})

test('usage is that of the pod that uses most; what is no amount is left out', () => {
  expect(fleet('name').containers[0]?.resources).toMatchObject({ cpu: { usage: 340, change: 1 }, memory: { usage: undefined, change: -0.5 } })
})

test('a VPA without pods costs nothing and is nothing to worry about', () => {
  const { containers, totals } = fleetOf({ vpas: [vpa], pods: [], usage: [], workload }, DEFAULT_PRICES, 'waste')
  expect(containers.map(({ severity, pods, monthly }) => [severity, pods, monthly.saving])).toEqual([['unknown', 0, 0], ['unknown', 0, 0]])
  expect(totals.monthly).toEqual({ now: 0, recommended: 0, saving: 0 })
})
