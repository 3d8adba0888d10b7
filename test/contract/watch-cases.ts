import { expect } from 'vitest'
import type { Cases } from './contract.ts'
import { configMap } from './objects.ts'
import type { Watch } from './target.ts'

const CASE = '&labelSelector=in%3Dcase'
const labelled = (name: string, data = '1') => configMap(name, { metadata: { name, labels: { in: 'case' } }, data: { a: data } })

export const watchCases: Cases = {
  'a watch goes on where the list ended': async ({ api, path }) => {
    await api.post(path('configmaps'), labelled('before'))
    const { body: list } = await api.get(path('configmaps'))
    const watch = await api.watch(`${path('configmaps')}?watch=true&resourceVersion=${list.metadata.resourceVersion}${CASE}`)
    const { body: created } = await api.post(path('configmaps'), labelled('a'))
    const { body: changed } = await api.put(path('configmaps/a'), labelled('a', '2'))
    await api.delete(path('configmaps/a'))
    const events = [await watch.next(), await watch.next(), await watch.next()]
    expect(events.map((event) => event?.type)).toEqual(['ADDED', 'MODIFIED', 'DELETED'])
    expect(events[0]?.object).toEqual(created)
    expect(events[1]?.object.metadata.resourceVersion).toBe(changed.metadata.resourceVersion)
    expect(Number(events[2]?.object.metadata.resourceVersion)).toBeGreaterThan(Number(changed.metadata.resourceVersion))
  },
  'a watch resumes from the version of any event': async ({ api, path }) => {
    const { body: first } = await api.post(path('configmaps'), labelled('a'))
    await api.put(path('configmaps/a'), labelled('a', '2'))
    const watch = await api.watch(`${path('configmaps')}?watch=true&resourceVersion=${first.metadata.resourceVersion}${CASE}`)
    expect(await watch.next()).toMatchObject({ type: 'MODIFIED', object: { data: { a: '2' } } })
  },
  'a watch from version 0 begins with what is there': async ({ api, path }) => {
    await api.post(path('configmaps'), labelled('a'))
    const watch = await api.watch(`${path('configmaps')}?watch=true&resourceVersion=0${CASE}`)
    expect(await watch.next()).toMatchObject({ type: 'ADDED', object: { kind: 'ConfigMap', metadata: { name: 'a' } } })
  },
  'an object that ceases to match is deleted for the watch': async ({ api, path }) => {
    const { body: list } = await api.get(path('configmaps'))
    const watch = await api.watch(`${path('configmaps')}?watch=true&resourceVersion=${list.metadata.resourceVersion}${CASE}`)
    await api.post(path('configmaps'), configMap('a'))
    await api.put(path('configmaps/a'), labelled('a'))
    await api.put(path('configmaps/a'), configMap('a'))
    expect([(await watch.next())?.type, (await watch.next())?.type]).toEqual(['ADDED', 'DELETED'])
  },
  'a watch ends after its timeout, with a bookmark if that is asked for': async ({ api, path }) => {
    const { body: list } = await api.get(path('configmaps'))
    const watch = await api.watch(`${path('configmaps')}?watch=true&resourceVersion=${list.metadata.resourceVersion}&allowWatchBookmarks=true&timeoutSeconds=1${CASE}`)
    const events = await rest(watch)
    expect(events.every(({ type }) => type === 'BOOKMARK')).toBe(true)
  },
  'a watch-list tells where the list ends': async ({ api, path }) => {
    await api.post(path('configmaps'), labelled('a'))
    const watch = await api.watch(`${path('configmaps')}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=5${CASE}`)
    expect(await watch.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'a' } } })
    expect(await watch.next()).toMatchObject({ type: 'BOOKMARK', object: { kind: 'ConfigMap', metadata: { resourceVersion: expect.stringMatching(/^\d+$/), annotations: { 'k8s.io/initial-events-end': 'true' } } } })
  },
  'a version that is forgotten is an error event with code 410': async ({ api, path }) => {
    const watch = await api.watch(`${path('verticalpodautoscalers', 'autoscaling.k8s.io/v1')}?watch=true&resourceVersion=1`)
    expect(await watch.next()).toMatchObject({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired', message: expect.stringMatching(/^too old resource version: 1 \(\d+\)$/) } })
    expect(await watch.next()).toBeUndefined()
  },
  'a page of a list that is no more is refused': async ({ api, path }) => {
    const { body } = await api.get(`${path('configmaps')}?limit=1&continue=nonsense`)
    expect(body).toMatchObject({ code: 400, reason: 'BadRequest', message: expect.stringMatching(/^invalid continue token: continue key is not valid/) })
  },
}

async function rest(watch: Watch): Promise<{ type: string }[]> {
  const events = []
  for (let event = await watch.next(); event !== undefined; event = await watch.next()) events.push(event)
  return events
}
