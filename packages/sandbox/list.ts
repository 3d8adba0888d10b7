import { badRequest, expired } from './api-error.ts'
import { inVersion } from './api.ts'
import { type Kind, groupVersionOf } from './kind.ts'
import { type KubeObject, keyOf } from './object.ts'
import type { Storage } from './storage.ts'

export interface ListRequest {
  readonly kind: Kind
  readonly matches: (object: KubeObject) => boolean
  readonly limit: number
  readonly continueToken: string
  /** Asks for that version exactly, with `resourceVersionMatch=Exact`. */
  readonly exactVersion: number | undefined
}

export interface ListAnswer {
  readonly items: readonly KubeObject[]
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string; readonly remainingItemCount?: number }
}

/**
 * A list, or one page of it: all pages show the version of the first.
 *
 * @throws ApiError 410 when that version is forgotten, 400 for a token of ours that is none
 */
export function list(storage: Storage, { kind, matches, limit, continueToken, exactVersion }: ListRequest): ListAnswer {
  const from = continueToken ? readToken(continueToken) : { version: exactVersion ?? storage.version, after: '' }
  const objects = from.version === storage.version ? storage.list(kind) : storage.snapshot(kind, from.version)
  if (objects === undefined && continueToken) throw expired('The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.')
  if (objects === undefined) throw expired(`The resourceVersion for the provided list is too old.`)
  const rest = objects.filter((object) => keyOf(object.metadata) > from.after && matches(object))
  const page = limit > 0 ? rest.slice(0, limit) : rest
  const last = page.at(-1)
  const more = rest.length - page.length
  const next = more > 0 && last !== undefined && { continue: writeToken({ version: from.version, after: keyOf(last.metadata) }), remainingItemCount: more }
  return { items: page.map((object) => inVersion(kind, object)), metadata: { resourceVersion: `${from.version}`, ...next } }
}

/** The list object on the wire. Typed lists leave apiVersion and kind out of their items; lists of custom objects keep them. */
export function listObject(kind: Kind, { items, metadata }: ListAnswer): object {
  return { kind: `${kind.kind}List`, apiVersion: groupVersionOf(kind), metadata, items: kind.custom ? items : items.map(withoutType) }
}

function withoutType({ apiVersion: _apiVersion, kind: _kind, ...rest }: KubeObject): object {
  return rest
}

interface Position { readonly version: number; readonly after: string }

function writeToken(position: Position): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url')
}

function readToken(token: string): Position {
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString()) as Position
  } catch {
    throw badRequest('invalid continue token: continue key is not valid')
  }
}
