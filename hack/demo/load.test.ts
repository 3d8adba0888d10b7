import { assert, integer, property } from 'fast-check'
import { expect, test } from 'vitest'
import { everyday, full, serviceUnder, usageUnder } from './load.ts'

const ROOMY = { cpuMillicores: 2000, memoryBytes: 2e9 }
const minute = Array.from({ length: 600 }, (_, tenth) => tenth / 10)

test('everyday load stays inside the bands of the story: CPU below 159m, memory peak between 305.4 and 314.5 MB', () => {
  const usages = minute.map((second) => usageUnder(everyday(second), ROOMY))
  expect(Math.max(...usages.map((usage) => usage.cpuMillicores))).toBeLessThan(159)
  const peak = Math.max(...usages.map((usage) => usage.memoryBytes))
  expect(peak).toBeGreaterThan(305.4e6)
  expect(peak).toBeLessThan(314.5e6)
})

test('full load with room settles between 445m and 477m, 445.0 and 477.2 MB', () => {
  for (const second of minute) {
    const { cpuMillicores, memoryBytes } = usageUnder(full(second), ROOMY)
    expect(cpuMillicores).toBeGreaterThan(445)
    expect(cpuMillicores).toBeLessThan(477)
    expect(memoryBytes).toBeGreaterThan(445.0e6)
    expect(memoryBytes).toBeLessThan(477.2e6)
  }
})

test('a throttled container shows only what its limit lets through', () => {
  expect(usageUnder(full(0), { cpuMillicores: 200, memoryBytes: 300e6 })).toEqual({ cpuMillicores: 200, memoryBytes: 300e6 })
})

test('at 200m the 800 clients wait 1.84 s for 435 requests/s; at 1096m they get their 1000 quickly', () => {
  const held = serviceUnder(1000, 200)
  expect(Math.round(held.requestsPerSecond)).toBe(435)
  expect(Math.round(held.p99Ms)).toBe(1840)
  const free = serviceUnder(1000, 1096)
  expect(free.requestsPerSecond).toBe(1000)
  expect(free.p99Ms).toBeLessThan(50)
})

test('more CPU never makes the service worse', () => {
  assert(
    property(integer({ min: 1, max: 3000 }), integer({ min: 10, max: 4000 }), integer({ min: 0, max: 4000 }), (rate, limit, more) => {
      const [less, better] = [serviceUnder(rate, limit), serviceUnder(rate, limit + more)]
      expect(better.requestsPerSecond).toBeGreaterThanOrEqual(less.requestsPerSecond)
      expect(better.p99Ms).toBeLessThanOrEqual(less.p99Ms + 1e-9)
    }),
  )
})
