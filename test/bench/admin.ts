import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { isNotFound } from '@vpa/kube/api-error.ts'
import { type ApiRequest, Client } from '@vpa/kube/client.ts'
import { systemClock } from '@vpa/kube/clock.ts'
import { openCredentials } from '@vpa/kube/credentials.ts'
import { CHECKPOINTS, PODS, type Resource, VPAS, objectPath, pathOf } from '@vpa/kube/resources.ts'
import { Registry } from 'prom-client'
import { parseAllDocuments } from 'yaml'

export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
}

/** An object as the API server sends it; only what the benches look at. */
export interface ApiObject {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly uid: string; readonly annotations?: Readonly<Record<string, string>>; readonly deletionTimestamp?: string }
  readonly status?: unknown
}

const CONCURRENCY = 16

/** What a bench does to its cluster, as the administrator. */
export class Admin {
  readonly #client: Client

  private constructor(client: Client) {
    this.#client = client
  }

  static async open(kubeconfig: string): Promise<Admin> {
    const credentials = await openCredentials({ kubeconfig, clock: systemClock })
    return new Admin(new Client({ credentials, qps: 0, burst: 0, userAgent: 'vpa-bench', clock: systemClock, registry: new Registry() }))
  }

  request<T>(request: ApiRequest): Promise<T> {
    return this.#client.request<T>(request)
  }

  async create(manifest: Manifest): Promise<void> {
    const { apiVersion, kind, metadata } = manifest
    await this.#client.request({ method: 'POST', path: pathOf({ groupVersion: apiVersion, plural: `${kind.toLowerCase()}s` }, metadata.namespace), body: manifest })
  }

  /** Creates what a YAML file holds, and waits until its kinds can be used. */
  async createAll(file: URL): Promise<void> {
    for (const document of parseAllDocuments(await readFile(file, 'utf8'))) {
      const manifest = document.toJS() as Manifest | null
      if (manifest !== null) await this.create(manifest)
    }
    for (const kind of [VPAS, CHECKPOINTS]) {
      while (await this.list(kind).then(() => false, isNotFound)) await sleep(100)
    }
  }

  async list<T extends ApiObject>(resource: Resource, namespace?: string): Promise<readonly T[]> {
    return (await this.#client.request<{ items: readonly T[] }>({ path: pathOf(resource, namespace), query: { resourceVersion: '0' } })).items
  }

  /** Pods that run and are not on their way out. */
  async runningPods(namespace?: string): Promise<readonly ApiObject[]> {
    const pods = await this.list(PODS, namespace)
    return pods.filter(({ metadata, status }) => metadata.deletionTimestamp === undefined && (status as { phase: string }).phase === 'Running')
  }

  async mergePatch(resource: Resource, { metadata }: Pick<ApiObject, 'metadata'>, { body, subresource = '' }: { readonly body: object; readonly subresource?: '' | '/status' }): Promise<void> {
    await this.#client.request({ method: 'PATCH', path: `${objectPath(resource, metadata)}${subresource}`, patch: 'merge', body })
  }

  close(): Promise<void> {
    return this.#client.close()
  }
}

/** Works through a list, some at a time. */
export async function forEach<T>(items: Iterable<T>, work: (item: T) => Promise<unknown>): Promise<void> {
  const queue = items[Symbol.iterator]()
  const worker = async () => {
    for (let next = queue.next(); !next.done; next = queue.next()) await work(next.value)
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, worker))
}
