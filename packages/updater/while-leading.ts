import type { Cluster, Outcome } from '@vpa/kube/cluster.ts'

const NOT_DONE: Outcome = { outcome: 'unreachable', message: 'not asked for: the leader lease may have run out' }

/**
 * A cluster that nothing is done to unless we lead at that very moment. A process that was frozen in the middle of its loop, and that
 * another has followed meanwhile, goes on where it was: it would evict once more before it sees that its lease is gone.
 */
export function whileLeading(cluster: Cluster, leads: () => boolean): Cluster {
  const guarded = <A extends unknown[]>(act: (...args: A) => Promise<Outcome>) => (...args: A) => (leads() ? act(...args) : Promise.resolve(NOT_DONE))
  return { ...cluster, evict: guarded(cluster.evict), resize: guarded(cluster.resize), patchPod: guarded(cluster.patchPod), editVpaStatus: guarded(cluster.editVpaStatus) }
}
