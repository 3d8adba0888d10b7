import { expect, test } from 'vitest'
import { type ContainerAmounts, podOf } from '../../../test/support/new-pods.ts'
import { qosClassOf } from './qos-class.ts'

const all = { cpu: '1', memory: '1Gi' }

test.for<[string, readonly ContainerAmounts[], string]>([
  ['nothing is asked for', [{}, { requests: { cpu: '0' } }], 'BestEffort'],
  ['one container asks for something', [{}, { requests: { cpu: '1' } }], 'Burstable'],
  ['all limits equal their requests', [{ requests: all, limits: all }, { limits: all }], 'Guaranteed'],
  ['a limit is missing', [{ requests: all, limits: { cpu: '1' } }], 'Burstable'],
  ['a limit is higher', [{ requests: all, limits: { cpu: '2', memory: '1Gi' } }], 'Burstable'],
  ['one container differs', [{ limits: all }, { requests: all }], 'Burstable'],
])('%s: %s', ([, containers, expected]) => {
  const { containers: projected } = podOf(Object.fromEntries(containers.map((amounts, index) => [`c${index}`, amounts])))
  expect(qosClassOf(projected)).toBe(expected)
})
