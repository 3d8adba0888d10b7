import type { Labels } from '../selector.ts'
import type { EpochMs } from '../time.ts'
import { Aggregate, type HalfLives } from './aggregate.ts'
import { ContainerHistory } from './container.ts'

/** What history needs to know of a pod. */
export interface PodFacts {
  readonly namespace: string
  readonly name: string
  readonly labels: Labels
  readonly phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown'
  /** Regular containers: the usage of init containers is not recorded. */
  readonly containers: readonly { readonly name: string }[]
}

/** One pod, and what is remembered of each of its containers. */
export interface PodHistory {
  readonly facts: PodFacts
  readonly containers: ReadonlyMap<string, ContainerHistory>
}

/** An aggregate, and since when it is kept. */
export interface KeptAggregate {
  readonly aggregate: Aggregate
  readonly createdAt: EpochMs
}

/**
 * The pods of one namespace that bear equal labels: with the template hash among them, one generation of a workload.
 * Each of their containers shares one {@link Aggregate} with its namesakes, which outlives the pods.
 */
export class PodGroup {
  readonly namespace: string
  readonly labels: Labels
  readonly pods = new Map<string, PodHistory>()
  readonly aggregates = new Map<string, KeptAggregate>()
  readonly #halfLives: HalfLives

  constructor({ namespace, labels }: PodFacts, halfLives: HalfLives) {
    this.namespace = namespace
    this.labels = labels
    this.#halfLives = halfLives
  }

  /** A pod keeps what is remembered of its containers when it comes from another group, because its labels have changed. */
  addPod(facts: PodFacts, before: PodHistory | undefined, now: EpochMs): PodHistory {
    const containers = new Map(before?.containers)
    for (const { name } of facts.containers) {
      if (!containers.has(name)) containers.set(name, new ContainerHistory())
    }
    // An aggregate that was dropped as garbage comes back with the next sample only.
    const known = this.pods.get(facts.name)?.containers
    for (const name of containers.keys()) if (!known?.has(name)) this.aggregateOf(name, now)
    const pod = { facts, containers }
    this.pods.set(facts.name, pod)
    return pod
  }

  aggregateOf(containerName: string, now: EpochMs): Aggregate {
    const kept = this.aggregates.get(containerName)
    if (kept !== undefined) return kept.aggregate
    const aggregate = new Aggregate(this.#halfLives)
    this.aggregates.set(containerName, { aggregate, createdAt: now })
    return aggregate
  }

  /** What the container has used is known from elsewhere. Intervals that have not ended stay: elsewhere they may not be. */
  forgetUsage(containerName: string, now: EpochMs): void {
    const before = this.aggregates.get(containerName)?.aggregate
    if (before === undefined) return
    this.aggregates.delete(containerName)
    const aggregate = this.aggregateOf(containerName, now)
    for (const { containers } of this.pods.values()) containers.get(containerName)?.moveInterval(before, aggregate, now)
  }

  isEmpty(): boolean {
    return this.pods.size === 0 && this.aggregates.size === 0
  }
}
