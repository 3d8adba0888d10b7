import { request as httpsRequest } from 'node:https'
import { isIP } from 'node:net'
import { type LabelSelector, matchesSelector } from '@vpa/core/selector.ts'
import { ApiError } from './api-error.ts'
import { type Kind, NAMESPACES, SERVICES, WEBHOOK_CONFIGURATIONS, qualifiedResource } from './kind.ts'
import type { NameSource } from './names.ts'
import { type KubeObject, valueAt } from './object.ts'
import { applyJsonPatch } from './patch.ts'
import type { Storage } from './storage.ts'

interface Webhook {
  readonly name: string
  readonly clientConfig: { readonly url?: string; readonly caBundle?: string; readonly service?: { readonly namespace: string; readonly name: string; readonly path?: string; readonly port?: number } }
  readonly rules: readonly { readonly operations: readonly string[]; readonly apiGroups: readonly string[]; readonly apiVersions: readonly string[]; readonly resources: readonly string[] }[]
  readonly failurePolicy: 'Ignore' | 'Fail'
  readonly namespaceSelector: LabelSelector
  readonly objectSelector: LabelSelector
  readonly timeoutSeconds: number
}

interface Review {
  readonly operation: 'CREATE' | 'UPDATE'
  readonly kind: Kind
  readonly object: KubeObject
  readonly before: KubeObject | undefined
}

interface ReviewAnswer {
  readonly uid?: string
  readonly allowed?: boolean
  readonly patch?: string
  readonly status?: { readonly message?: string; readonly reason?: string; readonly code?: number; readonly details?: object }
}

interface WebhookParts {
  readonly storage: Storage
  readonly names: NameSource
  readonly services: ReadonlyMap<string, number>
}

/** Asks the mutating webhooks that are registered, one after the other. matchConditions are not looked at. */
export class Webhooks {
  readonly #parts: WebhookParts

  constructor(parts: WebhookParts) {
    this.#parts = parts
  }

  /**
   * @returns the object with all patches applied
   * @throws ApiError what a webhook denies, or 500 when one with failurePolicy Fail does not answer
   */
  async admit(operation: 'CREATE' | 'UPDATE', kind: Kind, object: KubeObject, before?: KubeObject): Promise<KubeObject> {
    // A broken webhook must not keep its own registration from being repaired.
    if (kind.group === 'admissionregistration.k8s.io') return object
    let admitted = object
    const webhooks = this.#parts.storage.list(WEBHOOK_CONFIGURATIONS).flatMap((configuration) => (configuration['webhooks'] ?? []) as readonly Webhook[])
    for (const webhook of webhooks) {
      const review: Review = { operation, kind, object: admitted, before }
      if (this.#concerns(webhook, review)) admitted = await this.#ask(webhook, review)
    }
    return admitted
  }

  #concerns({ rules, namespaceSelector, objectSelector }: Webhook, { operation, kind, object, before }: Review): boolean {
    const namespace = object.metadata.namespace === undefined ? undefined : this.#parts.storage.get(NAMESPACES, object.metadata.namespace)
    const labelled = [object, before].some((candidate) => candidate !== undefined && matchesSelector(objectSelector, candidate.metadata.labels ?? {}))
    return (
      rules.some((rule) => covers(rule.operations, operation) && covers(rule.apiGroups, kind.group) && covers(rule.apiVersions, kind.version) && covers(rule.resources, kind.resource)) &&
      (namespace === undefined || matchesSelector(namespaceSelector, namespace.metadata.labels ?? {})) &&
      labelled
    )
  }

  async #ask(webhook: Webhook, review: Review): Promise<KubeObject> {
    let answer: ReviewAnswer
    try {
      answer = await this.#call(webhook, review)
    } catch (error) {
      if (webhook.failurePolicy === 'Ignore') return review.object
      throw new ApiError(500, 'InternalError', `Internal error occurred: failed calling webhook "${webhook.name}": ${error instanceof Error ? error.message : String(error)}`, { causes: [{ reason: '', message: `failed calling webhook "${webhook.name}"` }] })
    }
    if (answer.allowed !== true) {
      const { message, code = 403, reason = 'Forbidden', details } = answer.status ?? {}
      const denied = `admission webhook "${webhook.name}" denied the request`
      throw new ApiError(code, reason, message ? `${denied}: ${message}` : `${denied} without explanation`, details)
    }
    return answer.patch ? applyJsonPatch(review.object, JSON.parse(Buffer.from(answer.patch, 'base64').toString())) : review.object
  }

  async #call(webhook: Webhook, { operation, kind, object, before }: Review): Promise<ReviewAnswer> {
    const { group, version, resource } = kind
    const { name, namespace } = object.metadata
    const uid = this.#parts.names.uid()
    const gvk = { group, version, kind: kind.kind }
    const gvr = { group, version, resource }
    const options = { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' }
    const request = {
      uid,
      kind: gvk,
      resource: gvr,
      requestKind: gvk,
      requestResource: gvr,
      name,
      namespace,
      operation,
      userInfo: { username: 'kubernetes-admin', groups: ['system:masters'] },
      object,
      oldObject: before ?? null,
      dryRun: false,
      options,
    }
    const answer = await post(this.#addressOf(webhook), webhook, { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', request })
    const response = (answer as { response?: ReviewAnswer }).response
    if (response?.uid !== uid) throw new Error(`expected response.uid="${uid}", got "${response?.uid ?? ''}" for ${qualifiedResource(kind)}`)
    return response
  }

  /** A service is answered where the options say, or by the host it is an ExternalName of. */
  #addressOf({ clientConfig: { url, service } }: Webhook): Address {
    if (service === undefined) {
      const { hostname, port, pathname } = new URL(url ?? '')
      return { host: hostname, serverName: hostname, port: Number(port || 443), path: pathname }
    }
    const { namespace, name, path = '/', port = 443 } = service
    const serverName = `${name}.${namespace}.svc`
    const mapped = this.#parts.services.get(`${namespace}/${name}`)
    if (mapped !== undefined) return { host: '127.0.0.1', serverName, port: mapped, path }
    const object = this.#parts.storage.get(SERVICES, `${namespace}/${name}`)
    const externalName = object && valueAt(object, 'spec.externalName')
    if (typeof externalName !== 'string') throw new Error(`failed to call webhook: Post "https://${serverName}:${port}${path}": service "${name}" ${object ? 'has no endpoints' : 'not found'}`)
    return { host: externalName, serverName, port, path }
  }
}

function covers(list: readonly string[], value: string): boolean {
  return list.includes('*') || list.includes(value)
}

interface Address {
  readonly host: string
  /** The name that the certificate must carry. */
  readonly serverName: string
  readonly port: number
  readonly path: string
}

function post({ host, serverName, port, path }: Address, { clientConfig, timeoutSeconds }: Webhook, review: object): Promise<unknown> {
  const body = JSON.stringify(review)
  const { caBundle } = clientConfig
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(new Error(`failed to call webhook: Post "https://${serverName}:${port}${path}?timeout=${timeoutSeconds}s": ${error.message}`))
    const request = httpsRequest(
      {
        host,
        // A server name is for host names only (RFC 6066); an address is checked against the certificate by itself.
        ...(isIP(serverName) === 0 && { servername: serverName }),
        port,
        path: `${path}?timeout=${timeoutSeconds}s`,
        method: 'POST',
        signal: AbortSignal.timeout(timeoutSeconds * 1000),
        agent: false,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), host: `${serverName}:${port}` },
        ...(caBundle && { ca: Buffer.from(caBundle, 'base64') }),
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', fail)
        response.on('end', () => {
          try {
            resolve(JSON.parse(Buffer.concat(chunks).toString()))
          } catch {
            fail(new Error(`the server answered ${response.statusCode} without a review`))
          }
        })
      },
    )
    request.on('error', fail).end(body)
  })
}
