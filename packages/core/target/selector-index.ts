import { type LabelSelector, type Labels, matchesSelector } from '../selector.ts'

interface Entry<T> {
  readonly selector: LabelSelector
  readonly value: T
}

/** Selectors by one of the labels they ask for, so that those that match a pod are found without a look at all others. */
export class SelectorIndex<T> {
  /** By namespace, label and its value; under label '' those that ask for no label by value. */
  readonly #entries = new Map<string, Map<string, Map<string, Entry<T>[]>>>()

  add(namespace: string, selector: LabelSelector, value: T): void {
    const [[label, labelValue] = ['', '']] = Object.entries(selector.matchLabels ?? {})
    const ofNamespace = this.#entries.get(namespace) ?? new Map<string, Map<string, Entry<T>[]>>()
    const ofLabel = ofNamespace.get(label) ?? new Map<string, Entry<T>[]>()
    const entries = ofLabel.get(labelValue) ?? []
    entries.push({ selector, value })
    this.#entries.set(namespace, ofNamespace.set(label, ofLabel.set(labelValue, entries)))
  }

  /** In no particular order. */
  matching(namespace: string, labels: Labels): readonly T[] {
    const ofNamespace = this.#entries.get(namespace)
    const found: T[] = []
    if (ofNamespace === undefined) return found
    const take = (entries: readonly Entry<T>[] = []) => {
      for (const { selector, value } of entries) if (matchesSelector(selector, labels)) found.push(value)
    }
    take(ofNamespace.get('')?.get(''))
    for (const label in labels) take(ofNamespace.get(label)?.get(labels[label] ?? ''))
    return found
  }
}
