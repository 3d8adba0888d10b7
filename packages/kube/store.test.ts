import { expect, test } from 'vitest'
import { ObjectStore } from './store.ts'

function thing(name: string, version: number, uid = 'u') {
  return { namespace: 'ns', name, uid, resourceVersion: String(version) }
}

test('a listener that fails hinders neither the store nor the other listeners', () => {
  const failures: unknown[] = []
  const store = new ObjectStore((error) => failures.push(error))
  const heard: (string | undefined)[] = []
  store.subscribe(() => {
    throw new Error('mine')
  })
  const unsubscribe = store.subscribe(({ now }) => heard.push(now?.name))
  store.set(thing('a', 1))
  unsubscribe()
  store.set(thing('b', 2))
  expect({ heard, size: store.size, failures }).toEqual({ heard: ['a'], size: 2, failures: [new Error('mine'), new Error('mine')] })
})

test('one that took the place of another is a removal and an addition', () => {
  const store = new ObjectStore(() => {})
  const changes: unknown[] = []
  store.set(thing('a', 1, 'first'))
  store.subscribe((change) => changes.push(change))
  store.set(thing('a', 2, 'second'))
  expect(changes).toEqual([
    { before: thing('a', 1, 'first'), now: undefined },
    { before: undefined, now: thing('a', 2, 'second') },
  ])
  expect([...store.list()]).toEqual([thing('a', 2, 'second')])
})

test('a namespace whose last object is gone is forgotten', () => {
  const store = new ObjectStore(() => {})
  store.set(thing('a', 1))
  store.remove({ namespace: 'ns', name: 'a' })
  store.remove({ namespace: 'ns', name: 'a' })
  expect({ size: store.size, objects: [...store.list()], found: store.get('ns', 'a') }).toEqual({ size: 0, objects: [], found: undefined })
})
