import { expect, test } from 'vitest'
import { podWith, recommendationWith } from '../../../test/support/objects.ts'
import { infeasiblePatch, infeasibleTold } from './infeasible-annotation.ts'

const refused = recommendationWith({ app: { target: { cpu: '2', memory: '1Gi' } } })
const value = '{"app":{"cpu":"2","memory":"1Gi"}}'

test('a pod tells what its node could not give', () => {
  expect(infeasiblePatch(podWith(), refused)).toEqual([
    { op: 'add', path: '/metadata/annotations', value: {} },
    { op: 'add', path: '/metadata/annotations/vpaInfeasibleResize', value },
  ])
  const marked = podWith({ annotations: { vpaInfeasibleResize: value } })
  expect(infeasibleTold(marked)).toMatchObject(refused)
  expect(infeasiblePatch(marked, refused)).toBeUndefined()
})

test.for([['nothing', {}], ['no JSON', { vpaInfeasibleResize: 'cpu' }], ['no amounts', { vpaInfeasibleResize: '{"app":{"cpu":"much"}}' }]] as const)('a pod that says %s tells nothing', ([, annotations]) => {
  expect(infeasibleTold(podWith({ annotations }))).toBeUndefined()
})
