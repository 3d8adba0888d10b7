import { isConflict } from './api-error.ts'
import type { Client } from './client.ts'
import type { ObjectName } from './cluster.ts'
import { type Resource, objectPath, pathOf } from './resources.ts'

const SECRETS: Resource = { groupVersion: 'v1', plural: 'secrets' }

export interface Secret extends ObjectName {
  /** Decoded: what is text, as text. */
  readonly data: Readonly<Record<string, string>>
  /** The object as it was read, of which all that is not replaced stays; undefined for one that is to be created. */
  readonly object?: RawSecret
}

/** undefined where there is none. */
export async function readSecret(client: Client, name: ObjectName): Promise<Secret | undefined> {
  const object = await client.find<RawSecret>({ path: objectPath(SECRETS, name) })
  if (object === undefined) return undefined
  const decoded = Object.entries(object.data ?? {}).map(([key, value]) => [key, decode(value)])
  return { ...name, data: Object.fromEntries(decoded), object }
}

/**
 * Creates the secret, or replaces the one that was read.
 *
 * @returns `raced` when another writer was faster: read again
 */
export async function writeSecret(client: Client, { namespace, name, data, object }: Secret): Promise<'written' | 'raced'> {
  // What is not text would not be the same again.
  const encode = (key: string, value: string) => {
    const before = object?.data?.[key]
    return before !== undefined && decode(before) === value ? before : Buffer.from(value).toString('base64')
  }
  const encoded = Object.fromEntries(Object.entries(data).map(([key, value]) => [key, encode(key, value)]))
  const body = { apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata: { namespace, name }, ...object, data: encoded }
  try {
    if (object === undefined) await client.request({ method: 'POST', path: pathOf(SECRETS, namespace), body })
    else await client.request({ method: 'PUT', path: objectPath(SECRETS, { namespace, name }), body })
    return 'written'
  } catch (error) {
    if (isConflict(error)) return 'raced'
    throw error
  }
}

function decode(value: string): string {
  return Buffer.from(value, 'base64').toString()
}

interface RawSecret {
  readonly data?: Readonly<Record<string, string>>
}
