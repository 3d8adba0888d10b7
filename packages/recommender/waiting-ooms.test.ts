import { expect, test } from 'vitest'
import type { Oom } from '@vpa/core/history/oom.ts'
import { WaitingOoms } from './waiting-ooms.ts'

function oomsOf(namespace: string, count: number): readonly Oom[] {
  return Array.from({ length: count }, (_, at) => ({ namespace, podName: 'pod', containerName: 'app', at, requested: 0 }))
}

test('OOMs wait until they are taken, once', () => {
  const waiting = new WaitingOoms()
  waiting.add(oomsOf('shop', 2))
  waiting.add(oomsOf('shop', 1))
  expect(waiting.take()).toEqual({ ooms: [...oomsOf('shop', 2), ...oomsOf('shop', 1)], dropped: 0 })
  expect(waiting.take()).toEqual({ ooms: [], dropped: 0 })
})

test('a flood of one namespace pushes out its own oldest, and none of another, whoever came first', () => {
  const waiting = new WaitingOoms()
  waiting.add(oomsOf('shop', 100))
  waiting.add(oomsOf('flood', 10_000))
  waiting.add(oomsOf('bank', 100))
  const { ooms, dropped } = waiting.take()
  expect(ooms.filter(({ namespace }) => namespace !== 'flood')).toEqual([...oomsOf('shop', 100), ...oomsOf('bank', 100)])
  expect(ooms.filter(({ namespace }) => namespace === 'flood')).toEqual(oomsOf('flood', 10_000).slice(-4800))
  expect(dropped).toBe(5200)
})
