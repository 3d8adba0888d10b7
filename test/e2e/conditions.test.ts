import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Client } from '@vpa/kube/client.ts'
import { systemClock } from '@vpa/kube/clock.ts'
import { openClient } from '@vpa/kube/connect.ts'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Api } from '../../hack/demo/api.ts'
import { openClusterOf } from '../../hack/demo/current-cluster.ts'
import type { DemoCluster } from '../../hack/demo/demo-cluster.ts'
import { obstaclesIn } from '../support/obstacles.ts'
import { Program } from '../support/program.ts'
import { kubeconfig } from './control-plane.ts'

const NAMESPACES = ['conditions-unseen', 'conditions-go-roles', ...obstaclesIn('').map((_, index) => `conditions-${index}`)]
const SOON = { timeout: 60_000, interval: 200 }

let api: Api
let cluster: DemoCluster
let client: Client

beforeAll(async () => {
  api = await Api.open(kubeconfig)
  cluster = await openClusterOf(api, kubeconfig)
  client = await openClient({ kubeconfig, source: 'e2e', qps: 0, burst: 0, clock: systemClock, registry: new Registry() })
  for (const name of NAMESPACES) await api.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
})

afterAll(async () => {
  for (const name of NAMESPACES) await client.request({ method: 'DELETE', path: `/api/v1/namespaces/${name}` })
  await client.close()
  await cluster.close()
})

/** One pod that uses what its annotations say; metrics-server drops what uses nothing. */
async function addWorkload(namespace: string, { policy = {}, recommender = 'conditions', annotations = {} }: { policy?: object; recommender?: string; annotations?: object } = {}): Promise<void> {
  const labels = { app: 'web' }
  const container = { name: 'app', image: 'none', resources: { requests: { cpu: '100m', memory: '200Mi' } } }
  const template = { metadata: { labels, annotations }, spec: { terminationGracePeriodSeconds: 0, containers: [container] } }
  const metadata = { namespace, name: 'web' }
  const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { replicas: 1, selector: { matchLabels: labels }, template } }
  const targetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }
  const spec = { targetRef, recommenders: [{ name: recommender }], resourcePolicy: { containerPolicies: [{ containerName: '*', ...policy }] } }
  const vpa = { apiVersion: 'autoscaling.k8s.io/v1', kind: 'VerticalPodAutoscaler', metadata, spec }
  await api.create(deployment)
  await api.create(vpa)
}

/** Those that explain: `Type Reason: message`. */
async function explanations(namespace: string): Promise<readonly string[]> {
  const { status: { conditions = [] } } = await api.vpa(namespace, 'web')
  return conditions.filter(({ type, status }) => type !== 'RecommendationProvided' && type !== 'NoPodsMatched' && status === 'True').map(({ type, reason, message }) => `${type} ${reason}: ${message}`)
}

async function events(namespace: string): Promise<readonly string[]> {
  const query = { fieldSelector: 'involvedObject.kind=VerticalPodAutoscaler,involvedObject.name=web' }
  const { items } = await client.request<{ items: { type: string; reason: string; message: string }[] }>({ path: `/api/v1/namespaces/${namespace}/events`, query })
  return items.map(({ type, reason, message }) => `${type} ${reason}: ${message}`)
}

/** A recommender with a turn every second, for the VPAs that name it. */
function startRecommender(account: string, name: string): Program {
  return new Program('recommender', account, [`--recommender-name=${name}`, '--recommender-interval=1s'])
}

describe('with our roles', () => {
  let recommender: Program
  beforeAll(() => void (recommender = startRecommender(cluster.programs.recommender, 'conditions')))
  afterAll(() => recommender.stop())

  test.for(obstaclesIn('').map(([name], index) => [name, index] as const))('%s is told by a condition and one event', async ([, index]) => {
    const namespace = `conditions-${index}`
    const [, { objects, policy, condition, reason, message }] = obstaclesIn(namespace)[index]!
    for (const object of objects) await api.create(object)
    await addWorkload(namespace, { policy })
    await vi.waitFor(async () => expect(await explanations(namespace)).toContainEqual(expect.stringContaining(`${condition} ${reason}: ${message}`)), SOON)
    await vi.waitFor(async () => expect(await events(namespace)).toEqual([expect.stringContaining(`Warning ${condition}: ${message}`)]), SOON)
  })

  test('an older VPA that is deleted is no conflict any more', async () => {
    const namespace = 'conditions-0'
    expect(await explanations(namespace)).toContainEqual(expect.stringContaining('TargetConflict'))
    await client.request({ method: 'DELETE', path: `/apis/autoscaling.k8s.io/v1/namespaces/${namespace}/verticalpodautoscalers/a` })
    await vi.waitFor(async () => expect(await explanations(namespace)).not.toContainEqual(expect.stringContaining('TargetConflict')), SOON)
  })

  const targets = async () => {
    const name = 'kube_customresource_verticalpodautoscaler_status_recommendation_containerrecommendations_target'
    return (await recommender.metrics()).split('\n').filter((line) => line.startsWith(`${name}{`) && line.includes('namespace="conditions-1"'))
  }

  test('recommendations are shown as metrics, those of VPAs that are gone are not', async () => {
    expect(await targets()).toEqual([expect.stringMatching(/resource="cpu".* 2$/), expect.stringMatching(/resource="memory".* 1073741824$/)])
    await client.request({ method: 'DELETE', path: '/apis/autoscaling.k8s.io/v1/namespaces/conditions-1/verticalpodautoscalers/web' })
    await vi.waitFor(async () => expect(await targets()).toEqual([]), SOON)
  })

  test('a container that was never measured is told by a condition, without an event', async () => {
    const namespace = 'conditions-unseen'
    await addWorkload(namespace, { annotations: { 'kwok.x-k8s.io/usage-cpu': '0', 'kwok.x-k8s.io/usage-memory': '0' } })
    const expected = ['LowConfidence NoSamples: No CPU usage has been seen yet of app: the recommendation is the least that a pod gets, not what it needs.']
    await vi.waitFor(async () => expect(await explanations(namespace)).toEqual(expected), SOON)
    expect(await events(namespace)).toEqual([])
  })
})

/** What an installation of the Go recommender grants it (deploy/vpa-rbac.yaml): neither HPAs nor quotas. */
describe('with the roles of a Go installation', () => {
  const ROLE = 'e2e-go-recommender'
  const READ = ['get', 'list', 'watch']
  const rules = [
    { apiGroups: ['metrics.k8s.io'], resources: ['pods'], verbs: ['get', 'list'] },
    { apiGroups: [''], resources: ['pods', 'nodes', 'limitranges'], verbs: READ },
    { apiGroups: ['', 'events.k8s.io'], resources: ['events'], verbs: [...READ, 'create', 'patch', 'update'] },
    { apiGroups: ['autoscaling.k8s.io'], resources: ['verticalpodautoscalers'], verbs: READ },
    { apiGroups: ['autoscaling.k8s.io'], resources: ['verticalpodautoscalers/status'], verbs: ['get', 'patch'] },
    { apiGroups: ['autoscaling.k8s.io'], resources: ['verticalpodautoscalercheckpoints'], verbs: [...READ, 'create', 'patch', 'delete'] },
    { apiGroups: ['*'], resources: ['*/scale'], verbs: ['get', 'watch'] },
    { apiGroups: [''], resources: ['replicationcontrollers'], verbs: READ },
    { apiGroups: ['apps'], resources: ['daemonsets', 'deployments', 'replicasets', 'statefulsets'], verbs: READ },
    { apiGroups: ['batch'], resources: ['jobs', 'cronjobs'], verbs: READ },
  ]
  let directory: string
  let recommender: Program | undefined

  beforeAll(async () => {
    const rbac = 'rbac.authorization.k8s.io'
    await api.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace: 'kube-system', name: ROLE } })
    const common = { apiVersion: `${rbac}/v1`, metadata: { name: ROLE } }
    const role = { ...common, kind: 'ClusterRole', rules }
    const subjects = [{ kind: 'ServiceAccount', namespace: 'kube-system', name: ROLE }]
    const binding = { ...common, kind: 'ClusterRoleBinding', roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: ROLE }, subjects }
    await api.create(role)
    await api.create(binding)
    directory = await mkdtemp(join(tmpdir(), 'vpa-e2e-'))
  })

  afterAll(async () => {
    await recommender?.stop()
    const paths = [`/api/v1/namespaces/kube-system/serviceaccounts/${ROLE}`, ...['clusterroles', 'clusterrolebindings'].map((kind) => `/apis/rbac.authorization.k8s.io/v1/${kind}/${ROLE}`)]
    for (const path of paths) await client.request({ method: 'DELETE', path })
    await rm(directory, { recursive: true })
  })

  test('it recommends and saves checkpoints; it warns once of each kind that it may not read, and tells what it knows', async () => {
    const namespace = 'conditions-go-roles'
    recommender = startRecommender(await api.writeServiceAccountKubeconfig(ROLE, kubeconfig, join(directory, 'kubeconfig')), 'go-roles')
    await addWorkload(namespace, { recommender: 'go-roles', policy: { minAllowed: { cpu: '2000' } } })
    await vi.waitFor(async () => expect((await api.vpa(namespace, 'web')).status.recommendation?.containerRecommendations).toHaveLength(1), SOON)
    await vi.waitFor(() => client.request({ path: `/apis/autoscaling.k8s.io/v1/namespaces/${namespace}/verticalpodautoscalercheckpoints/web-app` }), SOON)
    await vi.waitFor(async () => expect(await explanations(namespace)).toContainEqual(expect.stringContaining('TargetExceedsNodes')), SOON)
    const refused = recommender.lines.filter(({ level, msg }) => level === 'warn' && msg.startsWith('Cannot list'))
    expect(refused.map(({ kind }) => kind).toSorted()).toEqual(['horizontalpodautoscalers', 'resourcequotas'])
  })
})
