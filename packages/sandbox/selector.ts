import type { LabelRequirement, LabelSelector } from '@vpa/core/selector.ts'
import { badRequest } from './api-error.ts'
import type { Kind } from './kind.ts'
import { type KubeObject, valueAt } from './object.ts'

const SET = /^([^\s!=]+)\s+(in|notin)\s+\(([^)]*)\)$/
const EQUALITY = /^([^\s!=]+)\s*(=|==|!=)\s*([^\s=]*)$/
const EXISTS = /^(!?)\s*([^\s!=,()]+)$/

/**
 * The `labelSelector` of a request: `app=web,tier in (a,b),!canary`.
 *
 * @throws ApiError 400 when it cannot be read
 */
export function parseLabelSelector(text: string): LabelSelector {
  const parts = text.split(/,(?![^(]*\))/).map((part) => part.trim()).filter(Boolean)
  return { matchExpressions: parts.map(requirement) }
}

function requirement(text: string): LabelRequirement {
  const [, setKey, set, list = ''] = SET.exec(text) ?? []
  if (setKey) return { key: setKey, operator: set === 'in' ? 'In' : 'NotIn', values: list.split(',').map((value) => value.trim()) }
  const [, key, operator, value = ''] = EQUALITY.exec(text) ?? []
  if (key) return { key, operator: operator === '!=' ? 'NotIn' : 'In', values: [value] }
  const [, not, name] = EXISTS.exec(text) ?? []
  if (name) return { key: name, operator: not ? 'DoesNotExist' : 'Exists' }
  throw badRequest(`unable to parse requirement: ${text}`)
}

/**
 * The `fieldSelector` of a request: `status.phase!=Pending,metadata.name=x`.
 *
 * @throws ApiError 400 when the kind does not know a field
 */
export function parseFieldSelector(text: string, kind: Kind): (object: KubeObject) => boolean {
  const requirements = text.split(',').filter(Boolean).map((part) => {
    const [, field = '', operator = '', value = ''] = /^(.*?)(!=|==|=)(.*)$/.exec(part) ?? []
    if (!['metadata.name', 'metadata.namespace', ...kind.fields].includes(field)) {
      throw badRequest(kind.fields.length > 0 ? `field label not supported: ${field}` : `"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"`)
    }
    return { field, equal: operator !== '!=', value }
  })
  return (object) => requirements.every(({ field, equal, value }) => (String(valueAt(object, field) ?? '') === value) === equal)
}
