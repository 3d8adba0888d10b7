import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Permission } from './role.ts'

/** A request as the API server's audit log tells of it. */
export interface AuditedRequest {
  readonly account: string
  readonly verb: string
  readonly group: string
  /** With its subresource. */
  readonly resource: string
  /** '' for a request to all namespaces, or to what is in none. */
  readonly namespace: string
  readonly name: string
  readonly uri: string
  /** The roles did not allow it. A 403 can have other reasons: a quota, an admission plug-in. */
  readonly forbidden: boolean
}

interface AuditEvent {
  readonly verb: string
  readonly requestURI: string
  readonly user: { readonly username: string }
  readonly objectRef?: { readonly apiGroup?: string; readonly resource?: string; readonly subresource?: string; readonly namespace?: string; readonly name?: string }
  readonly annotations?: Readonly<Record<string, string>>
}

/** All that our ServiceAccounts have ever asked this control plane for. */
export async function auditedRequests(): Promise<readonly AuditedRequest[]> {
  const lines = (await readFile(join(process.env['VPA_CONTROL_PLANE_DIR'] ?? '', 'logs/audit.log'), 'utf8')).split('\n').slice(0, -1)
  return lines.map((line) => {
    const { verb, requestURI, user, objectRef: { apiGroup = '', resource = '', subresource, namespace = '', name = '' } = {}, annotations = {} } = JSON.parse(line) as AuditEvent
    return {
      account: user.username.split(':').at(-1) ?? '',
      verb,
      group: apiGroup,
      resource: subresource ? `${resource}/${subresource}` : resource,
      namespace,
      name,
      uri: requestURI,
      forbidden: annotations['authorization.k8s.io/decision'] === 'forbid',
    }
  })
}

/** Whether the request needs this permission. */
export function needs(request: AuditedRequest, { verb, group, resource, name }: Permission): boolean {
  const sameGroup = group === '*' || group === request.group
  const sameResource = resource === '*' || resource === request.resource || (resource.startsWith('*/') && request.resource.endsWith(resource.slice(1)))
  return request.verb === verb && sameGroup && sameResource && (name === undefined || name === request.name)
}
