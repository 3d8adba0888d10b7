import type { Client } from '@vpa/kube/client.ts'
import { PROGRAM_NAMES } from '../../../hack/program-names.ts'
import { auditedRequests } from '../../e2e/audit-log.ts'

const RBAC = '/apis/rbac.authorization.k8s.io/v1'
const ACCOUNTS = PROGRAM_NAMES.map((name) => `vpa-${name}`)

interface Binding {
  readonly kind: 'ClusterRoleBinding' | 'RoleBinding'
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly resourceVersion?: string; readonly uid?: string }
  readonly subjects?: readonly { readonly name: string }[]
}

/** Takes from the programs all that their roles allow, leases and the webhook's Secret too; what to give back. */
export async function withdrawRoles(client: Client): Promise<readonly Binding[]> {
  const lists = await Promise.all((['ClusterRoleBinding', 'RoleBinding'] as const).map(async (kind) => (await client.request<{ items: Omit<Binding, 'kind'>[] }>({ path: `${RBAC}/${kind.toLowerCase()}s` })).items.map((item): Binding => ({ ...item, kind }))))
  const ours = lists.flat().filter(({ subjects = [] }) => subjects.some(({ name }) => ACCOUNTS.includes(name)))
  for (const binding of ours) await client.request({ method: 'DELETE', path: `${collectionOf(binding)}/${binding.metadata.name}` })
  return ours
}

export async function giveBack(client: Client, bindings: readonly Binding[]): Promise<void> {
  for (const { metadata: { resourceVersion: _version, uid: _uid, ...metadata }, ...binding } of bindings) await client.request({ method: 'POST', path: collectionOf({ ...binding, metadata }), body: { ...binding, metadata } })
}

function collectionOf({ kind, metadata: { namespace } }: Binding): string {
  return `${RBAC}${namespace === undefined ? '' : `/namespaces/${namespace}`}/${kind.toLowerCase()}s`
}

/** How many requests of each program its roles have not allowed so far, by the API server's audit log. */
export async function refusals(): Promise<readonly number[]> {
  const forbidden = (await auditedRequests()).filter((request) => request.forbidden)
  return ACCOUNTS.map((account) => forbidden.filter((request) => request.account === account).length)
}
