import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { ItemSplitter, LARGEST_PART, LineSplitter } from './splitter.ts'

/** Fed in chunks of that many bytes. */
function chunks(text: string, size: number): Buffer[] {
  const bytes = Buffer.from(text)
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.subarray(index * size, (index + 1) * size))
}

function split(text: string, size: number): { envelope: unknown; items: unknown[] } {
  const splitter = new ItemSplitter()
  const items = chunks(text, size).flatMap((chunk) => splitter.push(chunk))
  return { items: items.map((item) => JSON.parse(item)), envelope: JSON.parse(splitter.end()) }
}

test.for([
  ['an empty list', { kind: 'PodList', metadata: { resourceVersion: '7' }, items: [] }],
  ['braces, brackets, quotes and backslashes inside strings', { items: [{ a: '}]{["\\"' }, { b: '\\' }], metadata: { continue: '"items":[' } }],
  ['an object of its own named items, before the list', { metadata: { items: [1, 2], more: { items: [{}] } }, items: [{ items: [{ x: 1 }] }] }],
  ['text of several bytes', { items: [{ name: 'grüße 🎉' }] }],
  ['items that come first', { items: [{ a: 1 }, { a: 2 }], kind: 'items', metadata: {} }],
  ['null instead of items', { kind: 'PodList', items: null }],
] as const)('%s', ([, list]) => {
  for (const size of [1, 2, 3, 7, 1000]) {
    expect(split(JSON.stringify(list), size)).toEqual({ envelope: { ...list, ...(list.items && { items: [] }) }, items: list.items ?? [] })
  }
})

test('any objects, cut anywhere, however they are indented', () => {
  const items = fc.array(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ stringUnit: 'binary' })))
  const property = fc.property(items, fc.integer({ min: 1, max: 50 }), fc.integer({ min: 0, max: 2 }), (items, size, indent) => {
    const plain = JSON.parse(JSON.stringify(items))
    expect(split(JSON.stringify({ metadata: {}, items: plain }, null, indent), size)).toEqual({ envelope: { metadata: {}, items: [] }, items: plain })
  })
  fc.assert(property, { seed: 1, numRuns: 200 })
})

test('an array beside the items whose key has 200,000 bytes', () => {
  const beside = { ['items'.repeat(40_000)]: [{ b: 1 }] }
  expect(split(JSON.stringify({ ...beside, items: [{ a: 1 }] }), 4096)).toEqual({ items: [{ a: 1 }], envelope: { ...beside, items: [] } })
})

test.for([
  ['a line', () => new LineSplitter(), '', 'a line of a watch'],
  ['an item', () => new ItemSplitter(), '{"items":[{"a":"', 'an item of an answer'],
  ['an envelope', () => new ItemSplitter(), '{"a":"', 'what an answer has beside its items'],
] as const)('%s that never ends is an error, and not held for ever', ([, open, head, what]) => {
  const splitter = open()
  const chunk = Buffer.alloc(1024 * 1024, 'x')
  const push = (times: number) => Array.from({ length: times }, () => splitter.push(chunk))
  splitter.push(Buffer.from(head))
  expect(() => push(LARGEST_PART / chunk.length + 1)).toThrow(`${what} is larger than ${LARGEST_PART} bytes`)
})

test('many small pieces become one text', () => {
  const item = { a: 'é'.repeat(3000) }
  expect(split(JSON.stringify({ items: [item, item] }), 1).items).toEqual([item, item])
})

test('a list that breaks off is an error', () => {
  const splitter = new ItemSplitter()
  expect(splitter.push(Buffer.from('{"items":[{"a":1},{"b'))).toEqual(['{"a":1}'])
  expect(() => splitter.end()).toThrow('ended before it was complete')
  expect(() => new ItemSplitter().end()).toThrow('ended before it was complete')
})

test('lines, cut anywhere; the unfinished last one is kept back', () => {
  for (const size of [1, 2, 5, 100]) {
    const splitter = new LineSplitter()
    expect(chunks('{"ä":1}\r\n\n{"b":2}\n{"torn', size).flatMap((chunk) => splitter.push(chunk))).toEqual(['{"ä":1}', '{"b":2}'])
  }
})
