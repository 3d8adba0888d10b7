import { setTimeout as sleep } from 'node:timers/promises'
import { isConflict } from '@vpa/kube/api-error.ts'
import type { Client } from '@vpa/kube/client.ts'

const FLEETS = 'fleets.permissions.test'

/** Something for every feature of the three programs to do, in a namespace of its own. */
export class PermissionsWorkloads {
  readonly #client: Client
  readonly #namespace: string

  constructor(client: Client, namespace: string) {
    this.#client = client
    this.#namespace = namespace
  }

  async create(): Promise<void> {
    await this.#create('/api/v1/namespaces', { metadata: { name: this.#namespace } })
    await this.#fleet()
    await this.#deployment('evicted', 'Recreate')
    await this.#deployment('resized', 'InPlaceOrRecreate')
    await this.#deployment('boosted', 'Initial')
    await this.#deployment('measured', 'Off', { recommenders: [{ name: 'other' }] })
    // Two for one target, of which the recommender tells by an event.
    await this.#vpa('rival', { apiVersion: 'apps/v1', kind: 'Deployment', name: 'evicted' })
    await this.#create(`/apis/autoscaling.k8s.io/v1/namespaces/${this.#namespace}/verticalpodautoscalercheckpoints`, {
      apiVersion: 'autoscaling.k8s.io/v1',
      kind: 'VerticalPodAutoscalerCheckpoint',
      metadata: { name: 'orphan-app' },
      spec: { vpaObjectName: 'orphan', containerName: 'app' },
    })
  }

  async delete(): Promise<void> {
    await this.#client.request({ method: 'DELETE', path: `/api/v1/namespaces/${this.#namespace}` })
    await this.#client.request({ method: 'DELETE', path: `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${FLEETS}` }).catch(() => {})
  }

  /** Pods that have too little. */
  async #deployment(name: string, updateMode: string, spec: object = {}): Promise<void> {
    const labels = { app: name }
    const container = { name: 'app', image: 'none', resources: { requests: { cpu: '50m', memory: '50Mi' } } }
    const template = { metadata: { labels, annotations: { 'kwok.x-k8s.io/usage-cpu': '50m', 'kwok.x-k8s.io/usage-memory': '50Mi' } }, spec: { terminationGracePeriodSeconds: 0, containers: [container] } }
    await this.#create(`/apis/apps/v1/namespaces/${this.#namespace}/deployments`, { metadata: { name }, spec: { replicas: 2, selector: { matchLabels: labels }, template } })
    const bound = { cpu: '300m', memory: '100Mi' }
    const resourcePolicy = { containerPolicies: [{ containerName: '*', minAllowed: bound, maxAllowed: bound }] }
    await this.#vpa(name, { kind: 'Deployment', name, apiVersion: 'apps/v1' }, { updatePolicy: { updateMode }, resourcePolicy, ...spec })
  }

  async #vpa(name: string, targetRef: object, spec: object = {}): Promise<void> {
    await this.#create(`/apis/autoscaling.k8s.io/v1/namespaces/${this.#namespace}/verticalpodautoscalers`, {
      apiVersion: 'autoscaling.k8s.io/v1',
      kind: 'VerticalPodAutoscaler',
      metadata: { name },
      spec: { targetRef, ...spec },
    })
  }

  /** A kind of its own with a scale subresource. */
  async #fleet(): Promise<void> {
    const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
    const subresources = { scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.status.selector' } }
    const names = { kind: 'Fleet', plural: 'fleets', singular: 'fleet' }
    await this.#create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      metadata: { name: FLEETS },
      spec: { group: 'permissions.test', scope: 'Namespaced', names, versions: [{ name: 'v1', served: true, storage: true, schema, subresources }] },
    })
    const fleet = { apiVersion: 'permissions.test/v1', kind: 'Fleet', metadata: { name: 'fleet' }, spec: { replicas: 1 }, status: { selector: 'app=fleet', replicas: 1 } }
    for (let tries = 0; ; tries += 1) {
      try {
        await this.#create(`/apis/permissions.test/v1/namespaces/${this.#namespace}/fleets`, fleet)
        break
      } catch (error) {
        if (tries === 50) throw error
        await sleep(200)
      }
    }
    await this.#vpa('fleet', { apiVersion: 'permissions.test/v1', kind: 'Fleet', name: 'fleet' })
  }

  async #create(path: string, body: object): Promise<void> {
    await this.#client.request({ method: 'POST', path, body }).catch((error: unknown) => {
      if (!isConflict(error)) throw error
    })
  }
}
