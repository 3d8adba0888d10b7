import type { LabelSelector } from '@vpa/core/selector.ts'

/** Any Kubernetes object, as it is on the wire. Stored ones are never changed: an edit works on a clone. */
export interface KubeObject {
  apiVersion: string
  kind: string
  metadata: Metadata
  spec?: unknown
  status?: unknown
  [member: string]: unknown
}

export interface Metadata {
  name: string
  namespace?: string
  generateName?: string
  uid: string
  resourceVersion: string
  creationTimestamp: string
  generation?: number
  deletionTimestamp?: string
  deletionGracePeriodSeconds?: number
  labels?: Record<string, string>
  annotations?: Record<string, string>
  ownerReferences?: OwnerReference[]
  finalizers?: string[]
}

export interface OwnerReference {
  apiVersion: string
  kind: string
  name: string
  uid: string
  controller?: boolean
  blockOwnerDeletion?: boolean
}

export interface Pod extends KubeObject {
  spec: PodSpec
  status: PodStatus
}

export interface PodSpec {
  nodeName?: string
  restartPolicy?: string
  terminationGracePeriodSeconds?: number
  containers: Container[]
  initContainers?: Container[]
  [member: string]: unknown
}

export interface Container {
  name: string
  image?: string
  resources?: Resources
  resizePolicy?: { resourceName: string; restartPolicy: string }[]
  [member: string]: unknown
}

export interface Resources {
  requests?: Record<string, string | number>
  limits?: Record<string, string | number>
}

export interface PodStatus {
  phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed'
  qosClass?: string
  startTime?: string
  observedGeneration?: number
  conditions?: Condition[]
  containerStatuses?: ContainerStatus[]
  [member: string]: unknown
}

export interface Condition {
  type: string
  status: string
  lastTransitionTime?: string
  reason?: string
  message?: string
}

export interface ContainerStatus {
  name: string
  image?: string
  ready: boolean
  started: boolean
  restartCount: number
  resources: Resources
  allocatedResources?: Record<string, string | number>
  state: ContainerState
  lastState: ContainerState
}

export interface ContainerState {
  running?: { startedAt: string }
  waiting?: { reason: string }
  terminated?: { reason: string; exitCode: number; startedAt: string; finishedAt: string }
}

/** Deployments, ReplicaSets and the like: a count of pods made from a template. */
export interface PodController extends KubeObject {
  spec: {
    replicas?: number
    selector?: LabelSelector
    template: PodTemplate
    strategy?: { type?: string; rollingUpdate?: { maxSurge?: number | string; maxUnavailable?: number | string } }
    completions?: number
    parallelism?: number
  }
  status?: Record<string, unknown>
}

export interface PodTemplate {
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> }
  spec: PodSpec
}

/** Storage key: objects of one kind sort by it as in etcd. */
export function keyOf({ namespace, name }: { namespace?: string; name: string }): string {
  return namespace ? `${namespace}/${name}` : name
}

/** The value at a dotted path, such as `status.phase`. */
export function valueAt(object: unknown, path: string): unknown {
  return path.split('.').reduce((at: unknown, member) => (isRecord(at) ? at[member] : undefined), object)
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
