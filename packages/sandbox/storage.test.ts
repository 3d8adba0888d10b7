import { expect, test } from 'vitest'
import { PODS } from './kind.ts'
import type { KubeObject } from './object.ts'
import { Storage } from './storage.ts'

const pod = (name: string): KubeObject => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'n', uid: name, resourceVersion: '', creationTimestamp: '' } })
const names = (objects: readonly KubeObject[] | undefined) => objects?.map(({ metadata }) => metadata.name)

test('objects are listed in the order of their keys, whatever came first', () => {
  const storage = new Storage()
  for (const name of ['b', 'c', 'a']) storage.put(PODS, pod(name))
  expect(names(storage.list(PODS))).toEqual(['a', 'b', 'c'])
})

test('a snapshot shows a list as it was, with what was deleted and without what came later', () => {
  const storage = new Storage()
  storage.put(PODS, pod('a'))
  storage.put(PODS, pod('b'))
  const version = storage.version
  storage.remove(PODS, pod('a'))
  storage.put(PODS, pod('c'))
  expect(names(storage.snapshot(PODS, version))).toEqual(['a', 'b'])
})

test('a compacted version can be neither resumed from nor listed', () => {
  const storage = new Storage()
  storage.put(PODS, pod('a'))
  const version = storage.version
  storage.put(PODS, pod('b'))
  storage.compact()
  expect(storage.since(version)).toBeUndefined()
  expect(storage.snapshot(PODS, version)).toBeUndefined()
  expect(storage.since(storage.version)).toEqual([])
})

test('a deletion is a change with a version of its own', () => {
  const storage = new Storage()
  const { metadata } = storage.put(PODS, pod('a'))
  storage.remove(PODS, pod('a'))
  expect(storage.since(Number(metadata.resourceVersion))).toMatchObject([{ type: 'DELETED', object: { metadata: { resourceVersion: `${storage.version}` } } }])
})
