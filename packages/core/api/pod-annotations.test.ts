import { expect, test } from 'vitest'
import { podWith, vpaWith } from '../../../test/support/objects.ts'
import { infeasibleTold } from '../update/infeasible-annotation.ts'
import { observedContainers } from '../update/observed-containers.ts'
import { hasMark } from '../update/replacement.ts'
import { boostedContainers } from '../update/startup-boost-expiry.ts'

const HUGE = 'x'.repeat(200_000)

test.for([
  ['one that nobody reads', { 'kubectl.kubernetes.io/last-applied-configuration': HUGE }, 10],
  ['containers that were observed', { vpaObservedContainers: HUGE }, 10],
  ['what no node could give', { vpaInfeasibleResize: HUGE }, 10],
  ['what was updated', { vpaUpdates: HUGE }, 400],
  ['what a boosted container had', { 'vpaCpuStartupBoost/app': HUGE }, 100],
  ['boosts of containers that the pod does not have', Object.fromEntries(Array.from({ length: 4000 }, (_, index) => [`vpaCpuStartupBoost/c${index}`, '{}'])), 10],
] as const)('of a huge annotation next to nothing is kept: %s', ([, annotations, most]) => {
  expect(JSON.stringify(podWith({ annotations }).annotations).length).toBeLessThan(most)
})

test('whether a pod has annotations stays known: a patch must add a map that is missing', () => {
  expect(podWith({ annotations: { other: 'x' } }).annotations).toEqual({})
  expect(podWith().annotations).toBeUndefined()
})

test('what is longer than we write it counts as what makes no sense', () => {
  const pod = podWith({ annotations: { vpaObservedContainers: HUGE, vpaInfeasibleResize: JSON.stringify({ app: { cpu: HUGE } }), 'vpaCpuStartupBoost/app': HUGE } })
  expect(observedContainers(pod)('app')).toBe(true)
  expect(infeasibleTold(pod)).toBeUndefined()
  expect(boostedContainers(pod)).toEqual(['app'])
})

test('of what was updated, the VPA stays known, however long the rest', () => {
  const name = 'v'.repeat(253)
  const pod = podWith({ annotations: { vpaUpdates: `Pod resources updated by ${name}: ${HUGE}` } })
  expect(hasMark(pod, { ...vpaWith(), name })).toBe(true)
  expect(hasMark(pod, vpaWith())).toBe(false)
})

test('all that we write fits: 300 containers with names and amounts as long as they may be', () => {
  const names = Array.from({ length: 300 }, (_, index) => `${index}-`.padEnd(63, 'c'))
  const amounts = { cpu: '1'.repeat(20), memory: '1'.repeat(20) }
  const annotations = {
    vpaObservedContainers: names.join(', '),
    vpaInfeasibleResize: JSON.stringify(Object.fromEntries(names.map((name) => [name, amounts]))),
    ...Object.fromEntries(names.map((name) => [`vpaCpuStartupBoost/${name}`, JSON.stringify({ requests: amounts, limits: amounts })])),
  }
  expect(podWith({ annotations, requests: Object.fromEntries(names.map((name) => [name, {}])) }).annotations).toEqual(annotations)
})

test('a recommendation for more containers than the pod has fits, too', () => {
  const annotations = { vpaInfeasibleResize: JSON.stringify(Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`container-${index}`, { cpu: '250m', memory: '380258472' }]))) }
  expect(podWith({ annotations }).annotations).toEqual(annotations)
})
