import { expect, test } from 'vitest'
import { podWith, recommendationWith } from '../../../test/support/objects.ts'
import { comparePriority, priorityOf } from './priority.ts'

type Amounts = Record<string, string>

// Rows from upstream's priority_processor_test.go and update_priority_calculator_test.go, and from the Kong article.
test.for<[string, Record<string, Amounts>, Record<string, Amounts>, number]>([
  ['five times the request', { app: { cpu: '2' } }, { app: { cpu: '10' } }, 4],
  ['ninety times the request', { app: { cpu: '10m' } }, { app: { cpu: '900m' } }, 89],
  ['half the CPU and twice the memory', { app: { cpu: '4', memory: '10M' } }, { app: { cpu: '2', memory: '20M' } }, 1.5],
  [
    'two containers, their sums compared',
    { a: { cpu: '6', memory: '10M' }, b: { cpu: '4', memory: '30M' } },
    { a: { cpu: '8', memory: '20M' }, b: { cpu: '7', memory: '30M' } },
    0.75,
  ],
  ['the Kong pod', { proxy: { cpu: '100m', memory: '200Mi' } }, { proxy: { cpu: '200m', memory: '380258472' } }, 1.8132136917114257],
  ['a container without recommendation does not count', { app: { cpu: '2' }, log: { cpu: '1' } }, { app: { cpu: '3' } }, 0.5],
  ['a missing request counts as one thousandth', { app: {} }, { app: { cpu: '500m' } }, 499],
])('%s', ([, requests, targets, expected]) => {
  const recommendation = recommendationWith(Object.fromEntries(Object.entries(targets).map(([name, target]) => [name, { target }])))
  expect(priorityOf(podWith({ requests }), recommendation).resourceDifference).toBe(expected)
})

test.for([
  ['within its range', { cpu: '2' }, false],
  ['at its lower bound', { cpu: '1' }, false],
  ['below its lower bound', { cpu: '900m' }, true],
  ['above its upper bound', { cpu: '4100m' }, true],
  ['without a request', {}, true],
] as const)('a pod %s', ([, app, outsideRange]) => {
  const recommendation = recommendationWith({ app: { target: { cpu: '2' }, lowerBound: { cpu: '1' }, upperBound: { cpu: '4' } } })
  expect(priorityOf(podWith({ requests: { app } }), recommendation).outsideRange).toBe(outsideRange)
})

test('what the kubelet reports counts more than the spec', () => {
  const pod = podWith({ requests: { app: { cpu: '10000' } }, containerStatuses: [{ name: 'app', resources: { requests: { cpu: '2' } } }] })
  expect(priorityOf(pod, recommendationWith({ app: { target: { cpu: '10' } } })).resourceDifference).toBe(4)
})

test.for([
  ['listed containers only', 'app, log', 1],
  ['none when the list is empty', '', 0],
  ['all when the list cannot be read', 'app,log', 11],
] as const)('observed containers: %s', ([, vpaObservedContainers, expected]) => {
  const pod = podWith({ annotations: { vpaObservedContainers }, requests: { app: { cpu: '1' }, injected: { memory: '1' } } })
  const recommendation = recommendationWith({ app: { target: { cpu: '2' } }, injected: { target: { memory: '11' } } })
  expect(priorityOf(pod, recommendation).resourceDifference).toBe(expected)
})

const priorityNamed = (name: string, scaleUp: boolean, resourceDifference: number) => ({ name, scaleUp, resourceDifference, outsideRange: false })

test('pods that must grow come first, then those with the larger difference', () => {
  const pods = [priorityNamed('shrinks a little', false, 0.25), priorityNamed('shrinks a lot', false, 0.5), priorityNamed('grows a little', true, 0.25), priorityNamed('grows a lot', true, 9)]
  expect(pods.toSorted(comparePriority).map(({ name }) => name)).toEqual(['grows a lot', 'grows a little', 'shrinks a lot', 'shrinks a little'])
})
