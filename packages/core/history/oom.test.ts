import { expect, test } from 'vitest'
import { projectEvictionEvent } from '../api/eviction-event.ts'
import { projectPod } from '../api/pod.ts'
import { oomsBetween, oomsOfEviction, oomsToldBy } from './oom.ts'

/** Rows are upstream's oom/observer_test.go. */
const AT = '2026-03-01T00:00:00Z'
const killed = (reason = 'OOMKilled') => ({ terminated: { reason, finishedAt: AT } })
const running = { running: {} }
const waiting = { waiting: {} }

interface Shape {
  readonly state: object
  readonly restarts?: number
  readonly last?: object
  readonly request?: string
  readonly reported?: string
}

function pod({ state, restarts = 0, last, request, reported }: Shape) {
  return projectPod({
    metadata: { namespace: 'default', name: 'web-0' },
    spec: { containers: [{ name: 'app', resources: request ? { requests: { memory: request } } : {} }] },
    status: { containerStatuses: [{ name: 'app', restartCount: restarts, state, lastState: last, ...(reported && { resources: { requests: { memory: reported } } }) }] },
  })
}

test.for<[string, Shape, number | undefined]>([
  ['is killed', { state: killed(), request: '2k' }, 2000],
  ['runs again', { state: running, restarts: 1, last: killed(), request: '2k' }, 2000],
  ['has ended for another reason since', { state: killed('Error'), restarts: 1, last: killed() }, 0],
  ['runs', { state: running }, undefined],
  ['runs again after another reason', { state: running, restarts: 1, last: killed('Error') }, undefined],
])('a pod seen for the first time whose container %s', ([, shape, requested]) => {
  const expected = requested === undefined ? [] : [{ namespace: 'default', podName: 'web-0', containerName: 'app', at: Date.parse(AT), requested }]
  expect(oomsToldBy(pod(shape))).toEqual(expected)
})

test.for<[string, Shape, Shape, number | undefined]>([
  ['running, then killed: what the pod requests now', { state: running, request: '1k' }, { state: killed(), request: '2k' }, 2000],
  ['killed without a request', { state: running }, { state: killed() }, 0],
  ['killed and running again: what the pod requested then', { state: running, request: '1k' }, { state: running, restarts: 1, last: killed(), request: '2k' }, 1000],
  ['killed for another reason, then for want of memory', { state: killed('Error') }, { state: killed(), restarts: 1 }, 0],
  ['what the kubelet reports beats the spec', { state: running }, { state: killed(), request: '2k', reported: '3k' }, 3000],
  ['ended for another reason', { state: running }, { state: killed('Completed') }, undefined],
  ['running again after another reason', { state: running }, { state: running, restarts: 1, last: killed('Error') }, undefined],
  ['running after a crash loop: it was counted when killed', { state: waiting, restarts: 1, last: killed() }, { state: running, restarts: 2, last: killed() }, undefined],
  ['listed once more', { state: running, restarts: 1, last: killed() }, { state: running, restarts: 1, last: killed() }, undefined],
  ['still killed', { state: killed() }, { state: killed() }, undefined],
])('%s', ([, before, now, requested]) => {
  const expected = requested === undefined ? [] : [{ namespace: 'default', podName: 'web-0', containerName: 'app', at: Date.parse(AT), requested }]
  expect(oomsBetween(pod(before), pod(now))).toEqual(expected)
})

test('a container that was not there before says nothing', () => {
  expect(oomsBetween({ ...pod({ state: running }), containerStatuses: [] }, pod({ state: killed() }))).toEqual([])
})

function evictionEvent(containers: string, usage: string, resources: string, kind = 'Pod') {
  const annotations = { offending_containers: containers, offending_containers_usage: usage, starved_resource: resources }
  return projectEvictionEvent({ metadata: { namespace: 'default', name: 'web-0.1', creationTimestamp: AT, annotations }, involvedObject: { kind, name: 'web-0' } })
}

test.for<[string, ReturnType<typeof evictionEvent>, [container: string, used: number][]]>([
  ['one container', evictionEvent('app', '1024Ki', 'memory'), [['app', 1_048_576]]],
  ['several, of which some starved of something else', evictionEvent('app,log,side', '1024,2048,4096', 'memory,ephemeral-storage,memory'), [['app', 1024], ['side', 4096]]],
  ['lists of different lengths', evictionEvent('app,log', '1024', 'memory'), []],
  ['fewer resources than containers', evictionEvent('app,log', '1024,2048', 'memory'), []],
  ['an amount that is none', evictionEvent('app,log', 'much,2048', 'memory,memory'), [['log', 2048]]],
  ['an amount that no machine has', evictionEvent('app,log,side', '1e400,2048,-1', 'memory,memory,memory'), [['log', 2048]]],
  ['of something that is no pod', evictionEvent('app', '1024', 'memory', 'Node'), []],
  ['without annotations', projectEvictionEvent({ metadata: { creationTimestamp: AT }, involvedObject: { kind: 'Pod', name: 'web-0' } }), []],
])('the event of an eviction: %s', ([, event, expected]) => {
  expect(oomsOfEviction(event)).toEqual(expected.map(([containerName, requested]) => ({ namespace: 'default', podName: 'web-0', containerName, at: Date.parse(AT), requested })))
})

test('of an event that names thousands of containers, the first hundred count', () => {
  const [names, usages, resources] = ['a', '1', 'memory'].map((entry) => Array.from({ length: 5000 }, () => entry).join())
  const event = evictionEvent(names!, usages!, resources!)
  expect(oomsOfEviction(event)).toHaveLength(100)
  expect(event.offendersLeftOut).toBe(4900)
})
