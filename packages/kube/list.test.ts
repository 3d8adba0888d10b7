import { expect, test } from 'vitest'
import { clientOf, json, startApiServer } from '../../test/support/api-server.ts'
import { readList } from './list.ts'

/** The first answer of two, and the second. */
const FIRST = { metadata: { continue: 'more' }, items: [{ name: 'a' }] }
const SECOND = { metadata: { resourceVersion: '7' }, items: [{ name: 'b' }] }
const LENGTH = JSON.stringify(FIRST).length + JSON.stringify(SECOND).length

test.for([
  ['a list that is as long as it may be is read', LENGTH, '7'],
  ['answers that together are longer are not', LENGTH - 1, `/things: the list is longer than ${LENGTH - 1} bytes`],
  ['nor is one that is longer by itself', 10, '/things: the list is longer than 10 bytes'],
] as const)('%s', async ([, longest, outcome]) => {
  const server = await startApiServer(({ query }, response) => json(response, 200, query['continue'] ? SECOND : FIRST))
  const read = readList(clientOf(server), { path: '/things', longest, onItem: () => {} })
  expect(await read.catch((error: unknown) => (error as Error).message)).toBe(outcome)
})

test('empty answers that go on and on come to an end', async () => {
  let count = 0
  const server = await startApiServer((_, response) => json(response, 200, { metadata: { continue: String((count += 1)) }, items: [] }))
  await expect(readList(clientOf(server), { path: '/things', longest: 1000, onItem: () => {} })).rejects.toThrow('longer than 1000 bytes')
})
