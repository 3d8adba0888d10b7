import { type RawMeta, projectMeta, projectOwners } from '@vpa/core/api/object.ts'
import type { LabelSelector, Labels } from '@vpa/core/selector.ts'
import type { WellKnownKind, Workload, WorkloadAnswer } from '@vpa/core/target/workload.ts'
import type { Resource } from './resources.ts'
import type { StoredObject } from './store.ts'

export const WORKLOAD_RESOURCES: Readonly<Record<WellKnownKind, Resource>> = {
  DaemonSet: { groupVersion: 'apps/v1', plural: 'daemonsets' },
  Deployment: { groupVersion: 'apps/v1', plural: 'deployments' },
  ReplicaSet: { groupVersion: 'apps/v1', plural: 'replicasets' },
  StatefulSet: { groupVersion: 'apps/v1', plural: 'statefulsets' },
  ReplicationController: { groupVersion: 'v1', plural: 'replicationcontrollers' },
  Job: { groupVersion: 'batch/v1', plural: 'jobs' },
  CronJob: { groupVersion: 'batch/v1', plural: 'cronjobs' },
}

export type StoredWorkload = Workload & StoredObject

/** What is known of a workload whose kind is read as a whole. */
export function workloadAnswer(found: StoredWorkload | undefined, kind: WellKnownKind, namespace: string, name: string): WorkloadAnswer {
  return found ? { found } : { missing: 'not-found', message: `${kind} ${namespace}/${name} does not exist` }
}

/** Objects of a list do not say of what kind they are, so the caller must. */
export function projectWorkload(kind: WellKnownKind, raw: unknown): StoredWorkload {
  const { metadata, spec, status } = raw as RawWorkload
  const { namespace, name, uid, resourceVersion } = projectMeta(metadata)
  const selector = selectorOf(kind, spec)
  const replicas = kind === 'DaemonSet' ? status?.desiredNumberScheduled : spec?.replicas
  return {
    apiVersion: WORKLOAD_RESOURCES[kind].groupVersion,
    kind,
    namespace,
    name,
    uid,
    resourceVersion,
    owners: projectOwners(metadata),
    ...(selector && { selector }),
    ...(typeof replicas === 'number' && { replicas }),
  }
}

function selectorOf(kind: WellKnownKind, spec: RawWorkload['spec']): LabelSelector | undefined {
  // A CronJob has no selector of its own: its pods are those that look like its template.
  const labels = kind === 'CronJob' ? spec?.jobTemplate?.spec?.template?.metadata?.labels : kind === 'ReplicationController' ? (spec?.selector as Labels) : undefined
  if (kind === 'CronJob' || kind === 'ReplicationController') return labels ? { matchLabels: labels } : undefined
  return (spec?.selector as LabelSelector | null | undefined) ?? undefined
}

interface RawWorkload {
  readonly metadata?: RawMeta
  readonly spec?: {
    readonly replicas?: number | null
    readonly selector?: LabelSelector | Labels | null
    readonly jobTemplate?: { spec?: { template?: { metadata?: RawMeta } } }
  }
  readonly status?: { readonly desiredNumberScheduled?: number }
}
