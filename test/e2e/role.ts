import { readFile } from 'node:fs/promises'
import { parseAllDocuments } from 'yaml'

/** One thing that a role allows: a verb on a resource, perhaps on one object only. */
export interface Permission {
  readonly verb: string
  readonly group: string
  /** With its subresource: `pods/eviction`. */
  readonly resource: string
  readonly name: string | undefined
}

interface Rule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
  readonly resourceNames?: readonly string[]
}

interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly rules?: readonly Rule[]
  readonly roleRef?: { readonly kind: string; readonly name: string }
  readonly subjects?: readonly { readonly name: string }[]
}

/** What manifests/rbac.yaml allows, by ServiceAccount, taken apart into the smallest things that could be left out. */
export async function permissionsByAccount(): Promise<ReadonlyMap<string, readonly Permission[]>> {
  const manifests = parseAllDocuments(await readFile('manifests/rbac.yaml', 'utf8')).map((document) => document.toJS() as Manifest)
  const permissions = new Map<string, Permission[]>()
  for (const { roleRef, subjects = [] } of manifests) {
    const role = manifests.find(({ kind, metadata }) => kind === roleRef?.kind && metadata.name === roleRef.name)
    for (const { name } of subjects) permissions.set(name, [...(permissions.get(name) ?? []), ...(role?.rules ?? []).flatMap(permissionsOf)])
  }
  return permissions
}

function permissionsOf({ apiGroups, resources, verbs, resourceNames = [undefined] as unknown as string[] }: Rule): Permission[] {
  return apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.flatMap((verb) => resourceNames.map((name) => ({ verb, group, resource, name })))))
}

export function permissionText({ verb, group, resource, name }: Permission): string {
  return [verb, group === '' ? resource : `${resource}.${group}`, name].filter(Boolean).join(' ')
}
