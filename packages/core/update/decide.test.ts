import { expect, test } from 'vitest'
import { podWith, recommendationWith, vpaWith } from '../../../test/support/objects.ts'
import { HOUR, MINUTE, formatTime } from '../time.ts'
import { decideUpdate } from './decide.ts'

const NOW = Date.UTC(2026, 2, 1)
const options = { lifetimeThreshold: 12 * HOUR, minimumDifference: 0.5, evictAfterOomThreshold: 10 * MINUTE, perVpaConfig: false, waitsForOom: false }
const old = formatTime(NOW - 13 * HOUR)
const young = formatTime(NOW - 11 * HOUR)
const bounds = { lowerBound: { cpu: '1' }, upperBound: { cpu: '6' } }

/** One container whose request is `cpu` of an amount between 1 and 6. */
function pod(cpu: string, startTime: string, lastState?: object) {
  return podWith({ startTime, requests: { app: { cpu, memory: '1' } }, containerStatuses: lastState ? [{ name: 'app', lastState }] : [] })
}

function outOfMemory({ after = 2 * MINUTE, ago = MINUTE, reason = 'OOMKilled' } = {}) {
  return { terminated: { reason, startedAt: formatTime(NOW - ago - after), finishedAt: formatTime(NOW - ago) } }
}

test.for([
  ['out of its range, however young', pod('7', young), '5', { do: 'update', why: 'outside-range' }],
  ['old and very different', pod('1', old), '5', { do: 'update', why: 'old-and-different' }],
  ['old, but hardly different', pod('4', old), '5', { do: 'nothing', why: 'little-difference' }],
  ['very different, but young', pod('1', young), '5', { do: 'nothing', why: 'short-lived' }],
  ['not started yet', podWith({ startTime: '', requests: { app: { cpu: '1', memory: '1' } } }), '5', { do: 'nothing', why: 'not-started' }],
  ['young and killed for memory two minutes after its start', pod('4', young, outOfMemory()), '5', { do: 'update', why: 'quick-oom' }],
  ['killed soon, but nothing would change', pod('5', young, outOfMemory()), '5', { do: 'nothing', why: 'oom-but-nothing-to-change' }],
  ['killed after a long life', pod('4', young, outOfMemory({ after: HOUR })), '5', { do: 'nothing', why: 'short-lived' }],
  ['killed soon, but long ago', pod('4', young, outOfMemory({ ago: HOUR })), '5', { do: 'nothing', why: 'short-lived' }],
  ['ended for another reason', pod('4', young, outOfMemory({ reason: 'Error' })), '5', { do: 'nothing', why: 'short-lived' }],
] as const)('%s', ([, pod, target, expected]) => {
  const recommendation = recommendationWith({ app: { target: { cpu: target }, ...bounds } })
  expect(decideUpdate({ pod, vpa: vpaWith(), recommendation }, NOW, options)).toMatchObject(expected)
})

test.for([
  ['the flag', false, { do: 'nothing', why: 'short-lived' }],
  ['its own value', true, { do: 'update', why: 'quick-oom' }],
] as const)('how soon counts as quick: %s', ([, perVpaConfig, expected]) => {
  const vpa = vpaWith({ updatePolicy: { updateMode: 'Recreate', evictAfterOOMSeconds: 7200 } })
  const candidate = { vpa, pod: pod('4', young, outOfMemory({ after: HOUR })), recommendation: recommendationWith({ app: { target: { cpu: '5' }, ...bounds } }) }
  expect(decideUpdate(candidate, NOW, { ...options, perVpaConfig })).toMatchObject(expected)
})

test.for<readonly [string, { readonly memory: string; readonly uncapped?: string; readonly cpu?: string }, boolean, object]>([
  ['less than it had', { memory: '100Mi' }, true, { do: 'nothing', why: 'oom-not-known-yet' }],
  ['less than it had, as Go does', { memory: '100Mi' }, false, { do: 'update', why: 'quick-oom' }],
  ['more', { memory: '300Mi' }, true, { do: 'update', why: 'quick-oom' }],
  ['less by a cap, though more is known to be needed', { memory: '100Mi', uncapped: '300Mi' }, true, { do: 'update', why: 'quick-oom' }],
  ['as much, and another CPU', { memory: '200Mi', cpu: '2' }, true, { do: 'update', why: 'quick-oom' }],
])('after it ran out of memory a pod would get %s', ([, { memory, uncapped, cpu = '1' }, waitsForOom, expected]) => {
  const killed = podWith({ startTime: young, requests: { app: { cpu: '1', memory: '200Mi' } }, containerStatuses: [{ name: 'app', lastState: outOfMemory() }] })
  const recommendation = recommendationWith({ app: { target: { cpu, memory }, ...(uncapped && { uncappedTarget: { cpu, memory: uncapped } }) } })
  expect(decideUpdate({ pod: killed, vpa: vpaWith(), recommendation }, NOW, { ...options, waitsForOom })).toMatchObject(expected)
})

const higher = (...resources: string[]) => ({ resources, changeRequirement: 'TargetHigherThanRequests' })
const lower = (...resources: string[]) => ({ resources, changeRequirement: 'TargetLowerThanRequests' })

test.for([
  ['no requirement', [], { cpu: '9', memory: '1' }, 'update'],
  ['higher CPU, and it is', [higher('cpu')], { cpu: '9', memory: '1' }, 'update'],
  ['higher memory, and it is not', [higher('memory')], { cpu: '9', memory: '1' }, 'nothing'],
  ['either is higher', [higher('cpu', 'memory')], { cpu: '9', memory: '1' }, 'update'],
  ['higher CPU and lower memory', [higher('cpu'), lower('memory')], { cpu: '9', memory: '1' }, 'nothing'],
  ['lower CPU', [lower('cpu')], { cpu: '500m', memory: '1' }, 'update'],
] as const)('eviction requirements: %s', ([, evictionRequirements, target, expected]) => {
  const vpa = vpaWith({ updatePolicy: { updateMode: 'Recreate', evictionRequirements } })
  const recommendation = recommendationWith({ app: { target, ...bounds } })
  expect(decideUpdate({ pod: pod('7', old), vpa, recommendation }, NOW, options).do).toBe(expected)
})
