import { quantity } from '@vpa/core/quantity.ts'
import { expect, test } from 'vitest'
import { Interner } from './intern.ts'

function pod() {
  return { name: 'a', labels: { app: 'web' }, containers: [{ requests: { cpu: quantity('100m'), memory: quantity('200Mi') } }], at: undefined, count: 3 }
}

test('equal quantities become one, and nothing else about the object changes', () => {
  const interner = new Interner()
  const first = interner.intern(pod())
  const second = interner.intern(pod())
  expect(second).toEqual(pod())
  expect(second.containers[0]!.requests.cpu).toBe(first.containers[0]!.requests.cpu)
  expect(second.containers[0]!.requests.memory).not.toBe(first.containers[0]!.requests.cpu)
})

test('quantities of the same amount but another way of writing stay apart', () => {
  expect(new Interner().intern({ a: quantity('1024'), b: quantity('1Ki') })).toEqual({ a: quantity('1024'), b: quantity('1Ki') })
})
