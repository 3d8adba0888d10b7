/** Where the API server keeps a kind: `apps/v1` and `deployments`. */
export interface Resource {
  readonly groupVersion: string
  readonly plural: string
  /** Its objects are in no namespace. */
  readonly clusterScoped?: true
}

export const PODS: Resource = { groupVersion: 'v1', plural: 'pods' }
export const EVENTS: Resource = { groupVersion: 'v1', plural: 'events' }
export const NODES: Resource = { groupVersion: 'v1', plural: 'nodes', clusterScoped: true }
export const RESOURCE_QUOTAS: Resource = { groupVersion: 'v1', plural: 'resourcequotas' }
export const HORIZONTAL_AUTOSCALERS: Resource = { groupVersion: 'autoscaling/v2', plural: 'horizontalpodautoscalers' }
export const DISRUPTION_BUDGETS: Resource = { groupVersion: 'policy/v1', plural: 'poddisruptionbudgets' }
export const LIMIT_RANGES: Resource = { groupVersion: 'v1', plural: 'limitranges' }
export const LEASES: Resource = { groupVersion: 'coordination.k8s.io/v1', plural: 'leases' }
export const POD_METRICS: Resource = { groupVersion: 'metrics.k8s.io/v1beta1', plural: 'pods' }
export const WEBHOOK_CONFIGURATIONS: Resource = { groupVersion: 'admissionregistration.k8s.io/v1', plural: 'mutatingwebhookconfigurations', clusterScoped: true }
export const VPAS: Resource = { groupVersion: 'autoscaling.k8s.io/v1', plural: 'verticalpodautoscalers' }
export const CHECKPOINTS: Resource = { groupVersion: 'autoscaling.k8s.io/v1', plural: 'verticalpodautoscalercheckpoints' }

/** `/api/v1` and `/apis/apps/v1`. */
export function rootOf(groupVersion: string): string {
  return groupVersion.includes('/') ? `/apis/${groupVersion}` : `/api/${groupVersion}`
}

/** All objects of a kind, or those of one namespace: `/apis/apps/v1/namespaces/kong/deployments`. */
export function pathOf({ groupVersion, plural }: Resource, namespace?: string): string {
  return namespace ? `${rootOf(groupVersion)}/namespaces/${segmentOf(namespace)}/${plural}` : `${rootOf(groupVersion)}/${plural}`
}

/** One object; of a kind that is in no namespace, with an empty one. */
export function objectPath(resource: Resource, { namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${pathOf(resource, namespace)}/${segmentOf(name)}`
}

/**
 * Names may stand in objects that anybody may have written, so they cannot lead elsewhere.
 *
 * @throws Error for `.` and `..`, as client-go does: no encoding keeps a proxy from taking them for a way
 */
export function segmentOf(name: string): string {
  if (name === '.' || name === '..') throw new Error(`expected the name of an object; got ${JSON.stringify(name)}`)
  return encodeURIComponent(name)
}

/** A field selector: pods that have ended free what they had, and nothing is to be done about them. */
export const UNFINISHED_PODS = 'status.phase!=Succeeded,status.phase!=Failed'
