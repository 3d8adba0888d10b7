import { type TableColumn, VPA_COLUMNS, VPA_CHECKPOINT_COLUMNS } from './column.ts'
import { type KubeObject, isRecord } from './object.ts'

/** A resource of the API: one row of discovery. */
export interface Kind {
  readonly group: string
  readonly version: string
  readonly resource: string
  readonly kind: string
  readonly namespaced: boolean
  readonly shortNames: readonly string[]
  readonly subresources: readonly string[]
  readonly scale?: ScalePaths
  /** Objects of a custom kind keep apiVersion and kind in lists, and know no strategic merge. */
  readonly custom: boolean
  /** Field selectors beyond metadata.name and metadata.namespace. */
  readonly fields: readonly string[]
  /** Columns of a custom kind; those of the others are in table.ts. */
  readonly columns?: readonly TableColumn[]
}

export interface ScalePaths {
  readonly replicas: string
  readonly statusReplicas: string
  /** Where the selector is found; a selector object or, for custom kinds, its text. */
  readonly selector: string
}

type Extra = Partial<Omit<Kind, 'group' | 'version' | 'kind' | 'resource'>>

function define(groupVersion: string, kind: string, resource: string, extra: Extra = {}): Kind {
  const [version = '', group = ''] = groupVersion.split('/').toReversed()
  return { group, version, resource, kind, namespaced: true, shortNames: [], subresources: [], custom: false, fields: [], ...extra }
}

const STATUS = { subresources: ['status'] }
const REPLICAS: Extra = {
  subresources: ['status', 'scale'],
  scale: { replicas: 'spec.replicas', statusReplicas: 'status.replicas', selector: 'spec.selector' },
}
const CLUSTER = { namespaced: false }
const POD_FIELDS = ['spec.nodeName', 'spec.restartPolicy', 'spec.schedulerName', 'spec.serviceAccountName', 'status.phase', 'status.podIP', 'status.nominatedNodeName']
const EVENT_FIELDS = [
  'involvedObject.kind', 'involvedObject.namespace', 'involvedObject.name', 'involvedObject.uid', 'involvedObject.apiVersion',
  'involvedObject.resourceVersion', 'involvedObject.fieldPath', 'reason', 'reportingComponent', 'source', 'type',
]

export const PODS = define('v1', 'Pod', 'pods', { shortNames: ['po'], subresources: ['status', 'eviction', 'resize', 'binding'], fields: POD_FIELDS })
export const NODES = define('v1', 'Node', 'nodes', { ...CLUSTER, ...STATUS, shortNames: ['no'], fields: ['spec.unschedulable'] })
export const NAMESPACES = define('v1', 'Namespace', 'namespaces', { ...CLUSTER, ...STATUS, shortNames: ['ns'], fields: ['status.phase'] })
export const EVENTS = define('v1', 'Event', 'events', { shortNames: ['ev'], fields: EVENT_FIELDS })
export const SERVICE_ACCOUNTS = define('v1', 'ServiceAccount', 'serviceaccounts', { shortNames: ['sa'] })
export const SECRETS = define('v1', 'Secret', 'secrets', { fields: ['type'] })
export const SERVICES = define('v1', 'Service', 'services', { ...STATUS, shortNames: ['svc'] })
export const REPLICATION_CONTROLLERS = define('v1', 'ReplicationController', 'replicationcontrollers', { ...REPLICAS, shortNames: ['rc'], fields: ['status.replicas'] })
export const DEPLOYMENTS = define('apps/v1', 'Deployment', 'deployments', { ...REPLICAS, shortNames: ['deploy'] })
export const REPLICA_SETS = define('apps/v1', 'ReplicaSet', 'replicasets', { ...REPLICAS, shortNames: ['rs'], fields: ['status.replicas'] })
export const STATEFUL_SETS = define('apps/v1', 'StatefulSet', 'statefulsets', { ...REPLICAS, shortNames: ['sts'] })
export const DAEMON_SETS = define('apps/v1', 'DaemonSet', 'daemonsets', { ...STATUS, shortNames: ['ds'] })
export const JOBS = define('batch/v1', 'Job', 'jobs', STATUS)
export const DISRUPTION_BUDGETS = define('policy/v1', 'PodDisruptionBudget', 'poddisruptionbudgets', { ...STATUS, shortNames: ['pdb'] })
export const WEBHOOK_CONFIGURATIONS = define('admissionregistration.k8s.io/v1', 'MutatingWebhookConfiguration', 'mutatingwebhookconfigurations', CLUSTER)
export const CUSTOM_RESOURCES = define('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'customresourcedefinitions', { ...CLUSTER, ...STATUS, shortNames: ['crd', 'crds'] })

export const BUILT_IN: readonly Kind[] = [
  PODS, NODES, NAMESPACES, EVENTS, SECRETS, SERVICE_ACCOUNTS, SERVICES, REPLICATION_CONTROLLERS, DEPLOYMENTS, REPLICA_SETS, STATEFUL_SETS, DAEMON_SETS, JOBS,
  DISRUPTION_BUDGETS, WEBHOOK_CONFIGURATIONS, CUSTOM_RESOURCES,
  define('events.k8s.io/v1', 'Event', 'events', { shortNames: ['ev'], fields: ['reason', 'regarding.kind', 'regarding.name', 'regarding.namespace', 'type'] }),
  define('v1', 'ConfigMap', 'configmaps', { shortNames: ['cm'] }),
  define('v1', 'LimitRange', 'limitranges', { shortNames: ['limits'] }),
  define('v1', 'ResourceQuota', 'resourcequotas', { ...STATUS, shortNames: ['quota'] }),
  define('autoscaling/v2', 'HorizontalPodAutoscaler', 'horizontalpodautoscalers', { ...STATUS, shortNames: ['hpa'] }),
  define('batch/v1', 'CronJob', 'cronjobs', { ...STATUS, shortNames: ['cj'] }),
  define('coordination.k8s.io/v1', 'Lease', 'leases'),
  define('rbac.authorization.k8s.io/v1', 'ClusterRole', 'clusterroles', CLUSTER),
  define('rbac.authorization.k8s.io/v1', 'ClusterRoleBinding', 'clusterrolebindings', CLUSTER),
  define('rbac.authorization.k8s.io/v1', 'Role', 'roles'),
  define('rbac.authorization.k8s.io/v1', 'RoleBinding', 'rolebindings'),
  define('autoscaling.k8s.io/v1', 'VerticalPodAutoscaler', 'verticalpodautoscalers', { ...STATUS, shortNames: ['vpa'], custom: true, columns: VPA_COLUMNS }),
  define('autoscaling.k8s.io/v1', 'VerticalPodAutoscalerCheckpoint', 'verticalpodautoscalercheckpoints', { shortNames: ['vpacheckpoint'], custom: true, columns: VPA_CHECKPOINT_COLUMNS }),
]

/** `apps/v1`, or `v1` for the core group. */
export function groupVersionOf({ group, version }: Kind): string {
  return group ? `${group}/${version}` : version
}

/** `deployments.apps`: how messages name a resource. */
export function qualifiedResource({ group, resource }: Kind): string {
  return group ? `${resource}.${group}` : resource
}

interface Definition {
  group: string
  scope: string
  names: { plural: string; kind: string; shortNames?: string[] }
  versions: {
    name: string
    served: boolean
    subresources?: { status?: object; scale?: { specReplicasPath: string; statusReplicasPath: string; labelSelectorPath?: string } }
    additionalPrinterColumns?: TableColumn[]
  }[]
}

/** The kinds that a CustomResourceDefinition serves, one for each version. */
export function kindsOf(definition: KubeObject): readonly Kind[] {
  if (!isRecord(definition.spec)) return []
  const { group, scope, names, versions } = definition.spec as unknown as Definition
  return versions.filter(({ served }) => served).map(({ name, subresources = {}, additionalPrinterColumns }) => {
    const { specReplicasPath = '', statusReplicasPath = '', labelSelectorPath = '' } = subresources.scale ?? {}
    return define(`${group}/${name}`, names.kind, names.plural, {
      namespaced: scope === 'Namespaced',
      shortNames: names.shortNames ?? [],
      subresources: Object.keys(subresources),
      ...(subresources.scale && { scale: { replicas: specReplicasPath.slice(1), statusReplicas: statusReplicasPath.slice(1), selector: labelSelectorPath.slice(1) } }),
      custom: true,
      ...(additionalPrinterColumns && { columns: additionalPrinterColumns }),
    })
  })
}
