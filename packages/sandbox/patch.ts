import jsonPatch, { type Operation } from 'fast-json-patch'
import { ApiError, badRequest } from './api-error.ts'
import type { Kind } from './kind.ts'
import { type KubeObject, isRecord } from './object.ts'

/** Lists that are merged element by element, and the member that tells elements apart. Source: patchMergeKey in k8s.io/api. */
const MERGE_KEYS: Readonly<Record<string, readonly string[]>> = {
  containers: ['name'], initContainers: ['name'], ephemeralContainers: ['name'], env: ['name'], volumes: ['name'], imagePullSecrets: ['name'],
  volumeMounts: ['mountPath'], volumeDevices: ['devicePath'], hostAliases: ['ip'], webhooks: ['name'], secrets: ['name'],
  ports: ['containerPort', 'port'], ownerReferences: ['uid'], conditions: ['type'], topologySpreadConstraints: ['topologyKey'],
}

/**
 * Applies the patch of a request body.
 *
 * @param contentType one of the four of Kubernetes; server-side apply merges, without ownership of fields
 * @throws ApiError 415 for another content type, 422 for a JSON patch that does not fit, 400 for an unreadable one
 */
export function applyPatch(current: KubeObject, patch: unknown, contentType: string, kind: Kind): KubeObject {
  switch (contentType) {
    case 'application/json-patch+json':
      return applyJsonPatch(current, patch)
    case 'application/merge-patch+json':
      return mergePatch(current, patch) as KubeObject
    case 'application/strategic-merge-patch+json':
      if (!kind.custom) return strategicMerge(current, patch, '') as KubeObject
      break
    case 'application/apply-patch+yaml':
      return (kind.custom ? mergePatch(current, patch) : strategicMerge(current, patch, '')) as KubeObject
  }
  const accepted = ['application/json-patch+json', 'application/merge-patch+json', ...(kind.custom ? [] : ['application/strategic-merge-patch+json']), 'application/apply-patch+yaml']
  throw new ApiError(415, 'UnsupportedMediaType', `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`)
}

/** RFC 6902. */
export function applyJsonPatch(current: KubeObject, patch: unknown): KubeObject {
  if (!Array.isArray(patch)) throw badRequest('error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch')
  try {
    return jsonPatch.applyPatch(structuredClone(current), (patch as Operation[]).filter((operation) => !isMissingAsTested(current, operation)), true).newDocument
  } catch {
    throw new ApiError(422, 'Invalid', 'the server rejected our request due to an error in our request', {})
  }
}

/** Kubernetes takes a member that is not there for one that is null; the RFC does not. */
function isMissingAsTested(current: KubeObject, operation: Operation): boolean {
  return operation.op === 'test' && operation.value === null && jsonPatch.getValueByPointer(current, operation.path) === undefined
}

/** RFC 7386. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch
  const merged: Record<string, unknown> = isRecord(target) ? { ...target } : {}
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name]
    else merged[name] = mergePatch(merged[name], value)
  }
  return merged
}

function strategicMerge(target: unknown, patch: unknown, field: string): unknown {
  if (Array.isArray(patch)) return mergeList(Array.isArray(target) ? target : [], patch, field)
  if (!isRecord(patch)) return patch
  if (patch['$patch'] === 'replace') return withoutDirectives(patch)
  const merged: Record<string, unknown> = isRecord(target) ? { ...target } : {}
  const retained = patch['$retainKeys']
  if (Array.isArray(retained)) for (const name of Object.keys(merged)) if (!retained.includes(name)) delete merged[name]
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith('$deleteFromPrimitiveList/')) deleteFromList(merged, name.slice(25), value)
    else if (name.startsWith('$')) continue
    else if (value === null) delete merged[name]
    else merged[name] = strategicMerge(merged[name], value, name)
  }
  return merged
}

function mergeList(target: readonly unknown[], patch: readonly unknown[], field: string): unknown[] {
  if (field === 'finalizers') return [...new Set([...target, ...patch])]
  const keys = MERGE_KEYS[field]
  if (keys === undefined) return [...patch]
  if (patch.some((element) => isRecord(element) && element['$patch'] === 'replace')) return patch.filter((element) => isRecord(element) && !('$patch' in element))
  const merged = [...target]
  for (const element of patch) {
    if (!isRecord(element)) continue
    const key = keys.find((candidate) => candidate in element)
    const at = key === undefined ? -1 : merged.findIndex((existing) => isRecord(existing) && existing[key] === element[key])
    if (element['$patch'] === 'delete') merged.splice(at, at < 0 ? 0 : 1)
    else if (at < 0) merged.push(strategicMerge(undefined, element, ''))
    else merged[at] = strategicMerge(merged[at], element, '')
  }
  return merged
}

function deleteFromList(object: Record<string, unknown>, name: string, values: unknown): void {
  const list = object[name]
  if (Array.isArray(list) && Array.isArray(values)) object[name] = list.filter((value) => !values.includes(value))
}

function withoutDirectives(patch: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(patch).filter(([name]) => !name.startsWith('$')))
}
