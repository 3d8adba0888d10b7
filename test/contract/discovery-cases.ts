import { expect } from 'vitest'
import type { Cases } from './contract.ts'
import { recommendation, vpa } from './objects.ts'
import type { Json } from './target.ts'

const GROUP = 'autoscaling.k8s.io/v1'
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'

export const discoveryCases: Cases = {
  'it tells its health and its version': async ({ api }) => {
    for (const path of ['/healthz', '/livez', '/readyz']) expect(await api.get(path)).toEqual({ code: 200, body: 'ok' })
    expect((await api.get('/version')).body).toMatchObject({ major: '1', gitVersion: expect.stringMatching(/^v1\./) })
  },
  'it tells its groups': async ({ api }) => {
    expect((await api.get('/api')).body).toMatchObject({ kind: 'APIVersions', versions: ['v1'] })
    const { body } = await api.get('/apis')
    expect(body.kind).toBe('APIGroupList')
    const groups = body.groups.map(({ name }: Json) => name)
    expect(groups).toEqual(expect.arrayContaining(['apps', 'autoscaling.k8s.io', 'batch', 'coordination.k8s.io', 'events.k8s.io', 'metrics.k8s.io', 'policy']))
  },
  'it tells the resources of a group': async ({ api }) => {
    const { body } = await api.get(`/apis/${GROUP}`)
    expect(body).toMatchObject({ kind: 'APIResourceList', groupVersion: GROUP })
    expect(body.resources).toEqual(expect.arrayContaining([
      expect.objectContaining({ name: 'verticalpodautoscalers', kind: 'VerticalPodAutoscaler', namespaced: true, shortNames: ['vpa'], verbs: expect.arrayContaining(['list', 'watch']) }),
      expect.objectContaining({ name: 'verticalpodautoscalers/status', kind: 'VerticalPodAutoscaler' }),
    ]))
  },
  'it tells subresources of another kind': async ({ api }) => {
    const { body } = await api.get('/api/v1')
    expect(body.resources).toEqual(expect.arrayContaining([
      expect.objectContaining({ name: 'pods/eviction', group: 'policy', version: 'v1', kind: 'Eviction' }),
      expect.objectContaining({ name: 'pods/resize', kind: 'Pod', verbs: expect.arrayContaining(['patch']) }),
      expect.objectContaining({ name: 'replicationcontrollers/scale', group: 'autoscaling', version: 'v1', kind: 'Scale' }),
    ]))
  },
  'an unknown resource is 404': async ({ api }) => {
    expect((await api.get('/apis/apps/v1/none')).body).toMatchObject({ code: 404, reason: 'NotFound', message: 'the server could not find the requested resource' })
    expect((await api.get('/apis/apps/v9')).body).toMatchObject({ code: 404, reason: 'NotFound', message: 'the server could not find the requested resource' })
  },
  'an unknown group is 404 in plain text': async ({ api }) => {
    expect(await api.get('/apis/none.example')).toEqual({ code: 404, body: '404 page not found\n' })
    expect(await api.get('/apis/none.example/v1/namespaces/a/b/c/scale')).toEqual({ code: 404, body: '404 page not found\n' })
  },
  'a method that is not for a path is 405': async ({ api, path }) => {
    for (const { body } of [await api.put(path('configmaps'), {}), await api.post('/api/v1/pods', {})]) {
      expect(body).toMatchObject({ code: 405, reason: 'MethodNotAllowed', message: 'the server does not allow this method on the requested resource' })
    }
  },
  'a watched table has its columns once': async ({ api, path }) => {
    for (const name of ['a', 'b']) await api.post(path('verticalpodautoscalers', GROUP), vpa(name))
    const watch = await api.watch(`${path('verticalpodautoscalers', GROUP)}?watch=true&resourceVersion=0`, { accept: TABLE })
    const [first, second] = [await watch.next(), await watch.next()]
    expect(first).toMatchObject({ type: 'ADDED', object: { kind: 'Table', rows: [{ cells: expect.arrayContaining(['a']) }] } })
    expect(first?.object.columnDefinitions).toHaveLength(8)
    expect(second?.object.columnDefinitions ?? []).toHaveLength(0)
  },
  'a table shows the columns of a VPA': async ({ api, path }) => {
    await api.post(path('verticalpodautoscalers', GROUP), vpa('kong-vpa'))
    const conditions = [{ type: 'RecommendationProvided', status: 'True', lastTransitionTime: '2026-03-01T00:00:00Z' }]
    await api.patch(path('verticalpodautoscalers/kong-vpa/status', GROUP), 'merge-patch+json', { status: { recommendation, conditions } })
    const { body } = await api.get(path('verticalpodautoscalers', GROUP), { accept: TABLE })
    expect(body).toMatchObject({ kind: 'Table', apiVersion: 'meta.k8s.io/v1' })
    expect(body.columnDefinitions.map(({ name, priority }: Json) => [name, priority])).toEqual([
      ['Name', 0], ['Mode', 0], ['CPU', 0], ['Mem', 0], ['Provided', 0], ['Age', 0], ['MinReplicas', 1], ['OOMSeconds', 1],
    ])
    const [{ cells, object }] = body.rows
    expect(cells).toEqual(['kong-vpa', 'Off', '548m', '548861636', 'True', expect.stringMatching(/^\d+s$/), null, null])
    expect(object).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'kong-vpa' } })
  },
}
