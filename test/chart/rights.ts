import type { Manifest } from './helm.ts'

interface Rule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly resourceNames?: readonly string[]
  readonly verbs: readonly string[]
}

/**
 * What each ServiceAccount may do, one line for each verb on each resource, whatever roles it comes from:
 * `pods/eviction create`, `leases.coordination.k8s.io/vpa-updater get in kube-system`.
 */
export function rightsOf(manifests: readonly Manifest[]): Record<string, readonly string[]> {
  const roles = new Map(manifests.filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole').map((role) => [`${role.kind}/${role.metadata.name}`, role['rules'] as Rule[]]))
  const rights = new Map<string, Set<string>>()
  for (const binding of manifests.filter(({ kind }) => kind === 'RoleBinding' || kind === 'ClusterRoleBinding')) {
    const { kind, name } = binding['roleRef'] as { kind: string; name: string }
    const rules = roles.get(`${kind}/${name}`)
    if (rules === undefined) throw new Error(`${binding.kind} ${binding.metadata.name} names ${kind} ${name}, which is not there`)
    const where = binding.metadata.namespace === undefined ? '' : ` in ${binding.metadata.namespace}`
    for (const subject of binding['subjects'] as { name: string }[]) {
      const known = rights.get(subject.name) ?? new Set()
      for (const line of rules.flatMap(linesOf)) known.add(line + where)
      rights.set(subject.name, known)
    }
  }
  return Object.fromEntries([...rights].map(([account, lines]) => [account, [...lines].toSorted()]))
}

function linesOf({ apiGroups, resources, resourceNames = [''], verbs }: Rule): string[] {
  return apiGroups.flatMap((group) =>
    resources.flatMap((resource) => resourceNames.flatMap((name) => verbs.map((verb) => `${resource}${group && `.${group}`}${name && `/${name}`} ${verb}`))),
  )
}
