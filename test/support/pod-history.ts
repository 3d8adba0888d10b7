import type { Pod } from '@vpa/core/api/pod.ts'
import { controllerOf } from '@vpa/core/target/owner.ts'
import type { Change, Cluster } from '@vpa/kube/cluster.ts'

/** What has become of the pods of a namespace since the history began, by their watch. */
export class PodHistory {
  readonly #running = new Map<string, Set<string>>()
  readonly #fewest = new Map<string, number>()
  readonly #pods = new Map<string, Pod[]>()

  constructor({ pods }: Pick<Cluster, 'pods'>) {
    for (const pod of pods.list()) this.#see({ before: undefined, now: pod })
    for (const [group, running] of this.#running) this.#fewest.set(group, running.size)
    pods.subscribe((change) => this.#see(change))
  }

  /** The fewest pods of a group that ran at the same time; a group is `namespace/kind/name` of the pods' controller. */
  get fewest(): ReadonlyMap<string, number> {
    return this.#fewest
  }

  /** Every state of every pod, in order, by uid. */
  states(namespace: string): readonly (readonly [Pod, ...Pod[]])[] {
    return [...this.#pods.values()].filter(([pod]) => pod?.namespace === namespace) as [Pod, ...Pod[]][]
  }

  #see({ before, now }: Change<Pod>): void {
    const pod = now ?? before
    if (pod === undefined) return
    const owner = controllerOf(pod)
    const group = `${pod.namespace}/${owner?.kind}/${owner?.name}`
    const running = this.#running.get(group) ?? new Set()
    this.#running.set(group, running)
    if (now?.phase === 'Running' && !now.deleting) running.add(pod.uid)
    else if (running.delete(pod.uid)) this.#fewest.set(group, Math.min(this.#fewest.get(group) ?? Infinity, running.size))
    if (now) this.#pods.set(pod.uid, [...(this.#pods.get(pod.uid) ?? []), now])
  }
}
