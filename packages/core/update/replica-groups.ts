import type { OwnerReference } from '../api/object.ts'
import type { Pod } from '../api/pod.ts'
import { type Vpa, updateModeOf } from '../api/vpa.ts'
import { controllerOf } from '../target/owner.ts'
import { type WorkloadLookup, isWellKnown } from '../target/workload.ts'
import type { DurationMs } from '../time.ts'
import { ReplicaGroup } from './replica-group.ts'
import { isRestartingForResize } from './resize-status.ts'
import { isBoosted } from './startup-boost-expiry.ts'

export interface GroupOptions {
  /** Where the VPA names no minReplicas of its own. */
  readonly minReplicas: number
  readonly evictionTolerance: number
  readonly inPlaceSkipDisruptionBudget: boolean
}

export interface GroupFacts {
  readonly vpa: Vpa
  readonly workload: WorkloadLookup
  readonly options: GroupOptions
  /** For how long a resize of the pod has been under way; 0 where none is. */
  resizingFor(pod: Pod): DurationMs
}

/** The pods of one controller; without a group nothing may be done to them in this loop. */
export type FormedGroup =
  | { readonly owner: OwnerReference; readonly pods: readonly Pod[]; readonly group: ReplicaGroup }
  | { readonly owner: OwnerReference; readonly pods: readonly Pod[]; readonly why: 'group-too-small' }
  | { readonly owner: OwnerReference; readonly pods: readonly Pod[]; readonly why: 'unknown-replicas'; readonly message: string }

/**
 * Groups live pods by the controller that would replace them (upstream: PodsRestrictionFactory.GetCreatorMaps). Pods whose containers may be
 * restarting for a resize count as missing.
 *
 * @param pods of one VPA, none of them being deleted
 */
export function replicaGroups(pods: readonly Pod[], facts: GroupFacts): readonly FormedGroup[] {
  const byOwner = new Map<string, { owner: OwnerReference; pods: Pod[] }>()
  for (const pod of pods) {
    const owner = controllerOf(pod)
    if (owner === undefined) continue
    const key = `${owner.kind}/${owner.name}`
    const members = byOwner.get(key) ?? { owner, pods: [] }
    members.pods.push(pod)
    byOwner.set(key, members)
  }
  return [...byOwner.values()].map((members) => formGroup(members, facts))
}

function formGroup({ owner, pods }: { owner: OwnerReference; pods: readonly Pod[] }, { vpa, workload, options, resizingFor }: GroupFacts): FormedGroup {
  const tooSmall = pods.length < (vpa.spec.updatePolicy?.minReplicas ?? options.minReplicas)
  const mode = updateModeOf(vpa)
  const belowMinimum = tooSmall && options.inPlaceSkipDisruptionBudget && (mode === 'InPlaceOrRecreate' || mode === 'InPlace')
  if (tooSmall && !belowMinimum && !pods.some(isBoosted)) return { owner, pods, why: 'group-too-small' }

  const size = configuredReplicas(owner, pods, workload)
  if ('failed' in size) return { owner, pods, why: 'unknown-replicas', message: size.failed }
  const running = pods.filter(({ phase }) => phase !== 'Pending').length
  const group = new ReplicaGroup({ configured: size.replicas, running, tolerance: options.evictionTolerance, belowMinimum })
  for (const pod of pods) if (isRestartingForResize(pod, resizingFor(pod))) group.recordResize()
  return { owner, pods, group }
}

/**
 * How many pods the controller is to keep. A Job, or a controller that does not say, is taken to want those it has:
 * a count of zero, as upstream takes it, would let all of them go at once.
 */
function configuredReplicas(owner: OwnerReference, pods: readonly Pod[], lookup: WorkloadLookup): { replicas: number } | { failed: string } {
  if (owner.kind === 'Job') return { replicas: pods.length }
  const namespace = pods[0]?.namespace ?? ''
  const answer = lookup(namespace, owner)
  const replicas = 'found' in answer ? (answer.found.replicas ?? 0) : 0
  if (replicas > 0) return { replicas }
  if (!isWellKnown(owner.kind)) return { replicas: pods.length }
  if ('found' in answer) return { failed: `${owner.kind} ${namespace}/${owner.name} has no configured replicas` }
  return { failed: 'failed' in answer ? answer.failed : answer.message }
}
