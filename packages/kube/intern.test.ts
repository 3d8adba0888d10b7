import { quantity } from '@vpa/core/quantity.ts'
import { expect, test } from 'vitest'
import { Interner } from './intern.ts'

const KEPT = { size: 20 }

function pod() {
  return { name: 'a', labels: { app: 'web' }, containers: [{ requests: { cpu: quantity('100m'), memory: quantity('200Mi') } }], at: undefined, count: 3 }
}

test('equal quantities become one, and nothing else about the object changes', () => {
  const interner = new Interner()
  const first = interner.intern(pod(), KEPT)
  const second = interner.intern(pod(), KEPT)
  expect(second).toEqual(pod())
  expect(second.containers[0]!.requests.cpu).toBe(first.containers[0]!.requests.cpu)
  expect(second.containers[0]!.requests.memory).not.toBe(first.containers[0]!.requests.cpu)
})

test('quantities of the same amount but another way of writing stay apart', () => {
  expect(new Interner().intern({ a: quantity('1024'), b: quantity('1Ki') }, KEPT)).toEqual({ a: quantity('1024'), b: quantity('1Ki') })
})

test('what objects said that are gone is forgotten in time', () => {
  const interner = new Interner()
  for (let count = 0; count < 100_000; count += 1) interner.intern({ name: 'a', annotation: `written at ${count}`, requests: quantity(`${count}m`) }, KEPT)
  expect(interner.size).toBeLessThan(2500)
})

test('long texts are not remembered at all', () => {
  const interner = new Interner()
  interner.intern({ annotation: 'x'.repeat(500), labels: ['y'.repeat(500)] }, KEPT)
  expect(interner.size).toBe(0)
})

test('the more objects are kept, the more is remembered', () => {
  const interner = new Interner()
  const objects = Array.from({ length: 10_000 }, (_, index) => ({ name: `${index}`, node: `node-${index % 5000}` }))
  for (const [kept, object] of objects.entries()) interner.intern(object, { size: kept })
  expect(interner.size).toBe(5000)
})
