import type { Cluster, Outcome } from './cluster.ts'

const WHY = 'not asked for: the leader lease may have run out'
const NOT_DONE: Outcome = { outcome: 'unreachable', message: WHY }

/**
 * A cluster that nothing is done to unless we lead at that very moment. A process that was frozen in the middle of its loop, and that
 * another has followed meanwhile, goes on where it was: it would evict once more, or put older usage into a checkpoint, before it sees that
 * its lease is gone.
 */
export function whileLeading(cluster: Cluster, leads: () => boolean): Cluster {
  const guarded = <A extends unknown[]>(act: (...args: A) => Promise<Outcome>) => (...args: A) => (leads() ? act(...args) : Promise.resolve(NOT_DONE))
  const refused = <A extends unknown[]>(write: (...args: A) => Promise<void>) => (...args: A) => (leads() ? write(...args) : Promise.reject(new Error(WHY)))
  return {
    ...cluster,
    evict: guarded(cluster.evict),
    resize: guarded(cluster.resize),
    patchPod: guarded(cluster.patchPod),
    editVpaStatus: guarded(cluster.editVpaStatus),
    patchVpaStatus: refused(cluster.patchVpaStatus),
    writeCheckpoint: refused(cluster.writeCheckpoint),
    deleteCheckpoint: refused(cluster.deleteCheckpoint),
  }
}
