import { readFile, writeFile } from 'node:fs/promises'
import { type Pod, projectPod } from '@vpa/core/api/pod.ts'
import { type Vpa, projectVpa } from '@vpa/core/api/vpa.ts'
import { MINUTE } from '@vpa/core/time.ts'
import { isConflict, isNotFound } from '@vpa/kube/api-error.ts'
import { Client } from '@vpa/kube/client.ts'
import { systemClock } from '@vpa/kube/clock.ts'
import { openCredentials } from '@vpa/kube/credentials.ts'
import { readLease } from '@vpa/kube/lease.ts'
import { Registry } from 'prom-client'
import { parse, parseAllDocuments, stringify } from 'yaml'

interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
}

/** The few things the story does to a cluster, as an administrator. */
export class Api {
  readonly #client: Client

  constructor(client: Client) {
    this.#client = client
  }

  static async open(kubeconfig: string): Promise<Api> {
    const credentials = await openCredentials({ kubeconfig, clock: systemClock })
    return new Api(new Client({ credentials, qps: 0, burst: 0, userAgent: 'vpa-demo', clock: systemClock, registry: new Registry() }))
  }

  /** Creates the object; one that is there already stays as it is. */
  async create(manifest: Manifest): Promise<void> {
    const { apiVersion, kind, metadata } = manifest
    const group = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
    const namespace = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`
    try {
      await this.#client.request({ method: 'POST', path: `${group}${namespace}/${kind.toLowerCase()}s`, body: manifest })
    } catch (error) {
      if (!isConflict(error)) throw error
    }
  }

  /** Creates the objects of a YAML file, those that are wanted. */
  async createAll(file: URL, wanted: (kind: string) => boolean = () => true): Promise<void> {
    for (const document of parseAllDocuments(await readFile(file, 'utf8'))) {
      const manifest = document.toJS() as Manifest | null
      if (manifest !== null && wanted(manifest.kind)) await this.create(manifest)
    }
  }

  async vpa(namespace: string, name: string): Promise<Vpa> {
    return projectVpa(await this.#client.request({ path: `/apis/autoscaling.k8s.io/v1/namespaces/${namespace}/verticalpodautoscalers/${name}` }))
  }

  /** Pods that are not on their way out. */
  async pods(namespace: string): Promise<readonly Pod[]> {
    const { items } = await this.#client.request<{ items: readonly unknown[] }>({ path: `/api/v1/namespaces/${namespace}/pods` })
    return items.map(projectPod).filter(({ deleting }) => !deleting)
  }

  async nodes(): Promise<readonly { readonly name: string; readonly annotations: Readonly<Record<string, string>> }[]> {
    const { items } = await this.#client.request<{ items: readonly { metadata: { name: string; annotations?: Record<string, string> } }[] }>({ path: '/api/v1/nodes' })
    return items.map(({ metadata }) => ({ name: metadata.name, annotations: metadata.annotations ?? {} }))
  }

  /** Whether somebody has renewed a lease in kube-system within the last minute. */
  async leaseIsFresh(name: string): Promise<boolean> {
    const lease = await readLease(this.#client, { namespace: 'kube-system', name })
    const age = Date.now() - (lease?.renewedAt ?? 0)
    return age < MINUTE
  }

  async annotatePod({ namespace, name }: Pod, annotations: Readonly<Record<string, string>>): Promise<void> {
    await this.#client.request({ method: 'PATCH', path: `/api/v1/namespaces/${namespace}/pods/${name}`, patch: 'merge', body: { metadata: { annotations } } })
  }

  /** As `kubectl rollout restart deployment`. */
  async restart(namespace: string, deployment: string): Promise<void> {
    const annotations = { 'kubectl.kubernetes.io/restartedAt': new Date().toISOString() }
    const body = { spec: { template: { metadata: { annotations } } } }
    await this.#client.request({ method: 'PATCH', path: `/apis/apps/v1/namespaces/${namespace}/deployments/${deployment}`, patch: 'strategic', body })
  }

  /** Deletes the story's namespace with all that is in it, the webhook that nobody answers any more, and its sign of life. */
  async removeStory(namespace: string): Promise<void> {
    const paths = [
      `/api/v1/namespaces/${namespace}`,
      '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/vpa-webhook-config',
      '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/vpa-admission-controller',
    ]
    for (const path of paths) {
      await this.#client.request({ method: 'DELETE', path }).catch((error: unknown) => {
        if (!isNotFound(error)) throw error
      })
    }
  }

  /** Writes a kubeconfig like the administrator's, but with the token of a ServiceAccount in kube-system. */
  async writeServiceAccountKubeconfig(serviceAccount: string, adminKubeconfig: string, file: string): Promise<string> {
    const path = `/api/v1/namespaces/kube-system/serviceaccounts/${serviceAccount}/token`
    const { status } = await this.#client.request<{ status: { token: string } }>({ method: 'POST', path, body: { spec: { expirationSeconds: 3600 } } })
    const config = parse(await readFile(adminKubeconfig, 'utf8')) as { contexts: { name: string; context: { user: string } }[]; 'current-context': string }
    const current = config.contexts.find(({ name }) => name === config['current-context'])
    if (current === undefined) throw new Error(`${adminKubeconfig}: no context is named ${config['current-context']}`)
    const user = { name: serviceAccount, user: { token: status.token } }
    const context = { name: current.name, context: { ...current.context, user: serviceAccount } }
    await writeFile(file, stringify({ ...config, users: [user], contexts: [context] }), { mode: 0o600 })
    return file
  }

  close(): Promise<void> {
    return this.#client.close()
  }
}
