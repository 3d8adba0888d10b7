import { type LabelSelector, type Labels, matchesSelector } from '../selector.ts'
import type { PodGroup } from './pod-group.ts'

/**
 * The groups of each namespace by their labels, so that those of a selector are found without a look at every other one.
 * A StatefulSet has one group per pod, so there can be as many groups as pods.
 */
export class GroupIndex {
  readonly #groups = new Map<string, PodGroup>()
  /** `namespace` and `namespace/key=value` to the groups that bear it. */
  readonly #byLabel = new Map<string, Set<PodGroup>>()

  /** @returns the group of exactly these labels */
  get(namespace: string, labels: Labels): PodGroup | undefined {
    return this.#groups.get(keyOf(namespace, labels))
  }

  add(group: PodGroup): void {
    this.#groups.set(keyOf(group.namespace, group.labels), group)
    for (const label of labelKeys(group)) {
      const groups = this.#byLabel.get(label) ?? new Set()
      this.#byLabel.set(label, groups.add(group))
    }
  }

  delete(group: PodGroup): void {
    this.#groups.delete(keyOf(group.namespace, group.labels))
    for (const label of labelKeys(group)) {
      const groups = this.#byLabel.get(label)
      groups?.delete(group)
      if (groups?.size === 0) this.#byLabel.delete(label)
    }
  }

  matching(namespace: string, selector: LabelSelector): readonly PodGroup[] {
    const keys = [namespace, ...Object.entries(selector.matchLabels ?? {}).map((label) => labelKey(namespace, label))]
    const candidates = keys.map((key) => this.#byLabel.get(key))
    const fewest = candidates.reduce((a, b) => ((b?.size ?? 0) < (a?.size ?? 0) ? b : a))
    return [...(fewest ?? [])].filter((group) => matchesSelector(selector, group.labels))
  }

  values(): Iterable<PodGroup> {
    return this.#groups.values()
  }
}

/** Neither `/` in a namespace nor `=` or `,` in a label are possible, so that different groups have different keys. */
function keyOf(namespace: string, labels: Labels): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`)
  return `${namespace}/${pairs.toSorted().join(',')}`
}

function labelKeys({ namespace, labels }: PodGroup): string[] {
  return [namespace, ...Object.entries(labels).map((label) => labelKey(namespace, label))]
}

function labelKey(namespace: string, [key, value]: readonly [string, string]): string {
  return `${namespace}/${key}=${value}`
}
