import type { UpdateMode, Vpa } from '../api/vpa.ts'
import { controllerOf } from '../target/owner.ts'
import type { Workload } from '../target/workload.ts'

/** Kinds that people write VPAs for: they own pods for as long as they live. */
const KINDS = ['CronJob', 'DaemonSet', 'Deployment', 'ReplicaSet', 'ReplicationController', 'StatefulSet']

/** Workloads without a VPA, that are not a part of a larger one, and that are meant to have pods. By namespace, kind and name. */
export function unattended(workloads: readonly Workload[], vpas: readonly Vpa[]): readonly Workload[] {
  const targeted = new Set(vpas.map(({ namespace, spec: { targetRef } }) => keyOf({ namespace, kind: targetRef?.kind ?? '', name: targetRef?.name ?? '' })))
  const candidates = workloads.filter((workload) => KINDS.includes(workload.kind) && controllerOf(workload) === undefined && workload.replicas !== 0 && !targeted.has(keyOf(workload)))
  return candidates.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
}

/** The VPA of a workload, as one would write it. It bears the workload's name. */
export function vpaManifest({ apiVersion, kind, namespace, name }: Workload, updateMode: UpdateMode): object {
  return {
    apiVersion: 'autoscaling.k8s.io/v1',
    kind: 'VerticalPodAutoscaler',
    metadata: { name, namespace },
    spec: { targetRef: { apiVersion, kind, name }, updatePolicy: { updateMode } },
  }
}

function keyOf({ namespace, kind, name }: Pick<Workload, 'namespace' | 'kind' | 'name'>): string {
  return `${namespace}/${kind}/${name}`
}
