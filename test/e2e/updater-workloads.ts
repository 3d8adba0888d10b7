import { isConflict } from '@vpa/kube/api-error.ts'
import type { Client } from '@vpa/kube/client.ts'
import { pathOf } from '@vpa/kube/resources.ts'
import { vi } from 'vitest'
import type { Owner, UpdaterCase } from './updater-cases.ts'

/** For `vi.waitFor` and `expect.poll`: controllers and KWOK take their time. */
export const PATIENCE = { timeout: 90_000, interval: 200 }
export const LABELS = { app: 'web' }

/** A pod as the API server sends it; only what the cases look at. */
export interface RawPod {
  readonly metadata: { readonly name: string; readonly uid: string; readonly generation?: number; readonly deletionTimestamp?: string; readonly annotations?: Readonly<Record<string, string>> }
  readonly spec: { readonly nodeName?: string; readonly containers: readonly { readonly resources: object }[] }
  readonly status: { readonly phase: string; readonly containerStatuses?: readonly { readonly resources: object }[] }
}

export const isScheduled = ({ spec }: RawPod) => spec.nodeName !== undefined
export const isRunning = ({ status }: RawPod) => status.phase === 'Running'

const VERSIONS: Readonly<Record<Owner, string>> = {
  Deployment: 'apps/v1',
  ReplicaSet: 'apps/v1',
  StatefulSet: 'apps/v1',
  DaemonSet: 'apps/v1',
  ReplicationController: 'v1',
  Job: 'batch/v1',
  CronJob: 'batch/v1',
  Gear: 'example.test/v1',
}

export function pathOfOwner(kind: Owner, namespace: string): string {
  return pathOf({ groupVersion: VERSIONS[kind], plural: `${kind.toLowerCase()}s` }, namespace)
}

export function podTemplate({ limits, resizeCondition, owners = [] }: UpdaterCase, annotations: object = {}) {
  const resources = { requests: { cpu: '100m', memory: '100Mi' }, ...(limits && { limits }) }
  const kubelet = { ...(resizeCondition && { 'vpa-test/resize': JSON.stringify(resizeCondition) }), ...(owners.includes('Job') && { 'vpa-test/stays': 'running' }) }
  const restartPolicy = owners.includes('Job') ? 'Never' : 'Always'
  // KWOK deletes by name, without looking whether it is the same pod still: of a StatefulSet's pods it must not have to.
  const terminationGracePeriodSeconds = owners.includes('StatefulSet') ? 0 : 30
  return { metadata: { labels: LABELS, annotations: { ...kubelet, ...annotations } }, spec: { restartPolicy, terminationGracePeriodSeconds, containers: [{ name: 'app', image: 'none', resources }] } }
}

type Template = ReturnType<typeof podTemplate>

/** Namespaces of the real API server, in each a workload named `web`, its pods and its VPA. */
export class UpdaterWorkloads {
  readonly #client: Client
  #operate: () => Promise<void> = async () => {}

  constructor(client: Client) {
    this.#client = client
  }

  post(path: string, body: object): Promise<{ metadata: { uid: string; name: string } }> {
    return this.#client.request({ method: 'POST', path, body })
  }

  merge(path: string, body: object): Promise<unknown> {
    return this.#client.request({ method: 'PATCH', path, patch: 'merge', body })
  }

  /** A kind that has a scale and no controller. */
  async createGears(): Promise<void> {
    const names = { plural: 'gears', singular: 'gear', kind: 'Gear', listKind: 'GearList' }
    const scale = { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.status.selector' }
    const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
    const version = { name: 'v1', served: true, storage: true, schema, subresources: { status: {}, scale } }
    const spec = { group: 'example.test', names, scope: 'Namespaced', versions: [version] }
    await this.post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { metadata: { name: 'gears.example.test' }, spec }).catch((error: unknown) => {
      if (!isConflict(error)) throw error
    })
    await vi.waitFor(() => this.#client.request({ path: '/apis/example.test/v1/gears' }), PATIENCE)
  }

  /** What the operator of a Gear that owns its pods itself does: makes those that are missing. */
  operate(): Promise<void> {
    return this.#operate()
  }

  /**
   * The pods first, as they were before anybody recommended anything.
   *
   * @param wanted what becomes of each, for which is waited
   */
  async arrange(namespace: string, item: UpdaterCase, annotations: object = {}, wanted = isRunning): Promise<void> {
    const { owners = ['Deployment'], replicas = 4 } = item
    await this.post('/api/v1/namespaces', { metadata: { name: namespace } })
    await this.arrangeOwners(namespace, owners, replicas, podTemplate(item, annotations))
    const count = owners.includes('DaemonSet') ? 2 : replicas
    await this.arrived(namespace, count, wanted)
    await this.arrangeVpa(namespace, owners[0] ?? 'Deployment', item)
  }

  /** @param owners from the topmost down to the one that owns the pods */
  async arrangeOwners(namespace: string, owners: readonly Owner[], replicas: number, template: Template): Promise<void> {
    const specs = specsOf(replicas, template)
    let ownerReferences: object[] = []
    for (const kind of owners) {
      const path = pathOfOwner(kind, namespace)
      const { metadata } = await this.post(path, { apiVersion: VERSIONS[kind], kind, metadata: { name: 'web', ownerReferences }, spec: specs[kind] })
      if (kind === 'Gear') await this.merge(`${path}/web/status`, { status: { replicas, selector: 'app=web' } })
      ownerReferences = [{ apiVersion: VERSIONS[kind], kind, name: 'web', uid: metadata.uid, controller: true }]
    }
    if (owners.at(-1) !== 'Gear') return
    // Controllers try again until there is one.
    await vi.waitFor(() => this.#client.request({ path: `/api/v1/namespaces/${namespace}/serviceaccounts/default` }), PATIENCE)
    this.#operate = async () => {
      for (let count = (await this.podsOf(namespace)).length; count < replicas; count += 1) await this.post(`/api/v1/namespaces/${namespace}/pods`, { ...template, metadata: { ...template.metadata, generateName: 'web-', ownerReferences } })
    }
    await this.#operate()
  }

  async arrangeVpa(namespace: string, kind: Owner, { mode = 'Recreate', vpa = {}, recommended = { cpu: '500m', memory: '100Mi' } }: Pick<UpdaterCase, 'mode' | 'vpa' | 'recommended'>): Promise<void> {
    const path = `/apis/autoscaling.k8s.io/v1/namespaces/${namespace}/verticalpodautoscalers`
    const targetRef = { apiVersion: VERSIONS[kind], kind, name: 'web' }
    await this.post(path, { apiVersion: 'autoscaling.k8s.io/v1', kind: 'VerticalPodAutoscaler', metadata: { name: 'web' }, spec: { targetRef, updatePolicy: { updateMode: mode }, ...vpa } })
    const recommendation = { containerRecommendations: [{ containerName: 'app', target: recommended, lowerBound: recommended, upperBound: recommended }] }
    await this.merge(`${path}/web/status`, { status: { recommendation } })
  }

  /** Without those that are on their way out. */
  async podsOf(namespace: string): Promise<readonly RawPod[]> {
    const { items } = await this.#client.request<{ items: RawPod[] }>({ path: `/api/v1/namespaces/${namespace}/pods` })
    return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  }

  arrived(namespace: string, count: number, wanted: (pod: RawPod) => boolean): Promise<void> {
    return vi.waitFor(async () => {
      const found = (await this.podsOf(namespace)).filter(wanted).length
      if (found !== count) throw new Error(`${namespace}: expected ${count} such pods, got ${found}`)
    }, PATIENCE)
  }
}

function specsOf(replicas: number, template: Template): Readonly<Record<Owner, object>> {
  const selector = { matchLabels: LABELS }
  const job = { parallelism: replicas, completions: replicas, template }
  return {
    Deployment: { replicas, selector, template },
    ReplicaSet: { replicas, selector, template },
    StatefulSet: { replicas, selector, template, serviceName: 'none', podManagementPolicy: 'Parallel' },
    DaemonSet: { selector, template },
    ReplicationController: { replicas, selector: LABELS, template },
    Job: job,
    CronJob: { schedule: '0 0 1 1 *', suspend: true, jobTemplate: { spec: job } },
    Gear: { replicas },
  }
}
