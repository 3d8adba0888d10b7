import { expect } from 'vitest'
import type { Cases, Stage } from './contract.ts'
import { deployment, disruptionBudget, pod } from './objects.ts'
import { type Json, eventually } from './target.ts'

export const podCases: Cases = {
  'a pod starts on a node and reports its resources': async (stage) => {
    const running = await runningPod(stage, 'web')
    expect(running.spec.nodeName).toEqual(expect.any(String))
    expect(running.status).toMatchObject({
      startTime: expect.any(String),
      qosClass: 'Burstable',
      conditions: expect.arrayContaining([expect.objectContaining({ type: 'Ready', status: 'True' })]),
      containerStatuses: [{ name: 'web', restartCount: 0, ready: true, state: { running: {} }, resources: { requests: { cpu: '100m', memory: '100Mi' }, limits: { cpu: '200m', memory: '200Mi' } } }],
    })
  },
  'a limit without a request is the request': async ({ api, path }) => {
    const { body } = await api.post(path('pods'), pod('web', { resources: { limits: { cpu: '1', memory: '1Gi' } } }))
    expect(body.spec.containers[0].resources.requests).toEqual({ cpu: '1', memory: '1Gi' })
    expect(body.status).toMatchObject({ phase: 'Pending', qosClass: 'Guaranteed' })
  },
  'a LimitRange gives defaults and refuses what is above its maximum': async ({ api, path }) => {
    await api.post(path('limitranges'), { metadata: { name: 'l' }, spec: { limits: [{ type: 'Container', default: { cpu: '300m' }, defaultRequest: { cpu: '150m' }, max: { cpu: '500m' } }] } })
    const withDefaults = await eventually(() => api.post(`${path('pods')}?dryRun=All`, pod('web', { resources: {} })), ({ body }) => body.spec?.containers[0].resources.limits !== undefined)
    expect(withDefaults.body.spec.containers[0].resources).toEqual({ requests: { cpu: '150m' }, limits: { cpu: '300m' } })
    const { body } = await api.post(path('pods'), pod('big', { resources: { limits: { cpu: '1' } } }))
    expect(body).toMatchObject({ code: 403, reason: 'Forbidden', message: 'pods "big" is forbidden: maximum cpu usage per Container is 500m, but limit is 1' })
  },
  'the spec of a pod is fixed': async ({ api, path }) => {
    await api.post(path('pods'), pod('web'))
    const { body } = await api.patch(path('pods/web'), 'json-patch+json', [{ op: 'replace', path: '/spec/containers/0/resources/requests/cpu', value: '150m' }])
    expect(body).toMatchObject({ code: 422, reason: 'Invalid', message: expect.stringMatching(/^Pod "web" is invalid: spec: Forbidden: pod updates may not change fields other than /) })
  },
  'annotations of a pod change': async ({ api, path }) => {
    await api.post(path('pods'), pod('web'))
    const { code } = await api.patch(path('pods/web'), 'json-patch+json', [{ op: 'add', path: '/metadata/annotations/vpaInPlaceUpdated', value: 'true' }])
    expect(code).toBe(200)
  },
  'a resize changes the spec at once and the status soon after': async (stage) => {
    const { api, path } = stage
    await runningPod(stage, 'web')
    const { code, body } = await resize(stage, { requests: { cpu: '150m', memory: '120Mi' }, limits: { cpu: '300m', memory: '240Mi' } })
    expect(code).toBe(200)
    expect(body.spec.containers[0].resources).toEqual({ requests: { cpu: '150m', memory: '120Mi' }, limits: { cpu: '300m', memory: '240Mi' } })
    const resized = await eventually(() => api.get(path('pods/web')), ({ body }) => body.status.containerStatuses[0].resources.requests.cpu === '150m')
    expect(resized.body.status.containerStatuses[0].restartCount).toBe(0)
  },
  'a resize keeps the QoS class': async (stage) => {
    await runningPod(stage, 'web')
    const { body } = await resize(stage, { requests: { cpu: '200m', memory: '200Mi' }, limits: { cpu: '200m', memory: '200Mi' } })
    expect(body).toMatchObject({ code: 422, reason: 'Invalid', message: expect.stringContaining('Pod QOS Class may not change as a result of resizing') })
  },
  'a resize passes over any other change': async (stage) => {
    await runningPod(stage, 'web')
    const { code, body } = await stage.api.patch(stage.path('pods/web/resize'), 'json-patch+json', [{ op: 'replace', path: '/spec/containers/0/image', value: 'web:2' }])
    expect({ code, image: body.spec.containers[0].image }).toEqual({ code: 200, image: 'web:1' })
  },
  'a resize removes no limit; a removed request is the limit': async (stage) => {
    await runningPod(stage, 'web')
    const { body } = await resize(stage, { requests: { cpu: '100m', memory: '100Mi' }, limits: { cpu: '200m' } })
    expect(body).toMatchObject({ code: 422, reason: 'Invalid', message: expect.stringContaining('resource limits cannot be removed') })
    const { body: resized } = await resize(stage, { requests: { cpu: '100m' }, limits: { cpu: '200m', memory: '200Mi' } })
    expect(resized.spec.containers[0].resources.requests).toEqual({ cpu: '100m', memory: '200Mi' })
  },
  'a resize of a pod that is gone is not found': async ({ api, path }) => {
    const { body } = await api.patch(path('pods/none/resize'), 'json-patch+json', [])
    expect(body).toMatchObject({ code: 404, reason: 'NotFound', message: 'pods "none" not found' })
  },
  'a deleted pod stops first': async (stage) => {
    const { api, path } = stage
    await runningPod(stage, 'web')
    const { body } = await api.delete(path('pods/web'), { gracePeriodSeconds: 5 })
    expect(body).toMatchObject({ kind: 'Pod', metadata: { name: 'web', deletionTimestamp: expect.any(String), deletionGracePeriodSeconds: 5 } })
    await eventually(() => api.get(path('pods/web')), ({ code }) => code === 404)
  },
  'a pod deleted without grace is gone at once': async (stage) => {
    await runningPod(stage, 'web')
    await stage.api.delete(stage.path('pods/web'), { gracePeriodSeconds: 0 })
    expect((await stage.api.get(stage.path('pods/web'))).code).toBe(404)
  },
  'pods are selected by phase and node': async (stage) => {
    const { spec } = await runningPod(stage, 'web')
    const count = async (selector: string) => (await stage.api.get(`${stage.path('pods')}?fieldSelector=${encodeURIComponent(selector)}`)).body.items.length
    expect(await count(`spec.nodeName=${spec.nodeName},status.phase!=Pending`)).toBe(1)
    expect(await count('spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed')).toBe(1)
    expect(await count('status.phase=Pending')).toBe(0)
  },
  'an eviction removes the pod': async (stage) => {
    const { api, path } = stage
    await runningPod(stage, 'web')
    const { code, body } = await evict(stage, 'web')
    expect({ code, body }).toMatchObject({ code: 201, body: { kind: 'Status', status: 'Success' } })
    await eventually(() => api.get(path('pods/web')), (answer) => answer.code === 404)
    expect((await evict(stage, 'web')).body).toMatchObject({ code: 404, reason: 'NotFound', message: 'pods "web" not found' })
  },
  'an eviction that a disruption budget forbids is 429 with its cause': async (stage) => {
    const { api, path } = stage
    await runningPod(stage, 'web')
    await api.post(path('poddisruptionbudgets', 'policy/v1'), disruptionBudget('web', 1))
    await eventually(() => api.get(path('poddisruptionbudgets/web', 'policy/v1')), ({ body }) => body.status?.currentHealthy === 1)
    expect((await evict(stage, 'web')).body).toMatchObject({
      code: 429,
      reason: 'TooManyRequests',
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
      details: { causes: [{ reason: 'DisruptionBudget', message: 'The disruption budget web needs 1 healthy pods and has 1 currently' }] },
    })
  },
  'an eviction within the disruption budget goes through': async (stage) => {
    const { api, path } = stage
    await runningPod(stage, 'web')
    await runningPod(stage, 'other')
    await api.post(path('poddisruptionbudgets', 'policy/v1'), disruptionBudget('web', 1))
    await eventually(() => api.get(path('poddisruptionbudgets/web', 'policy/v1')), ({ body }) => body.status?.disruptionsAllowed === 1)
    expect((await evict(stage, 'web')).code).toBe(201)
    await eventually(() => evict(stage, 'other'), ({ code }) => code === 429)
  },
  'a Deployment has pods by way of a ReplicaSet, and replaces an evicted one': async (stage) => {
    const { api, path } = stage
    await api.post(path('deployments', 'apps/v1'), deployment('web', 2))
    const [first] = await podsOf(stage, 'app=web', 2)
    const owner = first.metadata.ownerReferences[0]
    const { body: replicaSet } = await api.get(path(`replicasets/${owner.name}`, 'apps/v1'))
    expect(owner).toMatchObject({ apiVersion: 'apps/v1', kind: 'ReplicaSet', controller: true, uid: replicaSet.metadata.uid })
    expect(replicaSet.metadata.ownerReferences[0]).toMatchObject({ kind: 'Deployment', name: 'web', controller: true })
    expect(replicaSet.metadata.name).toBe(`web-${first.metadata.labels['pod-template-hash']}`)
    expect(first.metadata).toMatchObject({ generateName: `${owner.name}-`, name: expect.stringMatching(new RegExp(`^${owner.name}-.{5}$`)) })
    await evict(stage, first.metadata.name)
    await eventually(() => api.get(path(`pods/${first.metadata.name}`)), ({ code }) => code === 404)
    await podsOf(stage, 'app=web', 2)
  },
  'a changed template is rolled out': async (stage) => {
    const { api, path } = stage
    const one = path('deployments/web', 'apps/v1')
    await api.post(path('deployments', 'apps/v1'), deployment('web', 2))
    const [old] = await podsOf(stage, 'app=web', 2)
    await api.patch(one, 'strategic-merge-patch+json', { spec: { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': 'now' } } } } })
    const { body } = await eventually(() => api.get(one), ({ body: { metadata, status } }) => status.observedGeneration === metadata.generation && status.updatedReplicas === 2 && status.replicas === 2 && status.readyReplicas === 2)
    expect(body.metadata.annotations['deployment.kubernetes.io/revision']).toBe('2')
    await eventually(() => api.get(path(`pods/${old.metadata.name}`)), ({ code }) => code === 404)
    for (const { metadata } of await podsOf(stage, 'app=web', 2)) expect(metadata.annotations['kubectl.kubernetes.io/restartedAt']).toBe('now')
  },
  'deleting a Deployment deletes what it owns': async (stage) => {
    const { api, path } = stage
    await api.post(path('deployments', 'apps/v1'), deployment('web'))
    await podsOf(stage, 'app=web', 1)
    await api.delete(path('deployments/web', 'apps/v1'), { propagationPolicy: 'Background' })
    await podsOf(stage, 'app=web', 0)
  },
  'a StatefulSet numbers its pods': async (stage) => {
    const { spec } = deployment('web', 2)
    await stage.api.post(stage.path('statefulsets', 'apps/v1'), { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'web' }, spec: { ...spec, serviceName: 'web' } })
    const pods = await podsOf(stage, 'app=web', 2)
    expect(pods.map(({ metadata }) => metadata.name)).toEqual(['web-0', 'web-1'])
  },
  'a DaemonSet wants a pod per node': async (stage) => {
    const { api, path } = stage
    const { replicas: _replicas, ...spec } = deployment('web').spec
    await api.post(path('daemonsets', 'apps/v1'), { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'web' }, spec })
    const nodes = (await api.get('/api/v1/nodes')).body.items.length
    await eventually(() => api.get(path('daemonsets/web', 'apps/v1')), ({ body }) => body.status?.desiredNumberScheduled === nodes && body.status.numberReady === nodes)
  },
  'usage of a running pod is in the metrics API': async (stage) => {
    const { api, path } = stage
    await runningPod(stage, 'web')
    const { body } = await eventually(() => api.get(`${path('pods', 'metrics.k8s.io/v1beta1')}?labelSelector=app%3Dweb`), (answer) => answer.body.items?.length === 1, 60_000)
    expect(body).toMatchObject({
      kind: 'PodMetricsList',
      apiVersion: 'metrics.k8s.io/v1beta1',
      items: [{ metadata: { name: 'web', labels: { app: 'web' } }, timestamp: expect.stringMatching(/Z$/), window: expect.stringMatching(/s$/), containers: [{ name: 'web', usage: { cpu: expect.stringMatching(/^\d+[num]?$/), memory: '50Mi' } }] }],
    })
    const { body: none } = await api.get(path('pods/none', 'metrics.k8s.io/v1beta1'))
    expect(none).toMatchObject({ code: 404, reason: 'NotFound', message: 'pods "none" not found' })
    const { body: nodes } = await api.get('/apis/metrics.k8s.io/v1beta1/nodes')
    expect(nodes).toMatchObject({ kind: 'NodeMetricsList', items: expect.arrayContaining([expect.objectContaining({ metadata: expect.anything(), usage: { cpu: expect.any(String), memory: expect.any(String) } })]) })
  },
}

async function runningPod({ api, path }: Stage, name: string): Promise<Json> {
  await api.post(path('pods'), pod(name))
  return (await eventually(() => api.get(path(`pods/${name}`)), ({ body }) => body.status?.phase === 'Running')).body
}

async function podsOf({ api, path }: Stage, selector: string, count: number): Promise<Json[]> {
  const look = async () => ((await api.get(`${path('pods')}?labelSelector=${encodeURIComponent(selector)}`)).body.items as Json[]).filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  return eventually(look, (pods) => pods.length === count && pods.every(({ status }) => status.phase === 'Running'))
}

function evict({ api, path, namespace }: Stage, name: string) {
  return api.post(path(`pods/${name}/eviction`), { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } })
}

function resize({ api, path }: Stage, resources: object) {
  return api.patch(path('pods/web/resize'), 'json-patch+json', [{ op: 'add', path: '/spec/containers/0/resources', value: resources }])
}
