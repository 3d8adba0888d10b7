import { expect, test } from 'vitest'
import { DEPLOYMENTS } from './kind.ts'
import type { KubeObject } from './object.ts'
import { applyPatch } from './patch.ts'

const strategic = (current: object, patch: object) => applyPatch(current as KubeObject, patch, 'application/strategic-merge-patch+json', DEPLOYMENTS)

test.for([
  ['changes the container of that name', { containers: [{ name: 'a', image: '2' }] }, { containers: [{ name: 'a', image: '2' }, { name: 'b', image: '1' }] }],
  ['adds a container of a new name', { containers: [{ name: 'c' }] }, { containers: [{ name: 'a', image: '1' }, { name: 'b', image: '1' }, { name: 'c' }] }],
  ['removes a container that it deletes', { containers: [{ name: 'a', $patch: 'delete' }] }, { containers: [{ name: 'b', image: '1' }] }],
  ['passes over the order that kubectl apply adds', { '$setElementOrder/containers': [{ name: 'b' }], containers: [{ name: 'b', image: '2' }] }, { containers: [{ name: 'a', image: '1' }, { name: 'b', image: '2' }] }],
  ['removes what is null', { containers: null }, {}],
] as const)('a strategic merge patch %s', ([, patch, expected]) => {
  expect(strategic({ containers: [{ name: 'a', image: '1' }, { name: 'b', image: '1' }] }, patch)).toEqual(expected)
})

test('lists without a merge key are replaced', () => {
  expect(strategic({ args: ['a', 'b'] }, { args: ['c'] })).toEqual({ args: ['c'] })
})

test('$retainKeys removes all other members, as a changed strategy needs', () => {
  expect(strategic({ strategy: { type: 'RollingUpdate', rollingUpdate: {} } }, { strategy: { $retainKeys: ['type'], type: 'Recreate' } })).toEqual({ strategy: { type: 'Recreate' } })
})

test('single finalizers come and go', () => {
  expect(strategic({ finalizers: ['a', 'b'] }, { finalizers: ['c'], '$deleteFromPrimitiveList/finalizers': ['a'] })).toEqual({ finalizers: ['b', 'c'] })
})

test('a patch leaves the object that it is applied to as it was', () => {
  const current = { data: { a: '1' } } as unknown as KubeObject
  applyPatch(current, [{ op: 'replace', path: '/data/a', value: '2' }], 'application/json-patch+json', DEPLOYMENTS)
  expect(current).toEqual({ data: { a: '1' } })
})
