import { expect, test } from 'vitest'
import { podWith, vpaWith } from '../../../test/support/objects.ts'
import { parseTime } from '../time.ts'
import { resizePatch } from './resize-patch.ts'

const NOW = parseTime('2026-03-01T00:00:00Z') ?? 0
const boosted = { 'vpaCpuStartupBoost/app': '{"requests":{"cpu":"100m"},"limits":{}}' }
const boost = { cpu: { type: 'Factor', factor: 2, durationSeconds: 60 } }
const readySince = (time: string) => [{ type: 'Ready', status: 'True', lastTransitionTime: time }]
const recommended = { recommendation: { containerRecommendations: [{ containerName: 'app', target: { cpu: '300m' } }] } }

function patch(pod: Parameters<typeof podWith>[0], spec: object, status: object = recommended) {
  return resizePatch({ pod: podWith(pod), vpa: vpaWith(spec, status), containerLimits: undefined, podLimits: undefined }, NOW)
}

test('a pod without annotations gets its recommendation, and a mark', () => {
  expect(patch({}, {})).toEqual({
    resources: [{ op: 'add', path: '/spec/containers/0/resources/requests/cpu', value: '300m' }],
    annotations: [
      { op: 'add', path: '/metadata/annotations', value: {} },
      { op: 'add', path: '/metadata/annotations/vpaInPlaceUpdated', value: 'true' },
    ],
  })
})

test('a container that is still boosted is left out', () => {
  const pod = { annotations: boosted, conditions: readySince('2026-02-28T23:59:30Z') }
  expect(patch(pod, { startupBoost: boost }).resources).toEqual([])
})

test.for([
  ['what is recommended', recommended, 'Auto', '300m'],
  ['what it had before, where nothing is recommended', {}, 'Auto', '100m'],
  ['what it had before, in mode Off', recommended, 'Off', '100m'],
] as const)('a boost that is over gives way to %s', ([, status, updateMode, value]) => {
  const pod = { annotations: boosted, conditions: readySince('2026-02-28T23:00:00Z') }
  const { resources, annotations } = patch(pod, { startupBoost: boost, updatePolicy: { updateMode } }, status)
  expect(resources).toEqual([{ op: 'add', path: '/spec/containers/0/resources/requests/cpu', value }])
  expect(annotations).toContainEqual({ op: 'remove', path: '/metadata/annotations/vpaCpuStartupBoost~1app' })
})
