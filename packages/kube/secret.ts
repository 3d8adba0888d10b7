import { isConflict, isNotFound } from './api-error.ts'
import type { Client } from './client.ts'
import type { ObjectName } from './cluster.ts'
import { type Resource, objectPath, pathOf } from './resources.ts'

const SECRETS: Resource = { groupVersion: 'v1', plural: 'secrets' }

export interface Secret extends ObjectName {
  /** Decoded: what is text, as text. */
  readonly data: Readonly<Record<string, string>>
  /** Of the object as it was read; undefined for one that is to be created. */
  readonly resourceVersion?: string
}

/** undefined where there is none. */
export async function readSecret(client: Client, name: ObjectName): Promise<Secret | undefined> {
  try {
    const { metadata, data } = await client.request<RawSecret>({ path: objectPath(SECRETS, name) })
    const decoded = Object.entries(data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()])
    return { ...name, data: Object.fromEntries(decoded), resourceVersion: metadata.resourceVersion }
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

/**
 * Creates the secret, or replaces the one that was read.
 *
 * @returns `raced` when another writer was faster: read again
 */
export async function writeSecret(client: Client, { namespace, name, data, resourceVersion }: Secret): Promise<'written' | 'raced'> {
  const encoded = Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]))
  const body = { apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata: { namespace, name, ...(resourceVersion && { resourceVersion }) }, data: encoded }
  try {
    if (resourceVersion === undefined) await client.request({ method: 'POST', path: pathOf(SECRETS, namespace), body })
    else await client.request({ method: 'PUT', path: objectPath(SECRETS, { namespace, name }), body })
    return 'written'
  } catch (error) {
    if (isConflict(error)) return 'raced'
    throw error
  }
}

interface RawSecret {
  readonly metadata: { readonly resourceVersion: string }
  readonly data?: Readonly<Record<string, string>>
}
