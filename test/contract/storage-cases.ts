import { expect } from 'vitest'
import type { Cases } from './contract.ts'
import { configMap, deployment, recommendation, rolloutDefinition, vpa } from './objects.ts'
import { eventually } from './target.ts'

const VPAS = ['verticalpodautoscalers', 'autoscaling.k8s.io/v1'] as const

export const storageCases: Cases = {
  'an object without a name gets five letters after its generateName': async ({ api, path }) => {
    const { code, body } = await api.post(path('configmaps'), { ...configMap(''), metadata: { generateName: 'c-' } })
    expect(code).toBe(201)
    expect(body.metadata.name).toMatch(/^c-[bcdfghjklmnpqrstvwxz2456789]{5}$/)
  },
  'an object needs a name': async ({ api, path }) => {
    const { body } = await api.post(path('configmaps'), { ...configMap(''), metadata: {} })
    expect(body).toMatchObject({ code: 422, reason: 'Invalid', message: 'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required' })
  },
  'what is created gets a uid, a version, a time': async ({ api, path, namespace }) => {
    const { body } = await api.post(path('configmaps'), configMap('a'))
    expect(body.metadata).toMatchObject({ name: 'a', namespace, uid: expect.stringMatching(/^[0-9a-f-]{36}$/), resourceVersion: expect.stringMatching(/^\d+$/), creationTimestamp: expect.stringMatching(/Z$/) })
  },
  'a name is taken once': async ({ api, path }) => {
    await api.post(path('configmaps'), configMap('a'))
    const { body } = await api.post(path('configmaps'), configMap('a'))
    expect(body).toMatchObject({ kind: 'Status', status: 'Failure', code: 409, reason: 'AlreadyExists', message: 'configmaps "a" already exists', details: { name: 'a', kind: 'configmaps' } })
  },
  'what is not there is not found, with its group': async ({ api, path }) => {
    const { body } = await api.get(path('deployments/none', 'apps/v1'))
    expect(body).toMatchObject({ code: 404, reason: 'NotFound', message: 'deployments.apps "none" not found', details: { name: 'none', group: 'apps', kind: 'deployments' } })
  },
  'a namespace must be there': async ({ api }) => {
    const { body } = await api.post('/api/v1/namespaces/none/configmaps', configMap('a'))
    expect(body).toMatchObject({ code: 404, reason: 'NotFound', message: 'namespaces "none" not found' })
  },
  'the namespace of an object is that of its URL': async ({ api, path }) => {
    const { body } = await api.post(path('configmaps'), configMap('a', { metadata: { name: 'a', namespace: 'other' } }))
    expect(body).toMatchObject({ code: 400, reason: 'BadRequest', message: 'the namespace of the provided object does not match the namespace sent on the request' })
  },
  'a write with an old version is a conflict': async ({ api, path }) => {
    const { body: first } = await api.post(path('configmaps'), configMap('a'))
    await api.put(path('configmaps/a'), { ...first, data: { a: '2' } })
    const { body } = await api.put(path('configmaps/a'), { ...first, data: { a: '3' } })
    expect(body).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message: 'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
    })
  },
  'a write that changes nothing is no new version': async ({ api, path }) => {
    const { body: first } = await api.post(path('configmaps'), configMap('a'))
    const { body } = await api.put(path('configmaps/a'), first)
    expect(body.metadata.resourceVersion).toBe(first.metadata.resourceVersion)
  },
  'a delete can be for one uid only': async ({ api, path }) => {
    const { body: created } = await api.post(path('configmaps'), configMap('a'))
    const { body } = await api.delete(path('configmaps/a'), { preconditions: { uid: 'other' } })
    expect(body).toMatchObject({ code: 409, reason: 'Conflict', message: `Operation cannot be fulfilled on ConfigMap "a": the UID in the precondition (other) does not match the UID in record (${created.metadata.uid}). The object might have been deleted and then recreated` })
    const { body: done } = await api.delete(path('configmaps/a'), { preconditions: { uid: created.metadata.uid } })
    expect(done).toMatchObject({ kind: 'Status', status: 'Success', details: { name: 'a', kind: 'configmaps', uid: created.metadata.uid } })
  },
  'finalizers keep an object until the last is removed': async ({ api, path }) => {
    await api.post(path('configmaps'), configMap('a', { metadata: { name: 'a', finalizers: ['example.com/f'] } }))
    const { body } = await api.delete(path('configmaps/a'))
    expect(body.metadata.deletionTimestamp).toEqual(expect.any(String))
    await api.patch(path('configmaps/a'), 'json-patch+json', [{ op: 'remove', path: '/metadata/finalizers' }])
    expect((await api.get(path('configmaps/a'))).code).toBe(404)
  },
  'a collection is deleted by selector': async ({ api, path }) => {
    for (const name of ['a', 'b']) await api.post(path('configmaps'), configMap(name, { metadata: { name, labels: { name } } }))
    await api.delete(`${path('configmaps')}?labelSelector=name%3Da`)
    expect(await namesOf(api.get(`${path('configmaps')}?labelSelector=name`))).toEqual(['b'])
  },
  'a merge patch removes what is null': async ({ api, path }) => {
    await api.post(path('configmaps'), configMap('a', { data: { a: '1', b: '2' } }))
    const { body } = await api.patch(path('configmaps/a'), 'merge-patch+json', { data: { a: null, c: '3' } })
    expect(body.data).toEqual({ b: '2', c: '3' })
  },
  'a JSON patch applies as a whole or not at all': async ({ api, path }) => {
    await api.post(path('configmaps'), configMap('a'))
    const { body } = await api.patch(path('configmaps/a'), 'json-patch+json', [{ op: 'add', path: '/data/b', value: '2' }, { op: 'add', path: '/binaryData/x/y', value: 'z' }])
    expect(body).toMatchObject({ code: 422, reason: 'Invalid', message: 'the server rejected our request due to an error in our request' })
    expect((await api.get(path('configmaps/a'))).body.data).toEqual({ a: '1' })
  },
  'a JSON patch tests by null that a member is missing': async ({ api, path }) => {
    await api.post(path('configmaps'), configMap('a'))
    const annotate = () => api.patch(path('configmaps/a'), 'json-patch+json', [{ op: 'test', path: '/metadata/annotations', value: null }, { op: 'add', path: '/metadata/annotations', value: { a: '1' } }])
    expect((await annotate()).body.metadata.annotations).toEqual({ a: '1' })
    expect((await annotate()).body).toMatchObject({ code: 422, reason: 'Invalid', message: 'the server rejected our request due to an error in our request' })
  },
  'a strategic merge patch knows containers by name': async ({ api, path }) => {
    await api.post(path('deployments', 'apps/v1'), deployment('web', 0))
    const containers = [{ name: 'sidecar', $patch: 'delete' }, { name: 'web', image: 'web:2' }, { name: 'new', image: 'new:1' }]
    const { body } = await api.patch(path('deployments/web', 'apps/v1'), 'strategic-merge-patch+json', { spec: { template: { spec: { containers } } } })
    const images = Object.fromEntries(body.spec.template.spec.containers.map(({ name, image }: { name: string; image: string }) => [name, image]))
    expect(images).toEqual({ web: 'web:2', new: 'new:1' })
    expect(body.spec.template.spec.containers.find(({ name }: { name: string }) => name === 'web').resources.limits).toEqual({ cpu: '200m', memory: '200Mi' })
  },
  'a custom object has no strategic merge patch': async ({ api, path }) => {
    await api.post(path(...VPAS), vpa('v'))
    const { body } = await api.patch(path('verticalpodautoscalers/v', VPAS[1]), 'strategic-merge-patch+json', { metadata: { labels: { a: 'b' } } })
    expect(body).toMatchObject({ code: 415, reason: 'UnsupportedMediaType' })
  },
  'a server-side apply creates, and changes what is there': async ({ api, path }) => {
    const url = `${path('configmaps/a')}?fieldManager=contract`
    expect((await api.patch(url, 'apply-patch+yaml', configMap('a'))).code).toBe(201)
    const { code, body } = await api.patch(url, 'apply-patch+yaml', configMap('a', { data: { a: '2' } }))
    expect({ code, data: body.data }).toEqual({ code: 200, data: { a: '2' } })
  },
  'status and spec are written apart, and only the spec counts as a generation': async ({ api, path }) => {
    const one = path('verticalpodautoscalers/v', VPAS[1])
    const { body: created } = await api.post(path(...VPAS), vpa('v', { status: { recommendation } }))
    expect(created.status).toBeUndefined()
    expect(created.metadata.generation).toBe(1)
    const { body: withStatus } = await api.patch(`${one}/status`, 'json-patch+json', [{ op: 'add', path: '/status', value: { recommendation } }])
    expect(withStatus).toMatchObject({ status: { recommendation }, metadata: { generation: 1 } })
    const { body: changed } = await api.patch(one, 'merge-patch+json', { spec: { updatePolicy: { updateMode: 'Recreate' } }, status: { recommendation: null } })
    expect(changed).toMatchObject({ status: { recommendation }, spec: { updatePolicy: { updateMode: 'Recreate' } }, metadata: { generation: 2 } })
    const { body: statusOnly } = await api.patch(`${one}/status`, 'merge-patch+json', { spec: { updatePolicy: { updateMode: 'Off' } } })
    expect(statusOnly.spec.updatePolicy.updateMode).toBe('Recreate')
  },
  'a checkpoint has no status subresource: its status is written with the rest': async ({ api, path }) => {
    const group = 'autoscaling.k8s.io/v1'
    const checkpoint = { apiVersion: group, kind: 'VerticalPodAutoscalerCheckpoint', metadata: { name: 'c' }, spec: { vpaObjectName: 'v', containerName: 'web' }, status: { version: 'v3' } }
    const { body } = await api.post(path('verticalpodautoscalercheckpoints', group), checkpoint)
    expect(body.status.version).toBe('v3')
    expect((await api.get(path('verticalpodautoscalercheckpoints/c/status', group))).code).toBe(404)
  },
  'labels select': async ({ api, path }) => {
    for (const [name, tier] of [['a', 'x'], ['b', 'y'], ['c', undefined]] as const) await api.post(path('configmaps'), configMap(name, { metadata: { name, labels: { in: 'case', ...(tier && { tier }) } } }))
    const select = (selector: string) => namesOf(api.get(`${path('configmaps')}?labelSelector=${encodeURIComponent(`in=case,${selector}`)}`))
    expect(await select('tier=x')).toEqual(['a'])
    expect(await select('tier!=x')).toEqual(['b', 'c'])
    expect(await select('tier in (x, y)')).toEqual(['a', 'b'])
    expect(await select('tier notin (x)')).toEqual(['b', 'c'])
    expect(await select('!tier')).toEqual(['c'])
    expect(await select('tier')).toEqual(['a', 'b'])
  },
  'fields select, if the kind knows them': async ({ api, path }) => {
    for (const name of ['a', 'b']) await api.post(path('configmaps'), configMap(name))
    expect(await namesOf(api.get(`${path('configmaps')}?fieldSelector=metadata.name%3Da`))).toEqual(['a'])
    const { body } = await api.get(`${path('configmaps')}?fieldSelector=data.a%3D1`)
    expect(body).toMatchObject({ code: 400, reason: 'BadRequest', message: '"data.a" is not a known field selector: only "metadata.name", "metadata.namespace"' })
    const { body: pods } = await api.get(`${path('pods')}?fieldSelector=spec.none%3D1`)
    expect(pods).toMatchObject({ code: 400, reason: 'BadRequest', message: 'field label not supported: spec.none' })
  },
  'a list comes in pages that show one version': async ({ api, path }) => {
    for (const name of ['a', 'b', 'c']) await api.post(path('configmaps'), configMap(name, { metadata: { name, labels: { in: 'case' } } }))
    const first = await api.get(`${path('configmaps')}?limit=2&fieldSelector=metadata.name!%3Dkube-root-ca.crt`)
    await api.delete(path('configmaps/c'))
    const second = await api.get(`${path('configmaps')}?limit=2&fieldSelector=metadata.name!%3Dkube-root-ca.crt&continue=${first.body.metadata.continue}`)
    expect(first.body.items.map(nameOf)).toEqual(['a', 'b'])
    expect(second.body.items.map(nameOf)).toEqual(['c'])
    expect(second.body.metadata.resourceVersion).toBe(first.body.metadata.resourceVersion)
    expect(second.body.metadata.continue).toBeUndefined()
  },
  'items of a typed list have no kind; custom ones do': async ({ api, path }) => {
    await api.post(path('configmaps'), configMap('a'))
    await api.post(path(...VPAS), vpa('v'))
    expect((await api.get(path('configmaps'))).body).toMatchObject({ kind: 'ConfigMapList', apiVersion: 'v1', items: expect.not.arrayContaining([expect.objectContaining({ kind: 'ConfigMap' })]) })
    expect((await api.get(path(...VPAS))).body).toMatchObject({ kind: 'VerticalPodAutoscalerList', items: [{ kind: 'VerticalPodAutoscaler', apiVersion: VPAS[1] }] })
  },
  'a scale tells the selector as text, and sets the replicas': async ({ api, path }) => {
    await api.post(path('deployments', 'apps/v1'), deployment('web', 0))
    const scale = path('deployments/web/scale', 'apps/v1')
    expect((await api.get(scale)).body).toMatchObject({ kind: 'Scale', apiVersion: 'autoscaling/v1', spec: {}, status: { replicas: 0, selector: 'app=web' } })
    await api.patch(scale, 'merge-patch+json', { spec: { replicas: 1 } })
    expect((await api.get(path('deployments/web', 'apps/v1'))).body.spec.replicas).toBe(1)
  },
  'a custom kind can have a scale': async ({ api, path }) => {
    await api.post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', rolloutDefinition)
    const rollout = { apiVersion: 'contract.example/v1', kind: 'Rollout', metadata: { name: 'r' }, spec: { replicas: 2 } }
    await eventually(() => api.post(path('rollouts', 'contract.example/v1'), rollout), ({ code }) => code === 201)
    await api.patch(path('rollouts/r/status', 'contract.example/v1'), 'merge-patch+json', { status: { replicas: 1, selector: 'app=r' } })
    const scale = path('rollouts/r/scale', 'contract.example/v1')
    expect((await api.get(scale)).body).toMatchObject({ kind: 'Scale', apiVersion: 'autoscaling/v1', metadata: { name: 'r' }, spec: { replicas: 2 }, status: { replicas: 1, selector: 'app=r' } })
    await api.patch(scale, 'merge-patch+json', { spec: { replicas: 3 } })
    expect((await api.get(path('rollouts/r', 'contract.example/v1'))).body.spec.replicas).toBe(3)
    await api.delete('/apis/apiextensions.k8s.io/v1/customresourcedefinitions/rollouts.contract.example')
    await eventually(() => api.get(path('rollouts', 'contract.example/v1')), ({ code }) => code === 404)
  },
  'a kind without a scale has none': async ({ api, path }) => {
    await api.post(path(...VPAS), vpa('v'))
    expect((await api.get(path('verticalpodautoscalers/v/scale', VPAS[1]))).body).toMatchObject({ code: 404, reason: 'NotFound', message: 'verticalpodautoscalers.autoscaling.k8s.io "v" not found' })
    expect((await api.get(path('daemonsets/d/scale', 'apps/v1'))).body).toMatchObject({ code: 404, reason: 'NotFound', message: 'the server could not find the requested resource' })
  },
  'a patch can be for one version only': async ({ api, path }) => {
    const { body: first } = await api.post(path('configmaps'), configMap('a'))
    await api.patch(path('configmaps/a'), 'merge-patch+json', { data: { a: '2' } })
    const { body } = await api.patch(path('configmaps/a'), 'merge-patch+json', { metadata: { resourceVersion: first.metadata.resourceVersion }, data: { a: '3' } })
    expect(body).toMatchObject({ code: 409, reason: 'Conflict', message: expect.stringMatching(/the object has been modified; please apply your changes to the latest version and try again$/) })
  },
  'the name of an object is that of its URL': async ({ api, path }) => {
    await api.post(path('configmaps'), configMap('a'))
    expect((await api.put(path('configmaps/a'), configMap('b'))).body).toMatchObject({ code: 400, reason: 'BadRequest', message: 'the name of the object (b) does not match the name on the URL (a)' })
  },
  'a body of another kind is refused': async ({ api, path }) => {
    expect((await api.post(path('configmaps'), { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' } })).body).toMatchObject({ code: 400, reason: 'BadRequest' })
  },
  'a name has rules': async ({ api, path }) => {
    const { body } = await api.post(path('configmaps'), configMap('A_b'))
    expect(body).toMatchObject({ code: 422, reason: 'Invalid', message: expect.stringMatching(/^ConfigMap "A_b" is invalid: metadata.name: Invalid value: "A_b": a lowercase RFC 1123 subdomain must consist of /) })
  },
  'text in a secret becomes data': async ({ api, path }) => {
    const { body } = await api.post(path('secrets'), { metadata: { name: 's' }, stringData: { a: 'b' } })
    expect(body).toMatchObject({ type: 'Opaque', data: { a: 'Yg==' } })
    expect(body.stringData).toBeUndefined()
  },
  'a lease keeps its microseconds': async ({ api, path }) => {
    const spec = { holderIdentity: 'me', leaseDurationSeconds: 10, renewTime: '2026-03-01T00:00:00.123456Z' }
    expect((await api.post(path('leases', 'coordination.k8s.io/v1'), { metadata: { name: 'l' }, spec })).body.spec).toEqual(spec)
  },
  'a list can be of one version exactly': async ({ api, path }) => {
    const { body: first } = await api.post(path('configmaps'), configMap('a', { metadata: { name: 'a', labels: { in: 'case' } } }))
    await api.post(path('configmaps'), configMap('b', { metadata: { name: 'b', labels: { in: 'case' } } }))
    expect(await namesOf(api.get(`${path('configmaps')}?labelSelector=in&resourceVersion=${first.metadata.resourceVersion}&resourceVersionMatch=Exact`))).toEqual(['a'])
  },
  'an event is one object in both APIs': async ({ api, path, namespace }) => {
    const regarding = { apiVersion: 'v1', kind: 'Pod', namespace, name: 'p' }
    const event = { apiVersion: 'v1', kind: 'Event', metadata: { name: 'p.1' }, involvedObject: regarding, reason: 'EvictedByVPA', message: 'gone', type: 'Normal', count: 1, firstTimestamp: '2026-03-01T00:00:00Z', lastTimestamp: '2026-03-01T00:00:00Z', source: { component: 'vpa-updater' } }
    expect((await api.post(path('events'), event)).code).toBe(201)
    expect((await api.get(path('events/p.1', 'events.k8s.io/v1'))).body).toMatchObject({ kind: 'Event', regarding, note: 'gone', deprecatedCount: 1 })
    expect(await namesOf(api.get(`${path('events')}?fieldSelector=reason%3DEvictedByVPA,involvedObject.name%3Dp`))).toEqual(['p.1'])
  },
}

async function namesOf(list: Promise<{ body: { items: { metadata: { name: string } }[] } }>): Promise<string[]> {
  return (await list).body.items.map(nameOf)
}

function nameOf({ metadata }: { metadata: { name: string } }): string {
  return metadata.name
}
