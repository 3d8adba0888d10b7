import { isConflict } from './api-error.ts'
import type { Client } from './client.ts'
import { type Resource, VPAS, objectPath, pathOf } from './resources.ts'

/** A whole object as the API server has it; undefined where there is none. */
export async function readManifest(client: Client, resource: Resource, name: { readonly namespace: string; readonly name: string }): Promise<object | undefined> {
  // A list's items do not say of what kind they are; a single object does.
  return await client.find<object>({ path: objectPath(resource, name) })
}

/** `exists`: one of that name was there, and is left as it is. */
export async function createVpa(client: Client, namespace: string, manifest: object): Promise<'created' | 'exists'> {
  try {
    await client.request({ method: 'POST', path: pathOf(VPAS, namespace), body: manifest })
    return 'created'
  } catch (error) {
    if (isConflict(error)) return 'exists'
    throw error
  }
}
