import type { Labels } from '../selector.ts'
import type { DurationMs, EpochMs } from '../time.ts'
import type { Aggregate, HalfLives } from './aggregate.ts'
import type { ContainerHistory } from './container.ts'
import { type KeptAggregate, type PodFacts, PodGroup, type PodHistory } from './pod-group.ts'

export interface ContainerId {
  readonly namespace: string
  readonly podName: string
  readonly containerName: string
}

/** A container that samples are for: where they go, and the group that decides which policy applies to them. */
export interface TrackedContainer {
  readonly group: PodGroup
  readonly aggregate: Aggregate
  readonly history: ContainerHistory
}

export interface RetentionRules {
  /** How long an aggregate is kept after its last sample. */
  keepFor(group: PodGroup, containerName: string): DurationMs
  /** Whether a VPA wants the group's pods and its target exists: then even an aggregate without samples is kept. */
  isWanted(group: PodGroup): boolean
}

export interface DroppedAggregate {
  readonly group: PodGroup
  readonly containerName: string
  readonly why: 'empty' | 'expired'
}

/**
 * The usage of all pods of the cluster. It knows nothing of VPAs: which of it matters to one is asked by selector,
 * and what a VPA's policy says comes along as an argument (upstream: model.ClusterState).
 */
export class UsageHistory {
  readonly #halfLives: HalfLives
  /** By namespace and labels. */
  readonly #groups = new Map<string, PodGroup>()
  /** By namespace and name, the group that the pod is in. */
  readonly #groupOf = new Map<string, Map<string, PodGroup>>()

  constructor(halfLives: HalfLives) {
    this.#halfLives = halfLives
  }

  /** Tells of a pod that is new or may have changed. */
  setPod(facts: PodFacts, now: EpochMs): void {
    const ofNamespace = this.#groupOf.get(facts.namespace) ?? new Map<string, PodGroup>()
    const before = ofNamespace.get(facts.name)
    const pod = before?.pods.get(facts.name)
    if (pod?.facts === facts) return

    const group = this.#groupFor(facts)
    group.addPod(facts, pod, now)
    this.#groupOf.set(facts.namespace, ofNamespace.set(facts.name, group))
    if (before === undefined || before === group) return
    before.pods.delete(facts.name)
    for (const [name, { aggregate }] of before.aggregates) pod?.containers.get(name)?.moveInterval(aggregate, group.aggregateOf(name, now), now)
  }

  /** Forgets the pods that do not exist any more; what they used stays in the aggregates. */
  deletePodsExcept(exists: (namespace: string, name: string) => boolean): void {
    for (const { namespace, pods } of this.#groups.values()) {
      for (const name of pods.keys()) {
        if (!exists(namespace, name)) this.deletePod(namespace, name)
      }
    }
  }

  deletePod(namespace: string, name: string): void {
    const ofNamespace = this.#groupOf.get(namespace)
    ofNamespace?.get(name)?.pods.delete(name)
    ofNamespace?.delete(name)
    if (ofNamespace?.size === 0) this.#groupOf.delete(namespace)
  }

  /** @returns undefined when the pod is unknown, or has no regular container of that name */
  container({ namespace, podName, containerName }: ContainerId, now: EpochMs): TrackedContainer | undefined {
    const group = this.#groupOf.get(namespace)?.get(podName)
    const history = group?.pods.get(podName)?.containers.get(containerName)
    return group && history && { group, history, aggregate: group.aggregateOf(containerName, now) }
  }

  hasPod(namespace: string, name: string): boolean {
    return this.#groupOf.get(namespace)?.has(name) === true
  }

  groups(): Iterable<PodGroup> {
    return this.#groups.values()
  }

  aggregateCount(): number {
    let count = 0
    for (const { aggregates } of this.#groups.values()) count += aggregates.size
    return count
  }

  /** Drops the aggregates that had no sample for too long, and the empty ones of pods that are gone or have ended. */
  dropGarbage(now: EpochMs, rules: RetentionRules): readonly DroppedAggregate[] {
    const dropped: DroppedAggregate[] = []
    for (const [key, group] of this.#groups) {
      const wanted = rules.isWanted(group)
      for (const [containerName, kept] of group.aggregates) {
        const contributes = [...group.pods.values()].some((pod) => pod.containers.has(containerName) && (wanted || isActive(pod)))
        const expired = now - lastUse(kept) >= rules.keepFor(group, containerName)
        if (!expired && (contributes || !kept.aggregate.isEmpty())) continue
        group.aggregates.delete(containerName)
        dropped.push({ group, containerName, why: expired ? 'expired' : 'empty' })
      }
      if (group.isEmpty()) this.#groups.delete(key)
    }
    return dropped
  }

  /**
   * Drops groups without pods that no VPA wants, where their namespace has more than so many: those first that had no sample for longest.
   * Who may label pods could otherwise make as many as it likes, each of which is kept for as long as usage is.
   *
   * @returns those that were dropped
   */
  dropCrowds(isWanted: (group: PodGroup) => boolean, mostPerNamespace: number): readonly PodGroup[] {
    const leftBehind = new Map<string, (readonly [key: string, group: PodGroup])[]>()
    for (const entry of this.#groups) {
      const [, group] = entry
      if (group.pods.size > 0 || isWanted(group)) continue
      const ofNamespace = leftBehind.get(group.namespace)
      if (ofNamespace) ofNamespace.push(entry)
      else leftBehind.set(group.namespace, [entry])
    }
    const crowds = [...leftBehind.values()].filter(({ length }) => length > mostPerNamespace)
    const dropped = crowds.flatMap((entries) => entries.toSorted(([, a], [, b]) => lastUseOf(a) - lastUseOf(b)).slice(0, -mostPerNamespace))
    for (const [key] of dropped) this.#groups.delete(key)
    return dropped.map(([, group]) => group)
  }

  #groupFor(facts: PodFacts): PodGroup {
    const key = groupKey(facts.namespace, facts.labels)
    const group = this.#groups.get(key) ?? new PodGroup(facts, this.#halfLives)
    this.#groups.set(key, group)
    return group
  }
}

function lastUseOf({ aggregates }: PodGroup): EpochMs {
  let latest: EpochMs = 0
  for (const kept of aggregates.values()) latest = Math.max(latest, lastUse(kept))
  return latest
}

function lastUse({ aggregate, createdAt }: KeptAggregate): EpochMs {
  return aggregate.span.last ?? createdAt
}

function isActive({ facts }: PodHistory): boolean {
  return facts.phase !== 'Succeeded' && facts.phase !== 'Failed'
}

/** A `/` in a namespace, `=` or `,` in a label are not possible, so that different groups have different keys. */
function groupKey(namespace: string, labels: Labels): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`)
  return `${namespace}/${pairs.toSorted().join(',')}`
}
