import { formatSelector, matchesSelector, type LabelSelector } from '@vpa/core/selector.ts'
import { formatTime } from '@vpa/core/time.ts'
import { ApiError, badRequest, noSuchResource, notFound } from './api-error.ts'
import type { Api, DeleteOptions, ObjectRef } from './api.ts'
import type { Clock } from './clock.ts'
import { DISRUPTION_BUDGETS, type Kind, PODS, qualifiedResource } from './kind.ts'
import { type KubeObject, type Pod, isRecord, valueAt } from './object.ts'
import { budgetStatus, type DisruptionBudget } from './disruption-budget.ts'
import type { Storage } from './storage.ts'

export const SUCCESS = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' }

/** The autoscaling/v1 Scale of an object. */
export function scaleOf({ scale }: Kind, object: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  const selector = valueAt(object, scale?.selector ?? '')
  const text = isRecord(selector) ? selectorText(selector) : selector
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, ...(namespace && { namespace }), uid, resourceVersion, creationTimestamp },
    spec: { replicas: valueAt(object, scale?.replicas ?? '') ?? 0 },
    status: { replicas: valueAt(object, scale?.statusReplicas ?? '') ?? 0, ...(text !== undefined && text !== '' && { selector: text }) },
  }
}

/** A ReplicationController's selector is a plain map of labels. */
function selectorText(selector: Record<string, unknown>): string {
  const isPlain = !('matchLabels' in selector) && !('matchExpressions' in selector)
  return formatSelector((isPlain ? { matchLabels: selector } : selector) as LabelSelector)
}

/** The object with the replica count of a Scale. */
export function scaled({ scale }: Kind, object: KubeObject, request: unknown): KubeObject {
  const next = structuredClone(object)
  const path = (scale?.replicas ?? '').split('.')
  const parent = valueAt(next, path.slice(0, -1).join('.'))
  const replicas = valueAt(request, 'spec.replicas')
  if (!isRecord(parent) || typeof replicas !== 'number') throw badRequest('spec.replicas is required')
  parent[path.at(-1) ?? ''] = replicas
  return next
}

/**
 * Evicts a pod: deletes it, unless a disruption budget forbids. Pods that do not run yet or any more are not protected.
 *
 * @throws ApiError 404, 429 with cause DisruptionBudget, 500 when two budgets match the pod
 */
export function evict(ref: ObjectRef, options: DeleteOptions | undefined, { api, storage, clock }: { api: Api; storage: Storage; clock: Clock }): object {
  const pod = api.get(PODS, ref) as Pod
  const isProtected = !['Pending', 'Succeeded', 'Failed'].includes(pod.status.phase) && pod.metadata.deletionTimestamp === undefined
  const budgets = isProtected ? budgetsOf(storage, pod) : []
  if (budgets.length > 1) throw new ApiError(500, 'InternalError', 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.')
  const [budget] = budgets
  if (budget !== undefined) {
    const status = budgetStatus(budget, storage)
    if (status.disruptionsAllowed <= 0) {
      const message = `The disruption budget ${budget.metadata.name} needs ${status.desiredHealthy} healthy pods and has ${status.currentHealthy} currently`
      throw new ApiError(429, 'TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", { causes: [{ reason: 'DisruptionBudget', message }] })
    }
    const disruptedPods = { ...status.disruptedPods, [pod.metadata.name]: formatTime(clock.now()) }
    storage.put(DISRUPTION_BUDGETS, { ...budget, status: { ...status, disruptionsAllowed: status.disruptionsAllowed - 1, disruptedPods } })
  }
  api.delete(PODS, ref, options)
  return { ...SUCCESS, code: 201 }
}

function budgetsOf(storage: Storage, pod: Pod): readonly DisruptionBudget[] {
  return (storage.list(DISRUPTION_BUDGETS) as readonly DisruptionBudget[]).filter(
    ({ metadata, spec }) => metadata.namespace === pod.metadata.namespace && spec.selector !== undefined && matchesSelector(spec.selector, pod.metadata.labels ?? {}),
  )
}

/** Puts a pod on a node. */
export function bind(ref: ObjectRef, binding: unknown, { api, storage }: { api: Api; storage: Storage }): object {
  const nodeName = valueAt(binding, 'target.name')
  const pod = api.get(PODS, ref) as Pod
  if (typeof nodeName !== 'string') throw badRequest('binding.target.name is required')
  if (pod.spec.nodeName) throw new ApiError(409, 'Conflict', `Operation cannot be fulfilled on ${qualifiedResource(PODS)}/binding "${ref.name}": pod ${ref.name} is already assigned to node "${pod.spec.nodeName}"`)
  storage.put(PODS, { ...pod, spec: { ...pod.spec, nodeName } })
  return { ...SUCCESS, code: 201 }
}

/** @throws ApiError 404 when the kind has no such subresource */
export function checkSubresource(kind: Kind, subresource: string, name: string): void {
  if (!kind.subresources.includes(subresource)) throw kind.custom ? notFound(kind, name) : noSuchResource()
}
