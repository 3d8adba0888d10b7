import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { expect, onTestFinished, test } from 'vitest'
import { startSandbox } from './sandbox.ts'

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps'

async function startedSandbox() {
  const sandbox = await startSandbox()
  onTestFinished(() => sandbox.stop())
  return sandbox
}

async function watchLines(url: string): Promise<AsyncIterator<string>> {
  const { body } = await fetch(url)
  return createInterface({ input: Readable.fromWeb(body as ReadableStream) })[Symbol.asyncIterator]()
}

const configMap = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' } })
const nameIn = (line: IteratorResult<string>) => JSON.parse(line.value).object.metadata.name

test('after a compaction, an older version is answered with 410', async () => {
  const { url, faults, apply } = await startedSandbox()
  const { metadata } = await apply(configMap('a'))
  await apply(configMap('b'))
  faults.compact()
  const lines = await watchLines(`${url}${CONFIG_MAPS}?watch=true&resourceVersion=${metadata.resourceVersion}`)
  expect(JSON.parse((await lines.next()).value)).toMatchObject({ type: 'ERROR', object: { code: 410, reason: 'Expired' } })
})

test('dropped watches break without a word', async () => {
  const { url, faults } = await startedSandbox()
  const { body } = await fetch(`${url}${CONFIG_MAPS}?watch=true&resourceVersion=0`)
  expect(faults.dropWatches(/pods$/)).toBe(0)
  expect(faults.dropWatches(/configmaps$/)).toBe(1)
  await expect(Readable.fromWeb(body as ReadableStream).toArray()).rejects.toThrow('terminated')
})

test('requests to a path fail as often as asked, others do not', async () => {
  const { url, faults } = await startedSandbox()
  faults.respond({ path: /configmaps$/, status: 429, reason: 'TooManyRequests', retryAfterSeconds: 3, times: 2 })
  const answers = await Promise.all([CONFIG_MAPS, CONFIG_MAPS, '/api/v1/nodes'].map((path) => fetch(url + path)))
  expect(answers.map(({ status, headers }) => [status, headers.get('retry-after')])).toEqual([[429, '3'], [429, '3'], [200, null]])
  expect((await fetch(url + CONFIG_MAPS)).status).toBe(200)
  expect(faults.made).toBe(2)
})

test('a resize can be refused for lack of node capacity', async () => {
  const { url, faults } = await startedSandbox()
  faults.respond({ path: /\/resize$/, method: 'PATCH', status: 403, reason: 'Forbidden', causes: [{ reason: 'NodeCapacity', message: 'cpu' }] })
  const answer = await fetch(`${url}/api/v1/namespaces/default/pods/p/resize`, { method: 'PATCH' })
  expect(await answer.json()).toMatchObject({ code: 403, details: { causes: [{ reason: 'NodeCapacity' }] } })
})

test('torn chunks, doubled events and lines of garbage come in order', async () => {
  const { url, faults, apply } = await startedSandbox()
  const lines = await watchLines(`${url}${CONFIG_MAPS}?watch=true&resourceVersion=0`)
  faults.tearChunks({ bytes: 7, pause: 0 })
  faults.duplicateEvents(1)
  await apply(configMap('a'))
  faults.garbageLine(/configmaps$/, 'no json')
  await apply(configMap('b'))
  expect(nameIn(await lines.next())).toBe('a')
  expect(nameIn(await lines.next())).toBe('a')
  expect((await lines.next()).value).toBe('no json')
  expect(nameIn(await lines.next())).toBe('b')
})

test('events come after the one that follows them, and through a frozen watch none at all', async () => {
  const { url, faults, apply } = await startedSandbox()
  const lines = await watchLines(`${url}${CONFIG_MAPS}?watch=true&resourceVersion=0`)
  faults.reorderEvents(1)
  for (const name of ['a', 'b', 'c']) await apply(configMap(name))
  expect([nameIn(await lines.next()), nameIn(await lines.next()), nameIn(await lines.next())]).toEqual(['b', 'a', 'c'])
  expect(faults.freezeWatches(/configmaps$/)).toBe(1)
  await apply(configMap('d'))
  faults.dropWatches()
  await expect(lines.next()).rejects.toThrow('terminated')
})

test.for([
  ['truncated', 'terminated'],
  ['garbage', 'is not valid JSON'],
] as const)('an answer is %s as often as asked', async ([as, message]) => {
  const { url, faults } = await startedSandbox()
  faults.spoil({ path: /configmaps$/, as })
  await expect(fetch(url + CONFIG_MAPS).then((answer) => answer.json())).rejects.toThrow(message)
  expect(await (await fetch(url + CONFIG_MAPS)).json()).toMatchObject({ kind: 'ConfigMapList' })
})
