import { MINUTE, SECOND } from '@vpa/core/time.ts'
import { expect, test, vi } from 'vitest'
import { type Handler, clientOf, json, refuse, startApiServer } from '../../test/support/api-server.ts'
import { fakeClock } from '../../test/support/fake-clock.ts'
import { PATIENCE } from '../../test/support/patience.ts'
import { Discovery } from './discovery.ts'

const version = (groupVersion: string) => ({ groupVersion, version: groupVersion.split('/')[1] })
const GROUPS = [
  { name: 'example.com', versions: [version('example.com/v1beta1'), version('example.com/v1')], preferredVersion: version('example.com/v1') },
  { name: 'bare.example', versions: [version('bare.example/v1')] },
]
const resources = [{ name: 'toasters', kind: 'Toaster', namespaced: true }, { name: 'toasters/scale', kind: 'Scale', namespaced: true }, { name: 'kitchens', kind: 'Kitchen', namespaced: false }]

/** An API server with these groups, each with the same kinds in all of its versions. */
const serving = (groups: readonly object[]): Handler => ({ path }, response) => {
  if (path === '/apis') json(response, 200, { groups })
  else if (/^\/(api|apis\/(example\.com|bare\.example))\/v1(beta1)?$/.test(path)) json(response, 200, { resources })
  else refuse(response, 404)
}

async function discovering(handler: Handler) {
  const clock = fakeClock()
  const server = await startApiServer(handler)
  const discovery = new Discovery(clientOf(server, { clock }), clock)
  const served = async (group: string, kind = 'Toaster') => (await discovery.resourcesOf(group, kind)).map(({ groupVersion, plural, subresources }) => [groupVersion, plural, ...subresources].join(' '))
  const asked = () => server.seen.map(({ path }) => path)
  const known = (group: string, kind = 'Toaster') => discovery.knownResourcesOf(group, kind)?.map(({ groupVersion }) => groupVersion)
  return { clock, server, served, known, asked }
}

test.for([
  ['a kind in each version of its group, the preferred one first', 'example.com', 'Toaster', ['example.com/v1 toasters scale', 'example.com/v1beta1 toasters scale']],
  ['in a group that prefers none', 'bare.example', 'Toaster', ['bare.example/v1 toasters scale']],
  ['of the core group', '', 'Toaster', ['v1 toasters scale']],
  ['none of a kind that is in no namespace', 'example.com', 'Kitchen', []],
  ['none of another kind', 'example.com', 'Kettle', []],
  ['none of a group that leads elsewhere', 'example.com/v1', 'Toaster', []],
] as const)('%s', async ([, group, kind, expected]) => {
  const { served } = await discovering(serving(GROUPS))
  expect(await served(group, kind)).toEqual(expected)
})

test('requests at the same time share their answers, which are kept for five minutes', async () => {
  const { served, asked, clock } = await discovering(serving(GROUPS))
  await Promise.all([served('example.com'), served('example.com'), served('example.com', 'Kettle')])
  const once = ['/apis', '/apis/example.com/v1', '/apis/example.com/v1beta1']
  expect(asked()).toEqual(once)
  await clock.advance(5 * MINUTE - 1)
  await served('example.com')
  expect(asked()).toEqual(once)
  await clock.advance(1)
  await served('example.com')
  expect(asked()).toEqual([...once, ...once])
})

test('however many groups are named that do not exist, one list is read every five seconds', async () => {
  const { served, asked, clock } = await discovering(serving(GROUPS))
  const nameMany = () => Promise.all(Array.from({ length: 500 }, (_, index) => served(`g${index}.example`)))
  expect(new Set((await nameMany()).flat())).toEqual(new Set())
  await nameMany()
  expect(asked()).toEqual(['/apis'])
  await clock.advance(5 * SECOND)
  await nameMany()
  expect(asked()).toEqual(['/apis', '/apis'])
})

test('a group that comes is found within five seconds', async () => {
  const { served, clock, server } = await discovering(serving([]))
  expect(await served('example.com')).toEqual([])
  server.handle(serving(GROUPS))
  await clock.advance(5 * SECOND)
  expect(await served('example.com')).toHaveLength(2)
})

test('an API server that cannot be asked is asked again five seconds later; until then it is an error', async () => {
  const { served, asked, clock, server } = await discovering((_, response) => refuse(response, 500, { message: 'no luck' }))
  await expect(served('example.com')).rejects.toThrow('no luck')
  await expect(served('bare.example')).rejects.toThrow('no luck')
  expect(asked()).toEqual(['/apis'])
  server.handle(serving(GROUPS))
  await clock.advance(5 * SECOND)
  expect(await served('example.com')).toHaveLength(2)
})

test('a version that cannot be read is read again five seconds later; what was known before stays known', async () => {
  const { served, known, asked, clock, server } = await discovering(serving(GROUPS))
  await served('example.com')
  server.handle(({ path }, response) => (path === '/apis' ? json(response, 200, { groups: GROUPS }) : refuse(response, 500, { message: 'no luck' })))
  await clock.advance(5 * MINUTE)
  await expect(served('example.com')).rejects.toThrow('no luck')
  await expect(served('example.com')).rejects.toThrow('no luck')
  expect(known('example.com')).toHaveLength(2)
  const before = asked().length
  server.handle(serving(GROUPS))
  await clock.advance(5 * SECOND)
  expect(await served('example.com')).toHaveLength(2)
  expect(asked()).toHaveLength(before + 3)
})

test('a kind that comes to a group that is known is found within five seconds', async () => {
  const { served, clock, server } = await discovering(({ path }, response) => (path === '/apis' ? json(response, 200, { groups: GROUPS }) : json(response, 200, { resources: [] })))
  expect(await served('example.com')).toEqual([])
  server.handle(serving(GROUPS))
  await clock.advance(5 * SECOND)
  expect(await served('example.com')).toHaveLength(2)
})

test('without a wait, what is known is told, and what is due is read for the next', async () => {
  const { served, known, asked, clock, server } = await discovering(serving(GROUPS))
  expect(known('example.com')).toBeUndefined()
  await vi.waitFor(() => expect(known('example.com')).toHaveLength(2), PATIENCE)
  expect(known('gone.example')).toEqual([])
  server.handle(serving([]))
  await clock.advance(5 * MINUTE)
  expect(known('example.com')).toHaveLength(2)
  await vi.waitFor(() => expect(known('example.com')).toEqual([]), PATIENCE)
  const before = asked().length
  for (let index = 0; index < 500; index += 1) expect(known(`g${index}.example`)).toEqual([])
  expect(asked()).toHaveLength(before)
  server.handle(serving(GROUPS))
  await clock.advance(5 * SECOND)
  expect(known('example.com')).toEqual([])
  await served('example.com')
  expect(known('example.com')).toHaveLength(2)
})

test('a version that could never be read is read again five seconds later', async () => {
  const { served, clock, server } = await discovering(({ path }, response) => (path === '/apis' ? json(response, 200, { groups: GROUPS }) : refuse(response, 500, { message: 'no luck' })))
  await expect(served('example.com')).rejects.toThrow('no luck')
  server.handle(serving(GROUPS))
  await clock.advance(5 * SECOND)
  expect(await served('example.com')).toHaveLength(2)
})
