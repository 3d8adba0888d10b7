import { describe, expect, test } from 'vitest'
import { podOf } from '../../../test/support/new-pods.ts'
import { projectHorizontalAutoscaler } from '../api/horizontal-autoscaler.ts'
import { projectLimitRange } from '../api/limit-range.ts'
import { projectNode } from '../api/node.ts'
import { projectResourceQuota } from '../api/resource-quota.ts'
import { projectVpa } from '../api/vpa.ts'
import { type Surroundings, largestOf, obstaclesTo } from './obstacles.ts'

/** VPA `web`, which recommends 2 cores and 4Gi. */
function vpa({ name = 'web', created = '2026-02-01T00:00:00Z', mode = 'Recreate', policy = {}, cpu = '2', recommender = 'default' } = {}) {
  const target = { cpu, memory: '4Gi' }
  return projectVpa({
    metadata: { namespace: 'default', name, creationTimestamp: created },
    spec: { updatePolicy: { updateMode: mode }, resourcePolicy: { containerPolicies: [{ containerName: '*', ...policy }] }, recommenders: [{ name: recommender }] },
    status: { recommendation: { containerRecommendations: [{ containerName: 'app', target }, { containerName: 'gone', target }] } },
  })
}

const pod = podOf({ app: { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '2' } }, sidecar: { requests: { cpu: '500m', memory: '1Gi' } } })

function explain(surroundings: Partial<Surroundings>): readonly string[] {
  const subject = surroundings.vpa ?? vpa()
  return obstaclesTo({ vpa: subject, sameTarget: [subject], horizontalAutoscalers: [], pods: [pod], allocatable: [], limitRanges: [], quotas: [], ...surroundings }).map(
    ({ type, reason, message }) => `${type} ${reason}: ${message}`,
  )
}

test('where nothing stands in the way, nothing is said', () => {
  expect(explain({ allocatable: [allocatable('8', '32Gi')], limitRanges: [limitRange({ max: { cpu: '8' } })], quotas: [quota({ 'requests.cpu': '10' }, { 'requests.cpu': '2' })] })).toEqual([])
})

const older = (mode: string, recommender = 'default') => vpa({ name: 'old', created: '2026-01-01T00:00:00Z', mode, recommender })

describe('of two VPAs with the same target, the younger one is told', () => {
  const begin = 'TargetConflict OlderVerticalPodAutoscaler: VerticalPodAutoscaler old is older and has the same target:'

  test.for([
    ['Recreate', 'Recreate', `${begin} its recommendation is applied, and not this one.`],
    ['Off', 'Recreate', `${begin} it only recommends, and this one is applied.`],
    ['Off', 'Off', `${begin} both only recommend.`],
  ] as const)('the older in mode %s, this one in mode %s', ([olderMode, mode, expected]) => {
    const younger = vpa({ mode })
    expect(explain({ vpa: younger, sameTarget: [younger, older(olderMode)] })).toEqual([expected])
  })

  test('also where another one is older still, and only recommends', () => {
    const younger = vpa()
    const oldest = vpa({ name: 'oldest', created: '2025-01-01T00:00:00Z', mode: 'Off' })
    expect(explain({ vpa: younger, sameTarget: [younger, older('Recreate'), oldest] })).toEqual([`${begin} its recommendation is applied, and not this one.`])
  })

  test.for([
    ['Recreate', 'Recreate', [`${begin} its recommendation is applied, and not this one.`]],
    ['Recreate', 'Off', []],
    ['Off', 'Recreate', []],
    ['Off', 'Off', []],
  ] as const)('with different recommenders, the older in mode %s, this one in mode %s: only where both act', ([olderMode, mode, expected]) => {
    const younger = vpa({ mode })
    expect(explain({ vpa: younger, sameTarget: [younger, older(olderMode, 'performance')] })).toEqual(expected)
  })

  test('the older one is not', () => {
    expect(explain({ vpa: older('Recreate'), sameTarget: [vpa(), older('Recreate')] })).toEqual([])
  })

  test('of the same age, the one whose name comes later is', () => {
    expect(explain({ sameTarget: [vpa(), vpa({ name: 'a' })] })).toHaveLength(1)
    expect(explain({ sameTarget: [vpa(), vpa({ name: 'z' })] })).toEqual([])
  })
})

const byUse = (name: string, type = 'Utilization') => ({ type: 'Resource', resource: { name, target: { type } } })
const byUseOf = (container: string) => ({ type: 'ContainerResource', containerResource: { name: 'cpu', container, target: { type: 'Utilization' } } })
const hpa = (...metrics: readonly object[]) => projectHorizontalAutoscaler({ metadata: { name: 'hpa' }, spec: { scaleTargetRef: { kind: 'Deployment', name: 'web' }, metrics } })
const conflict = (resources: string) => [`ScalingConflict HorizontalPodAutoscaler: HorizontalPodAutoscaler hpa scales the same pods by how much of their ${resources} request they use, which this VerticalPodAutoscaler changes.`]

describe('an HPA', () => {
  test.for([
    ['by the share of requests', hpa(byUse('cpu')), vpa(), conflict('cpu')],
    ['by both resources', hpa(byUse('cpu'), byUse('memory')), vpa(), conflict('cpu and memory')],
    ['by an absolute amount', hpa(byUse('cpu', 'AverageValue')), vpa(), []],
    ['by something else', hpa({ type: 'External', external: {} }), vpa(), []],
    ['by a resource that the VPA leaves alone', hpa(byUse('cpu')), vpa({ policy: { controlledResources: ['memory'] } }), []],
    ['of one container', hpa(byUseOf('app')), vpa(), conflict('cpu')],
    ['of one container that the VPA leaves alone', hpa(byUseOf('app')), vpa({ policy: { mode: 'Off' } }), []],
    ['beside a VPA that only recommends', hpa(byUse('cpu')), vpa({ mode: 'Off' }), []],
  ] as const)('%s', ([, horizontalAutoscaler, subject, expected]) => {
    expect(explain({ vpa: subject, horizontalAutoscalers: [horizontalAutoscaler] })).toEqual(expected)
  })
})

function allocatable(cpu: string, memory: string) {
  return projectNode({ metadata: { name: 'node' }, status: { allocatable: { cpu, memory, pods: '110' } } }).allocatable
}

test('a pod that no node can hold, all its containers together', () => {
  expect(explain({ allocatable: [allocatable('2400m', '64Gi'), allocatable('16', '4Gi')] })).toEqual([
    'TargetExceedsNodes LargerThanAllocatable: A pod would request 2500m cpu and 5Gi memory, which no node can hold: the largest have 2400m cpu and 64Gi memory or 16 cpu and 4Gi memory.',
  ])
  expect(explain({ allocatable: [allocatable('2500m', '5Gi')] })).toEqual([])
})

test('of nodes, those count that no other is at least as large as', () => {
  const [small, wide, deep, twin] = [allocatable('2', '4Gi'), allocatable('16', '8Gi'), allocatable('4', '64Gi'), allocatable('16', '8Gi')]
  expect(largestOf([small, wide, deep, twin])).toEqual([wide, deep])
})

function limitRange(item: object) {
  return projectLimitRange({ metadata: { name: 'limits' }, spec: { limits: [{ type: 'Container', ...item }] } })
}

test.for([
  ['a container maximum, which binds the limit that grows along', { max: { cpu: '3' } }, {}, 'TargetCut: Because of LimitRange limits, app gets 1500m cpu instead of 2.'],
  ['a container minimum', { min: { memory: '6Gi' } }, {}, 'TargetCut: Because of LimitRange limits, app gets 6Gi memory instead of 4Gi.'],
  ['a maximum below the policy, which wins', { max: { cpu: '1' } }, { minAllowed: { cpu: '2' } }, 'PodsRefused: LimitRange limits allows less than this policy demands: app would request 2 cpu, and its pod would be refused.'],
  ['a minimum below the target', { min: { memory: '1Gi' } }, {}, undefined],
] as const)('a LimitRange: %s', ([, item, policy, expected]) => {
  expect(explain({ vpa: vpa({ policy }), limitRanges: [limitRange(item)] })).toEqual(expected ? [`LimitedByLimitRange ${expected}`] : [])
})

function quota(hard: object, used: object, spec: object = {}) {
  return projectResourceQuota({ metadata: { name: 'quota' }, spec, status: { hard, used } })
}

test.for([
  ['leaves no room', quota({ 'requests.cpu': '4' }, { 'requests.cpu': '3' }), ['requests.cpu of 4; with this target the 2 pods here would bring them to 5']],
  ['is written without requests', quota({ memory: '8Gi' }, { memory: '4Gi' }), ['memory of 8Gi; with this target the 2 pods here would bring them to 10Gi']],
  ['leaves room enough', quota({ 'requests.cpu': '5' }, { 'requests.cpu': '3' }), []],
  ['is for some pods only', quota({ 'requests.cpu': '4' }, { 'requests.cpu': '3' }, { scopes: ['BestEffort'] }), []],
  ['is about something else', quota({ pods: '4' }, { pods: '4' }), []],
] as const)('a quota that %s', ([, each, expected]) => {
  expect(explain({ pods: [pod, pod], quotas: [each] })).toEqual(expected.map((text) => `LimitedByQuota ResourceQuota: ResourceQuota quota allows ${text}.`))
})

test('without pods, the target does nothing yet', () => {
  expect(explain({ pods: [], allocatable: [allocatable('1', '1Gi')] })).toEqual([])
})
