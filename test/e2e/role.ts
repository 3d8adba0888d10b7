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

/** As RBAC has it. */
export interface Rule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
  readonly resourceNames?: readonly string[]
}

/** A Role or ClusterRole, and who has it. */
export interface Role {
  /** In the API. */
  readonly path: string
  /** Taken apart into the smallest things that could be left out. */
  readonly permissions: readonly Permission[]
  /** Names of ServiceAccounts. */
  readonly accounts: readonly string[]
}

interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly rules?: readonly Rule[]
  readonly roleRef?: { readonly kind: string; readonly name: string }
  readonly subjects?: readonly { readonly name: string }[]
}

/** What these files in manifests/ allow. */
export async function rolesOf(...files: readonly string[]): Promise<readonly Role[]> {
  const texts = await Promise.all(files.map((file) => readFile(`manifests/${file}`, 'utf8')))
  const manifests = texts.flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as Manifest))
  return manifests.flatMap(({ kind, metadata: { name, namespace }, rules }) => {
    if (rules === undefined) return []
    const bindings = manifests.filter(({ roleRef }) => roleRef?.kind === kind && roleRef.name === name)
    const accounts = bindings.flatMap(({ subjects = [] }) => subjects.map((subject) => subject.name))
    const collection = namespace === undefined ? 'clusterroles' : `namespaces/${namespace}/roles`
    return [{ path: `/apis/rbac.authorization.k8s.io/v1/${collection}/${name}`, permissions: rules.flatMap(permissionsOf), accounts }]
  })
}

function permissionsOf({ apiGroups, resources, verbs, resourceNames }: Rule): Permission[] {
  const names: readonly (string | undefined)[] = resourceNames ?? [undefined]
  return apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.flatMap((verb) => names.map((name) => ({ verb, group, resource, name })))))
}

/** A rule that allows this alone. */
export function ruleOf({ verb, group, resource, name }: Permission): Rule {
  return { apiGroups: [group], resources: [resource], verbs: [verb], ...(name !== undefined && { resourceNames: [name] }) }
}

export function permissionText({ verb, group, resource, name }: Permission): string {
  return [verb, group === '' ? resource : `${resource}.${group}`, name].filter(Boolean).join(' ')
}
