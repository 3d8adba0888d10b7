import { expect, test } from 'vitest'
import { formatQuantity } from '../quantity.ts'
import { cpuQuantity, memoryQuantity } from './rounding.ts'

const PLAIN = { cpuMillicores: 1, memoryBytes: 1, humanizeMemory: false }

/** Rows are upstream's model/types_test.go. */
test.for([
  [1000, 1, '1'],
  [1168, 1, '1168m'],
  [1000, 3, '1002m'],
  [1_231_241, 13, '1231243m'],
  [0, 10, '0'],
  [1000, -5, '1'],
] as const)('%dm CPU in multiples of %d is %s', ([millicores, cpuMillicores, expected]) => {
  expect(formatQuantity(cpuQuantity(millicores, { ...PLAIN, cpuMillicores }))).toBe(expected)
})

test.for([
  [1_238_659_775, 1, '1238659775'],
  [839_500_000, 134_217_728, '896Mi'],
  [262_144_000, 268_435_456, '256Mi'],
  [1e14, 1, '97656250000Ki'],
] as const)('%d bytes in multiples of %d are %s', ([bytes, memoryBytes, expected]) => {
  expect(formatQuantity(memoryQuantity(bytes, { ...PLAIN, memoryBytes }))).toBe(expected)
})

test.for([
  [1000, '1k'],
  [1537, '1536'],
  [1_050_000, '1Mi'],
  [839_500_000, '839500431360m'],
  [4_992_073_454, '4992899481600m'],
  // 1.125Ki: a half goes to the even neighbour, 1.12Ki.
  [1152, '1146880m'],
  [1408, '1413120m'],
] as const)('%d bytes for people are %s', ([bytes, expected]) => {
  expect(formatQuantity(memoryQuantity(bytes, { ...PLAIN, humanizeMemory: true }))).toBe(expected)
})
