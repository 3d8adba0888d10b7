import { formatQuantity } from '@vpa/core/quantity.ts'
import type { LimitRange } from '@vpa/core/api/limit-range.ts'
import { expect, test } from 'vitest'
import { limitRangeOf } from '../../test/support/new-pods.ts'
import { LimitsByNamespace } from './limits-by-namespace.ts'
import { ObjectStore } from './store.ts'

type Stored = LimitRange & { readonly uid: string; readonly resourceVersion: string }

function range(namespace: string, name: string, cpu: string): Stored {
  return { ...limitRangeOf(name, { type: 'Container', max: { cpu } }), namespace, uid: `${namespace}/${name}`, resourceVersion: cpu }
}

test('each namespace has the strictest of its LimitRanges, those from before included, as they come, change and go', () => {
  const store = new ObjectStore<Stored>((error) => {
    throw error
  })
  store.set(range('a', 'first', '2'))
  const limits = new LimitsByNamespace(store)
  const maxOf = (namespace: string) => {
    const cpu = limits.of(namespace).containerLimits?.max?.cpu
    return cpu && formatQuantity(cpu)
  }
  const told = () => ['a', 'b'].map(maxOf)
  expect(told()).toEqual(['2', undefined])
  store.set(range('b', 'first', '3'))
  store.set(range('a', 'second', '1'))
  expect(told()).toEqual(['1', '3'])
  store.set(range('a', 'second', '4'))
  expect(told()).toEqual(['2', '3'])
  store.remove(range('a', 'first', '2'))
  store.remove(range('b', 'first', '3'))
  expect(told()).toEqual(['4', undefined])
})
