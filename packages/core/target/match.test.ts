import { expect, test } from 'vitest'
import { projectPod } from '../api/pod.ts'
import { projectVpa } from '../api/vpa.ts'
import { VpaIndex } from './match.ts'
import type { ObjectRef, WorkloadAnswer } from './workload.ts'

const deployment: ObjectRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }

function lookup(namespace: string, ref: ObjectRef): WorkloadAnswer {
  const owners = ref.kind === 'ReplicaSet' ? [{ ...deployment, controller: true }] : []
  return { found: { ...ref, namespace, owners, selector: { matchLabels: { app: 'web' } } } }
}

function vpa(name: string, { created = '2026-01-01T00:00:10Z', namespace = 'default', target = deployment as object } = {}) {
  return projectVpa({ metadata: { namespace, name, creationTimestamp: created }, spec: { targetRef: target } })
}

function pod({ labels = { app: 'web' } as Record<string, string>, owner = 'ReplicaSet' } = {}) {
  const ownerReferences = owner === '' ? [] : [{ apiVersion: 'apps/v1', kind: owner, name: 'web-7c9', controller: true }]
  return projectPod({ metadata: { namespace: 'default', name: 'web-7c9-x', labels, ownerReferences } })
}

const older = vpa('older', { created: '2026-01-01T00:00:05Z' })

test.for([
  ['the only one', [vpa('a')], pod(), 'a'],
  ['the oldest', [vpa('a'), older, vpa('b')], pod(), 'older'],
  ['of the same age the first by name', [vpa('b'), vpa('a'), vpa('c')], pod(), 'a'],
  ['whatever API version its target has', [vpa('a', { target: { ...deployment, apiVersion: 'v1' } })], pod(), 'a'],
  ['none in another namespace', [vpa('a', { namespace: 'other' })], pod(), undefined],
  ['none of another target', [vpa('a', { target: { ...deployment, name: 'other' } })], pod(), undefined],
  ['none when the labels do not match', [vpa('a')], pod({ labels: { app: 'other' } }), undefined],
  ['none for a pod without controller', [vpa('a')], pod({ owner: '' }), undefined],
  ['none for a static pod', [vpa('a')], pod({ owner: 'Node' }), undefined],
] as const)('%s', ([, vpas, pod, expected]) => {
  expect(new VpaIndex(vpas).controllingVpa(pod, lookup)?.name).toBe(expected)
})

test('the next oldest takes over when a VPA is removed', () => {
  const index = new VpaIndex([vpa('a'), older])
  index.remove(older)
  expect(index.controllingVpa(pod(), lookup)?.name).toBe('a')
  index.remove(vpa('a'))
  expect(index.controllingVpa(pod(), lookup)).toBeUndefined()
})

test('the owners of a pod in whose namespace there is no VPA are not looked for: anybody may name any', () => {
  const asked: string[] = []
  const index = new VpaIndex([vpa('a', { namespace: 'other' })])
  expect(index.controllingVpa(pod({ owner: 'Foo' }), (_, { kind }) => (asked.push(kind), { failed: 'not read yet' }))).toBeUndefined()
  expect(asked).toEqual([])
})
