import type { IncomingMessage } from 'node:http'
import { matchesSelector } from '@vpa/core/selector.ts'
import { ApiError, badRequest } from './api-error.ts'
import type { Kind } from './kind.ts'
import type { KubeObject } from './object.ts'
import { parseFieldSelector, parseLabelSelector } from './selector.ts'

/** A request for objects, taken apart. */
export interface ObjectRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly kind: Kind
  readonly namespace: string | undefined
  readonly name: string | undefined
  readonly subresource: string | undefined
  readonly contentType: string
  readonly body: unknown
  readonly asTable: boolean
}

const MAX_BODY_BYTES = 3 * 1024 * 1024

/** @returns undefined when the path names no kind that is served */
export async function readRequest(message: IncomingMessage, kinds: readonly Kind[]): Promise<ObjectRequest | undefined> {
  const url = new URL(message.url ?? '/', 'http://sandbox')
  const address = readPath(url.pathname, kinds)
  if (address === undefined) return undefined
  const contentType = (message.headers['content-type'] ?? 'application/json').split(';')[0] ?? ''
  const asTable = (message.headers.accept ?? '').split(',')[0]?.includes('as=Table') ?? false
  return { method: message.method ?? 'GET', path: url.pathname, query: url.searchParams, ...address, contentType, body: await readBody(message), asTable }
}

/** `/apis/GROUP/VERSION/namespaces/NAMESPACE/RESOURCE/NAME/SUBRESOURCE`, any of whose ends may be missing. */
function readPath(path: string, kinds: readonly Kind[]): Pick<ObjectRequest, 'kind' | 'namespace' | 'name' | 'subresource'> | undefined {
  const [root, ...segments] = path.split('/').filter(Boolean).map(decodeURIComponent)
  const group = root === 'api' ? '' : segments.shift()
  const version = segments.shift()
  const inNamespace = segments[0] === 'namespaces' && segments.length > 2 && !['status', 'finalize'].includes(segments[2] ?? '')
  const namespace = inNamespace ? segments.splice(0, 2)[1] : undefined
  const [resource, name, subresource] = segments
  const kind = kinds.find((candidate) => candidate.group === group && candidate.version === version && candidate.resource === resource)
  if (kind === undefined || (root !== 'api' && root !== 'apis') || (namespace !== undefined && !kind.namespaced)) return undefined
  return { kind, namespace, name, subresource }
}

async function readBody(message: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_BODY_BYTES) throw new ApiError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${MAX_BODY_BYTES}`)
    chunks.push(chunk)
  }
  const text = Buffer.concat(chunks).toString()
  if (text === '') return undefined
  if (message.headers['content-type']?.includes('protobuf')) throw new ApiError(415, 'UnsupportedMediaType', 'the body of the request was in an unknown format - accepted media types include: application/json')
  try {
    return JSON.parse(text)
  } catch (error) {
    throw badRequest(`the object provided is not JSON: ${String(error)}`)
  }
}

/**
 * Which objects the namespace and the selectors of a request mean.
 *
 * @throws ApiError 400 for a selector that cannot be read
 */
export function matcherOf({ kind, namespace, name, query }: ObjectRequest): (object: KubeObject) => boolean {
  const labels = parseLabelSelector(query.get('labelSelector') ?? '')
  const fields = parseFieldSelector(query.get('fieldSelector') ?? '', kind)
  return (object) =>
    (namespace === undefined || object.metadata.namespace === namespace) &&
    (name === undefined || object.metadata.name === name) &&
    matchesSelector(labels, object.metadata.labels ?? {}) &&
    fields(object)
}

/** The `resourceVersion` of a request; undefined where it leaves the choice. */
export function versionOf(query: URLSearchParams): number | undefined {
  const text = query.get('resourceVersion') ?? ''
  if (text === '') return undefined
  if (!/^\d+$/.test(text)) throw badRequest(`Invalid value: "${text}": strconv.ParseUint: parsing "${text}": invalid syntax`)
  return Number(text)
}
