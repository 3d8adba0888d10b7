import type { Pod } from '@vpa/core/api/pod.ts'
import { type Vpa, isOlder } from '@vpa/core/api/vpa.ts'
import type { PodFacts, PodGroup } from '@vpa/core/history/pod-group.ts'
import { isResponsible } from '@vpa/core/recommend/responsibility.ts'
import type { LabelSelector } from '@vpa/core/selector.ts'
import { SelectorIndex } from '@vpa/core/target/selector-index.ts'
import { checkTarget } from '@vpa/core/target/target-check.ts'
import type { Cluster } from '@vpa/kube/cluster.ts'

/** A VPA in one turn of the loop: the pods that it is about, or why there can be none. */
export interface Subject {
  readonly vpa: Vpa
  readonly target: { readonly selector: LabelSelector } | { readonly unsupported: string }
  /** Filled once the pods are known. */
  readonly groups: PodGroup[]
}

export function nameOf({ namespace, name }: Vpa): string {
  return `${namespace}/${name}`
}

/** The VPAs that a recommender of this name handles. */
export function subjectsOf({ vpas, workload }: Cluster, recommenderName: string): readonly Subject[] {
  return [...vpas.list()].filter((vpa) => isResponsible(recommenderName, vpa)).map((vpa) => ({ vpa, target: checkTarget(vpa, workload), groups: [] }))
}

export function podCountOf({ groups }: Subject): number {
  return groups.reduce((count, { pods }) => count + pods.size, 0)
}

/** Its pods that are in our copy of the cluster, always in the same order. */
export function podsOf({ vpa, groups }: Subject, pods: Cluster['pods']): readonly Pod[] {
  return groups.flatMap((group) => [...group.pods.keys()]).toSorted().flatMap((name) => pods.get(vpa.namespace, name) ?? [])
}

/** Which subjects pods belong to. */
export class SubjectIndex {
  readonly #bySelector = new SelectorIndex<Subject>()
  readonly #ofGroup = new Map<PodGroup, Subject>()

  constructor(subjects: readonly Subject[]) {
    for (const subject of subjects) {
      if ('selector' in subject.target) this.#bySelector.add(subject.vpa.namespace, subject.target.selector, subject)
    }
  }

  matches({ namespace, labels }: PodFacts): boolean {
    return this.#bySelector.matching(namespace, labels).length > 0
  }

  /** Gives each subject its groups. Several VPAs may share a group; whose policy applies to its samples is the oldest one's. */
  link(groups: Iterable<PodGroup>): void {
    for (const group of groups) {
      for (const subject of this.#bySelector.matching(group.namespace, group.labels)) {
        subject.groups.push(group)
        const owner = this.#ofGroup.get(group)
        if (owner === undefined || isOlder(subject.vpa, owner.vpa)) this.#ofGroup.set(group, subject)
      }
    }
  }

  ofGroup(group: PodGroup): Subject | undefined {
    return this.#ofGroup.get(group)
  }
}
