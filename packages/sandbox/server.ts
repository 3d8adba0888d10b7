import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http'
import { ApiError, expired, methodNotAllowed, noSuchResource } from './api-error.ts'
import type { Api, DeleteOptions } from './api.ts'
import type { Clock } from './clock.ts'
import { discovery, isServedGroup } from './discovery.ts'
import type { Faults } from './faults.ts'
import { list, listObject } from './list.ts'
import type { MetricsApi } from './metrics-api.ts'
import type { KubeObject } from './object.ts'
import { applyPatch } from './patch.ts'
import { type ObjectRequest, matcherOf, readRequest, versionOf } from './request.ts'
import type { Storage } from './storage.ts'
import { SUCCESS, bind, checkSubresource, evict, scaleOf, scaled } from './subresource.ts'
import { tableOf } from './table.ts'
import { watch } from './watch.ts'

export interface ServerParts {
  readonly api: Api
  readonly storage: Storage
  readonly clock: Clock
  readonly faults: Faults
  readonly metrics: MetricsApi
  readonly bookmarkInterval: number
}

interface Answer {
  readonly code?: number
  readonly body: object
}

/** The HTTP face of the API. */
export function createApiServer(parts: ServerParts): Server {
  return createServer((message, response) => {
    const send = sender(message, response, parts)
    answer(message, response, { ...parts, send }).catch((error: unknown) => {
      const refusal = error instanceof ApiError ? error : new ApiError(500, 'InternalError', `Internal error occurred: ${String(error)}`)
      const retryAfter = refusal.details?.retryAfterSeconds
      if (!response.headersSent) send(refusal.code, refusal.toJSON(), retryAfter === undefined ? {} : { 'retry-after': `${retryAfter}` })
      else response.destroy()
    })
  })
}

async function answer(message: IncomingMessage, response: ServerResponse, parts: ServerParts & { readonly send: Send }): Promise<void> {
  const { api, faults, metrics, clock, send } = parts
  const url = new URL(message.url ?? '/', 'http://sandbox')
  const fault = faults.take(message.method ?? 'GET', url.pathname)
  if (fault) throw fault
  const known = discovery(url.pathname, api.kinds) ?? metrics.answer(url.pathname, url.searchParams)
  if (typeof known === 'string') return void response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end(known)
  if (known) return send(200, known)
  const request = await readRequest(message, api.kinds)
  if (request === undefined) {
    if (isServedGroup(url.pathname, api.kinds)) throw noSuchResource()
    return void response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('404 page not found\n')
  }
  const now = clock.now()
  if (request.method === 'GET' && ['true', '1'].includes(request.query.get('watch') ?? '')) return startWatch(request, response, parts)
  const { code = 200, body } = await perform(request, parts)
  send(code, request.asTable && code === 200 ? tableOf(request.kind, body, { now, includeObject: request.query.get('includeObject') }) : body)
}

type Send = (code: number, body: object, headers?: Readonly<Record<string, string>>) => void

function sender({ method = 'GET', url = '/' }: IncomingMessage, response: ServerResponse, { faults }: ServerParts): Send {
  return (code, body, headers = {}) => {
    response.writeHead(code, { 'content-type': 'application/json', 'cache-control': 'no-cache, private', ...headers })
    faults.endAnswer(response, { method, path: url.split('?')[0] ?? '' }, `${JSON.stringify(body)}\n`)
  }
}

function startWatch(request: ObjectRequest, response: ServerResponse, { storage, clock, faults, bookmarkInterval }: ServerParts): void {
  const { kind, path, query, asTable } = request
  const seconds = Number(query.get('timeoutSeconds') ?? 0)
  let isFirst = true
  const render = (object: KubeObject) => {
    if (!asTable) return object
    const table = tableOf(kind, object, { now: clock.now(), includeObject: query.get('includeObject'), withoutColumns: !isFirst })
    isFirst = false
    return table
  }
  watch(
    response,
    {
      kind,
      path,
      render,
      matches: matcherOf(request),
      resourceVersion: versionOf(query),
      bookmarks: query.get('allowWatchBookmarks') === 'true',
      initialEvents: query.get('sendInitialEvents') === 'true',
      timeout: (seconds > 0 ? seconds : 1800) * 1000,
    },
    { storage, clock, faults, bookmarkInterval },
  )
}

async function perform(request: ObjectRequest, parts: ServerParts): Promise<Answer> {
  const { kind, method, name, namespace, subresource, query, body } = request
  const dryRun = query.get('dryRun') === 'All'
  if (name === undefined) return performOnCollection(request, parts)
  const ref = { namespace, name }
  if (subresource !== undefined) return performOnSubresource(request, parts, ref)
  switch (method) {
    case 'GET':
      return { body: parts.api.get(kind, ref) }
    case 'PUT':
      return { body: await parts.api.update(kind, ref, () => body as KubeObject, { dryRun }) }
    case 'PATCH':
      return patchOrApply(request, parts, ref)
    case 'DELETE': {
      const { uid } = parts.api.get(kind, ref).metadata
      const left = dryRun ? undefined : parts.api.delete(kind, ref, deleteOptions(request))
      return { body: left ?? { ...SUCCESS, details: { name, ...(kind.group && { group: kind.group }), kind: kind.resource, uid } } }
    }
    default:
      throw methodNotAllowed()
  }
}

/** Server-side apply creates what is not there. */
async function patchOrApply({ kind, namespace, contentType, body, query }: ObjectRequest, { api }: ServerParts, ref: { namespace: string | undefined; name: string }): Promise<Answer> {
  const dryRun = query.get('dryRun') === 'All'
  try {
    return { body: await api.update(kind, ref, (current) => applyPatch(current, body, contentType, kind), { dryRun }) }
  } catch (error) {
    if (!(error instanceof ApiError && error.code === 404 && contentType === 'application/apply-patch+yaml')) throw error
    return { code: 201, body: await api.create(kind, namespace, body, { dryRun }) }
  }
}

async function performOnCollection(request: ObjectRequest, { api, storage }: ServerParts): Promise<Answer> {
  const { kind, method, namespace, query, body } = request
  const matches = matcherOf(request)
  switch (method) {
    case 'GET': {
      const version = versionOf(query)
      if (version !== undefined && version > storage.version) throw new ApiError(504, 'Timeout', `Too large resource version: ${version}, current: ${storage.version}`, { retryAfterSeconds: 1 })
      const exactVersion = query.get('resourceVersionMatch') === 'Exact' ? version : undefined
      if (exactVersion !== undefined && exactVersion < storage.compactedAt) throw expired('The resourceVersion for the provided list is too old.')
      return { body: listObject(kind, list(storage, { kind, matches, limit: Number(query.get('limit') ?? 0), continueToken: query.get('continue') ?? '', exactVersion })) }
    }
    case 'POST':
      if (kind.namespaced && namespace === undefined) throw methodNotAllowed()
      return { code: 201, body: await api.create(kind, namespace, body, { dryRun: query.get('dryRun') === 'All' }) }
    case 'DELETE': {
      const items = storage.list(kind).filter(matches)
      for (const { metadata } of items) api.delete(kind, { namespace: metadata.namespace, name: metadata.name }, deleteOptions(request))
      return { body: listObject(kind, { items, metadata: { resourceVersion: `${storage.version}` } }) }
    }
    default:
      throw methodNotAllowed()
  }
}

async function performOnSubresource(request: ObjectRequest, parts: ServerParts, ref: { namespace: string | undefined; name: string }): Promise<Answer> {
  const { kind, method, subresource = '', contentType, body } = request
  checkSubresource(kind, subresource, ref.name)
  const { api } = parts
  const write = method === 'PUT' || method === 'PATCH'
  const edit = (current: KubeObject) => (method === 'PUT' ? (body as KubeObject) : applyPatch(current, body, contentType, kind))
  if (subresource === 'scale') {
    if (!write) return { body: scaleOf(kind, api.get(kind, ref)) }
    const scaleKind = { ...kind, kind: 'Scale', custom: true }
    const editScale = (current: KubeObject) => (method === 'PUT' ? body : applyPatch(scaleOf(kind, current), body, contentType, scaleKind))
    return { body: scaleOf(kind, await api.update(kind, ref, (current) => scaled(kind, current, editScale(current)))) }
  }
  if (subresource === 'eviction' && method === 'POST') return { code: 201, body: evict(ref, (body as { deleteOptions?: DeleteOptions } | undefined)?.deleteOptions, parts) }
  if (subresource === 'binding' && method === 'POST') return { code: 201, body: bind(ref, body, parts) }
  if (method === 'GET') return { body: api.get(kind, ref) }
  if (write && (subresource === 'status' || subresource === 'resize')) return { body: await api.update(kind, ref, edit, { part: subresource }) }
  throw methodNotAllowed()
}

function deleteOptions({ body, query }: ObjectRequest): DeleteOptions {
  const grace = query.get('gracePeriodSeconds')
  return { ...(grace !== null && { gracePeriodSeconds: Number(grace) }), ...(body as DeleteOptions | undefined) }
}
