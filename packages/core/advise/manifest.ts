import type { UpdateMode } from '../api/update-mode.ts'
import type { Vpa } from '../api/vpa.ts'
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

/** VPAs for these workloads. Each bears its workload's name; where that is taken, its kind follows: `web-statefulset`. */
export function vpaManifests(workloads: readonly Workload[], vpas: readonly Pick<Vpa, 'namespace' | 'name'>[], mode: UpdateMode): readonly VpaManifest[] {
  const taken = new Set(vpas.map(({ namespace, name }) => `${namespace}/${name}`))
  return workloads.map((workload) => {
    const { namespace, name, kind } = workload
    const free = taken.has(`${namespace}/${name}`) ? `${name}-${kind.toLowerCase()}` : name
    taken.add(`${namespace}/${free}`)
    return vpaManifest(workload, mode, free)
  })
}

export interface VpaManifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace: string }
  readonly spec: object
}

/** As one would write it. */
export function vpaManifest({ apiVersion, kind, namespace, name }: Workload, updateMode: UpdateMode, vpaName = name): VpaManifest {
  return {
    apiVersion: 'autoscaling.k8s.io/v1',
    kind: 'VerticalPodAutoscaler',
    metadata: { name: vpaName, namespace },
    spec: { targetRef: { apiVersion, kind, name }, updatePolicy: { updateMode } },
  }
}

function keyOf({ namespace, kind, name }: Pick<Workload, 'namespace' | 'kind' | 'name'>): string {
  return `${namespace}/${kind}/${name}`
}
