import { expect, test } from 'vitest'
import { podOf, vpaOf } from '../../../test/support/new-pods.ts'
import { podWith, vpaWith } from '../../../test/support/objects.ts'
import { parseTime } from '../time.ts'
import { planResize } from './resize-patch.ts'

const NOW = parseTime('2026-03-01T00:00:00Z') ?? 0
const boosted = { 'vpaCpuStartupBoost/app': '{"requests":{"cpu":"100m"},"limits":{}}' }
const boost = { cpu: { type: 'Factor', factor: 2, durationSeconds: 60 } }
const readySince = (time: string) => [{ type: 'Ready', status: 'True', lastTransitionTime: time }]
const recommended = { recommendation: { containerRecommendations: [{ containerName: 'app', target: { cpu: '300m' } }] } }

function plan(pod: Parameters<typeof podWith>[0], spec: object, status: object = recommended) {
  return planResize({ pod: podWith(pod), vpa: vpaWith(spec, status), containerLimits: undefined, podLimits: undefined }, NOW)
}

test('a pod without annotations gets its recommendation, and a mark', () => {
  expect(plan({}, {})).toEqual({
    do: 'resize',
    resources: [{ op: 'add', path: '/spec/containers/0/resources/requests/cpu', value: '300m' }],
    annotations: [
      { op: 'add', path: '/metadata/annotations', value: {} },
      { op: 'add', path: '/metadata/annotations/vpaInPlaceUpdated', value: 'true' },
    ],
  })
})

test('a container that is still boosted is left out', () => {
  const pod = { annotations: boosted, conditions: readySince('2026-02-28T23:59:30Z') }
  expect(plan(pod, { startupBoost: boost })).toEqual({ do: 'nothing', why: 'nothing-recommended' })
})

test.for([
  ['what is recommended', recommended, 'Auto', '300m'],
  ['what it had before, where nothing is recommended', {}, 'Auto', '100m'],
  ['what it had before, in mode Off', recommended, 'Off', '100m'],
] as const)('a boost that is over gives way to %s', ([, status, updateMode, value]) => {
  const pod = { annotations: boosted, conditions: readySince('2026-02-28T23:00:00Z') }
  expect(plan(pod, { startupBoost: boost, updatePolicy: { updateMode } }, status)).toMatchObject({
    resources: [{ op: 'add', path: '/spec/containers/0/resources/requests/cpu', value }],
    annotations: [{ value: 'true' }, { op: 'remove', path: '/metadata/annotations/vpaCpuStartupBoost~1app' }],
  })
})

test('a boost that has changed nothing loses its mark alone', () => {
  const pod = { requests: { app: { cpu: '300m' } }, annotations: boosted, conditions: readySince('2026-02-28T23:00:00Z') }
  expect(plan(pod, { startupBoost: boost })).toMatchObject({ do: 'resize', resources: [], annotations: [{}, { op: 'remove' }] })
})

type Containers = Parameters<typeof podOf>[0]
const requestsOnly = { resourcePolicy: { containerPolicies: [{ containerName: '*', controlledValues: 'RequestsOnly' }] } }
const ratio = { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '2', memory: '1Gi' } }

test.for<[string, Containers, Readonly<Record<string, string>>, object, object?]>([
  ['only what changes is asked for', { app: { requests: { cpu: '1', memory: '1Gi' } } }, { cpu: '1000m', memory: '2Gi' }, { resources: [{ op: 'add', path: '/spec/containers/0/resources/requests/memory', value: '2Gi' }] }],
  ['what was asked for is not asked for again', { app: { requests: { cpu: '1' } } }, { cpu: '1' }, { do: 'nothing', why: 'asked-for-already' }],
  ['a Guaranteed pod stays so when its limits follow', { app: { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '1', memory: '1Gi' } } }, { cpu: '2' }, { do: 'resize' }],
  ['a pod without requests cannot get any in place', { app: {} }, { cpu: '2' }, { do: 'nothing', why: 'qos-class' }],
  ['a Burstable pod cannot become Guaranteed in place', { app: ratio }, { cpu: '2' }, { do: 'nothing', why: 'qos-class' }, requestsOnly],
  ['a Burstable pod may come nearer to its limit', { app: ratio }, { cpu: '1500m' }, { do: 'resize' }, requestsOnly],
])('%s', ([, containers, target, expected, spec]) => {
  expect(planResize({ pod: podOf(containers), vpa: vpaOf({ app: { target } }, spec), containerLimits: undefined, podLimits: undefined }, NOW)).toMatchObject(expected)
})
