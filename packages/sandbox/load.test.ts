import { expect, test } from 'vitest'
import { Loads } from './load.ts'
import type { Pod } from './object.ts'

const pod = (annotations: Record<string, string> = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web-1', namespace: 'n', uid: 'u', resourceVersion: '1', creationTimestamp: '', labels: { app: 'web' }, annotations },
  spec: { containers: [{ name: 'web' }] },
  status: { phase: 'Running', containerStatuses: [{ name: 'web', ready: true, started: true, restartCount: 0, state: {}, lastState: {}, resources: { limits: { cpu: '200m', memory: '300Mi' } } }] },
})

test('CPU is held back by the limit, memory is not: that is for the kubelet to judge', () => {
  const loads = new Loads()
  loads.set('n', { app: 'web' }, 'web', () => ({ cpuMillicores: 460, memoryBytes: 1e9 }))
  expect(loads.usage(pod(), 'web', 0)).toEqual({ cpuMillicores: 200, memoryBytes: 1e9 })
})

test('a curve sees the moment and the limits', () => {
  const loads = new Loads()
  loads.set('n', 'web-1', 'web', (at, limits) => ({ cpuMillicores: at, memoryBytes: limits.memoryBytes ?? 0 }))
  expect(loads.usage(pod(), 'web', 77)).toEqual({ cpuMillicores: 77, memoryBytes: 300 * 1024 ** 2 })
})

test('the last load that means the pod counts', () => {
  const loads = new Loads()
  loads.set('n', { app: 'web' }, 'web', () => ({ cpuMillicores: 1, memoryBytes: 1 }))
  loads.set('n', 'web-1', 'web', () => ({ cpuMillicores: 2, memoryBytes: 2 }))
  loads.set('n', { app: 'other' }, 'web', () => ({ cpuMillicores: 3, memoryBytes: 3 }))
  expect(loads.usage(pod(), 'web', 0).cpuMillicores).toBe(2)
})

test('without a load, annotations say what is used', () => {
  expect(new Loads().usage(pod({ 'kwok.x-k8s.io/usage-cpu': '150m', 'kwok.x-k8s.io/usage-memory': '1Ki' }), 'web', 0)).toEqual({ cpuMillicores: 150, memoryBytes: 1024 })
})
