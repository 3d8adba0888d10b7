import { projectPod } from '@vpa/core/api/pod.ts'
import type { Labels } from '@vpa/core/selector.ts'
import { expect, test } from 'vitest'
import { PrometheusPodLabels } from './prometheus-pod-labels.ts'

const OPTIONS = { query: '', queryOfFormer: '', namespace: 'kubernetes_namespace', podName: 'kubernetes_pod_name', prefix: 'pod_label_' }

function labelsWith(...living: readonly Labels[]): PrometheusPodLabels {
  return new PrometheusPodLabels(OPTIONS, living.map((labels, index) => projectPod({ metadata: { namespace: 'kong', name: `living-${index}`, labels } })))
}

function series(labels: Labels, ...points: readonly (readonly [at: number, value: number])[]) {
  const identity = { kubernetes_namespace: 'kong', kubernetes_pod_name: 'gone' }
  return { labels: { ...identity, ...labels }, points: points.map(([at, value]) => ({ at, value })) }
}

test('labels are those with the prefix, without it', () => {
  const labels = labelsWith()
  labels.add(series({ pod_label_app: 'kong', job: 'kubernetes-pods', pod_label_: 'nameless' }, [1000, 1]))
  expect(labels.of('kong', 'gone')).toEqual({ app: 'kong' })
  expect(labels.of('kong', 'other')).toBeUndefined()
})

test.for([
  ['the newest series wins', [[series({ pod_label_v: 'old' }, [1000, 1]), series({ pod_label_v: 'new' }, [500, 1], [3000, 1]), series({ pod_label_v: 'middle' }, [2000, 1])], []], { v: 'new' }],
  ['also among those of former pods, whose value is their time', [[series({ pod_label_v: 'old' }, [1000, 1])], [series({ pod_label_v: 'new' }, [1000, 2])]], { v: 'new' }],
  ['of equals the first wins', [[series({ pod_label_v: 'first' }, [1000, 1]), series({ pod_label_v: 'second' }, [1000, 1])], []], { v: 'first' }],
  ['a series without points says nothing', [[series({ pod_label_v: 'none' })], []], undefined],
  ['a series without the pod says nothing', [[series({ kubernetes_pod_name: '', pod_label_v: 'none' }, [1000, 1])], []], undefined],
] as const)('%s', ([, [now, former], expected]) => {
  const labels = labelsWith()
  for (const one of now) labels.add(one)
  for (const one of former) labels.addFormer(one)
  expect(labels.of('kong', 'gone')).toEqual(expected)
})

test.for([
  ['a key that Prometheus cannot write is written as living pods have it', [{ 'app.kubernetes.io/name': 'kong' }], { pod_label_app_kubernetes_io_name: 'kong' }, { 'app.kubernetes.io/name': 'kong' }],
  ['a key that no living pod has stays', [{}], { pod_label_app_kubernetes_io_name: 'kong' }, { app_kubernetes_io_name: 'kong' }],
  ['of two keys that look the same to Prometheus neither is sure', [{ 'a.b': '1' }, { 'a-b': '1' }], { pod_label_a_b: '1' }, { a_b: '1' }],
] as const)('%s', ([, living, known, expected]) => {
  const labels = labelsWith(...living)
  labels.add(series(known, [1000, 1]))
  expect(labels.of('kong', 'gone')).toEqual(expected)
})

test('labels of more bytes than would fit into memory are refused; those that are there stay', () => {
  const labels = labelsWith()
  const long = 'x'.repeat(60 * 1024 * 1024)
  const add = (name: string, at: number) => labels.add(series({ kubernetes_pod_name: name, pod_label_v: long }, [at, 1]))
  for (const name of ['a', 'b', 'c', 'd']) add(name, 1000)
  // A newer series takes the place of an older one.
  for (const at of [2000, 3000]) add('a', at)
  expect(() => add('e', 1000)).toThrow('expected at most 268435456 bytes of pod labels from Prometheus; got more: --metric-for-pod-labels may choose fewer series')
  expect(labels.size).toBe(4)
})
