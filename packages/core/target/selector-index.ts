import { type LabelSelector, type Labels, matchesSelector } from '../selector.ts'

interface Entry<T> {
  readonly selector: LabelSelector
  readonly value: T
}

/** Selectors by one of the labels they ask for, so that those that match a pod are found without a look at all others. */
export class SelectorIndex<T> {
  /** `namespace/key=value`, or `namespace/` for selectors that ask for no label by value. */
  readonly #entries = new Map<string, Entry<T>[]>()

  add(namespace: string, selector: LabelSelector, value: T): void {
    const [label] = Object.entries(selector.matchLabels ?? {})
    const key = label === undefined ? `${namespace}/` : keyOf(namespace, label)
    const entries = this.#entries.get(key) ?? []
    entries.push({ selector, value })
    this.#entries.set(key, entries)
  }

  /** In no particular order. */
  matching(namespace: string, labels: Labels): readonly T[] {
    const keys = [`${namespace}/`, ...Object.entries(labels).map((label) => keyOf(namespace, label))]
    const candidates = keys.flatMap((key) => this.#entries.get(key) ?? [])
    return candidates.filter(({ selector }) => matchesSelector(selector, labels)).map(({ value }) => value)
  }
}

function keyOf(namespace: string, [key, value]: readonly [string, string]): string {
  return `${namespace}/${key}=${value}`
}
