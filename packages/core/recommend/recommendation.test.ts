import { expect, test } from 'vitest'
import { type ContainerPolicy, VpaSpec, resourceListJson } from '../api/vpa.ts'
import { Aggregate } from '../history/aggregate.ts'
import { DAY } from '../time.ts'
import { recommend } from './recommendation.ts'

const T = Date.UTC(2026, 2, 1)
const MB = 1_048_576
const estimates = { targetPercentile: 0.9, lowerBoundPercentile: 0.5, upperBoundPercentile: 0.95, confidenceInterval: DAY, marginFraction: 0.15 }
const OPTIONS = {
  estimates: { cpu: estimates, memory: estimates },
  podMinimum: { cpu: 25, memory: 250 * MB },
  rounding: { cpuMillicores: 1, memoryBytes: 1, humanizeMemory: false },
  minSamples: 0,
}

function usage({ cpu, memory }: { cpu?: number; memory?: number } = {}): Aggregate {
  const aggregate = new Aggregate({ cpu: DAY, memory: DAY })
  if (cpu !== undefined) aggregate.addCpu(cpu, T)
  if (memory !== undefined) aggregate.addMemoryPeak(memory, T)
  return aggregate
}

function policies(...containerPolicies: object[]): readonly ContainerPolicy[] | undefined {
  return VpaSpec.parse({ resourcePolicy: { containerPolicies } }).resourcePolicy?.containerPolicies
}

test.for([
  [9, '25m'],
  [100, '126m'],
  [250, '296m'],
  [446, '548m'],
  [477, '548m'],
  [500, '587m'],
  [1000, '1168m'],
  [2000, '2406m'],
  [4000, '4742m'],
  [8000, '9616m'],
] as const)('constant usage of %dm CPU gives a target of %s', ([cpu, expected]) => {
  expect(targetOf(usage({ cpu })).cpu).toBe(expected)
})

test.for([
  [100_000_000, '250Mi'],
  [262_144_000, '323522422'],
  [306_000_000, '380258472'],
  [445_200_000, '548861636'],
  [477_200_000, '548861636'],
  [1e9, '1168723596'],
  [1_073_741_824, '1238659775'],
  [1_288_490_188, '1555165137'],
] as const)('a constant peak of %d bytes gives a target of %s', ([memory, expected]) => {
  expect(targetOf(usage({ memory })).memory).toBe(expected)
})

test.for([
  [1, { cpu: '25m', memory: '250Mi' }],
  [2, { cpu: '12m', memory: '125Mi' }],
  [3, { cpu: '8m', memory: '87381333' }],
] as const)('%d containers without samples share the minimum of the pod', ([count, expected]) => {
  const containers = Array.from({ length: count }, (_, index) => [`app-${index}`, usage()] as const)
  const targets = recommend(new Map(containers), undefined, OPTIONS).map(({ target }) => resourceListJson(target ?? {}))
  expect(targets).toEqual(containers.map(() => expected))
})

test('containers are sorted by name; those that are Off are left out and leave their share to the others', () => {
  const containers = new Map([['web', usage()], ['log', usage()], ['app', usage()]])
  const recommendation = recommend(containers, policies({ containerName: 'log', mode: 'Off' }), OPTIONS)
  expect(recommendation.map(({ containerName, target }) => [containerName, resourceListJson(target ?? {}).cpu])).toEqual([['app', '12m'], ['web', '12m']])
})

test.for([
  ['one resource', ['memory', 'gpu'], { memory: '250Mi' }],
  ['none', [], {}],
] as const)('a policy that controls %s gets no other amounts', ([, controlledResources, expected]) => {
  const [container] = recommend(new Map([['app', usage()]]), policies({ containerName: '*', controlledResources }), OPTIONS)
  expect([container?.target, container?.upperBound].map((amounts) => resourceListJson(amounts ?? {}))).toEqual([expected, expected])
})

test('a container with too few samples gets nothing, and leaves its share of the minimum alone', () => {
  const containers = new Map([['new', usage()], ['seen', usage({ cpu: 1 })]])
  expect(recommend(containers, undefined, { ...OPTIONS, minSamples: 1 }).map(({ containerName, target }) => [containerName, resourceListJson(target ?? {}).cpu])).toEqual([['seen', '12m']])
})

test('no containers, no recommendation', () => {
  expect(recommend(new Map(), undefined, OPTIONS)).toEqual([])
})

function targetOf(aggregate: Aggregate): Record<string, string> {
  const [container] = recommend(new Map([['app', aggregate]]), undefined, OPTIONS)
  return resourceListJson(container?.uncappedTarget ?? {})
}
