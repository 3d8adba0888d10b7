import type { Client } from '@vpa/kube/client.ts'
import { vi } from 'vitest'

/** Amounts as users write them. */
export type Amounts = Readonly<Record<string, string>>

/** What the tests look at of a pod. */
export interface LivePod {
  readonly metadata: { readonly name: string; readonly uid: string; readonly annotations?: Amounts; readonly deletionTimestamp?: string }
  readonly spec: { readonly containers: readonly { readonly resources: { readonly requests?: Amounts; readonly limits?: Amounts } }[] }
  readonly status: {
    readonly phase: string
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason?: string; readonly message?: string }[]
    readonly containerStatuses?: readonly LiveContainer[]
  }
}

interface LiveContainer {
  readonly containerID: string
  readonly restartCount: number
  readonly ready: boolean
  /** What the container runtime has given it. */
  readonly resources?: { readonly requests?: Amounts; readonly limits?: Amounts }
}

export interface SceneOptions {
  readonly container: Readonly<Record<string, unknown>>
  readonly replicas?: number
  readonly updatePolicy: Readonly<Record<string, unknown>>
  /** More of the VPA's spec. */
  readonly vpa?: Readonly<Record<string, unknown>>
  /** The recommender that makes recommendations; by default nobody does but the test. */
  readonly recommenders?: readonly { readonly name: string }[]
}

/** The image that hack/control-plane brings: it sleeps, and takes no memory worth mentioning. */
export const SLEEPER = 'vpa.test/pause:1'
/** Our own image, for its Node. */
export const NODE = 'localhost/vertical-pod-autoscaler:dev'

const NAME = 'web'

/** A namespace of its own, with Deployment `web` of container `app`, and a VPA for it. */
export class Scene {
  readonly #client: Client
  readonly namespace: string

  constructor(client: Client, namespace: string) {
    this.#client = client
    this.namespace = namespace
  }

  /** The VPA comes first, so that it is there when pods are admitted. */
  static async open(client: Client, namespace: string, { container, replicas = 1, updatePolicy, vpa = {}, recommenders = [{ name: 'by-hand' }] }: SceneOptions): Promise<Scene> {
    const scene = new Scene(client, namespace)
    await scene.create('/api/v1/namespaces', { metadata: { name: namespace } })
    const spec = { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: NAME }, updatePolicy: { minReplicas: 1, ...updatePolicy }, recommenders, ...vpa }
    await scene.create(scene.#vpas, { apiVersion: 'autoscaling.k8s.io/v1', kind: 'VerticalPodAutoscaler', metadata: { name: NAME }, spec })
    if (vpa['startupBoost'] === undefined) await scene.deploy(container, replicas)
    return scene
  }

  async deploy(container: SceneOptions['container'], replicas = 1): Promise<void> {
    const labels = { app: NAME }
    const pod = { terminationGracePeriodSeconds: 1, automountServiceAccountToken: false, containers: [{ name: 'app', image: SLEEPER, imagePullPolicy: 'Never', ...container }] }
    await this.create(this.#path('apps/v1', 'deployments'), { metadata: { name: NAME }, spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: pod } } })
  }

  async create(path: string, body: object): Promise<void> {
    await this.#client.request({ method: 'POST', path, body })
  }

  async remove(path: string): Promise<void> {
    await this.#client.request({ method: 'DELETE', path })
  }

  /** Writes a recommendation for the container. Anything outside of the target itself is then out of range. */
  async recommend(target: Amounts): Promise<void> {
    const recommendation = { containerRecommendations: [{ containerName: 'app', target, lowerBound: target, upperBound: target, uncappedTarget: target }] }
    await this.#client.request({ method: 'PATCH', path: `${this.#vpas}/${NAME}/status`, patch: 'merge', body: { status: { recommendation } } })
  }

  async pods(): Promise<readonly LivePod[]> {
    const { items } = await this.#client.request<{ items: readonly LivePod[] }>({ path: this.#path('v1', 'pods') })
    return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  }

  /** The pod of the Deployment, as soon as its container is ready. */
  running(): Promise<LivePod> {
    return this.eventually((pod) => {
      if (containerOf(pod)?.ready !== true) throw new Error(`the container of pod ${pod.metadata.name} is not ready: ${JSON.stringify(pod.status)}`)
    })
  }

  /** The only pod of the Deployment, as soon as it passes the check; fails after four minutes with what the check said last. */
  eventually(check: (pod: LivePod) => void): Promise<LivePod> {
    return vi.waitFor(
      async () => {
        const [pod, ...others] = (await this.pods()).filter(({ metadata }) => metadata.name.startsWith(`${NAME}-`))
        if (pod === undefined || others.length > 0) throw new Error(`expected one pod, found ${others.length + Number(pod !== undefined)}`)
        check(pod)
        return pod
      },
      { timeout: 240_000, interval: 250 },
    )
  }

  async events(reason: string): Promise<readonly string[]> {
    const { items } = await this.#client.request<{ items: readonly { readonly reason: string; readonly message: string }[] }>({ path: this.#path('v1', 'events') })
    return items.filter((event) => event.reason === reason).map(({ message }) => message)
  }

  async close(): Promise<void> {
    await this.remove(`/api/v1/namespaces/${this.namespace}`)
  }

  get #vpas(): string {
    return this.#path('autoscaling.k8s.io/v1', 'verticalpodautoscalers')
  }

  #path(version: string, resources: string): string {
    return `${version.includes('/') ? '/apis' : '/api'}/${version}/namespaces/${this.namespace}/${resources}`
  }
}

export function containerOf(pod: LivePod): LiveContainer | undefined {
  return pod.status.containerStatuses?.[0]
}
