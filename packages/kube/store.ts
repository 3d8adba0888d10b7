import type { EpochMs } from '@vpa/core/time.ts'
import type { Change, Store } from './cluster.ts'

/** What an object must carry to be kept. */
export interface StoredObject {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
}

/** The local copy of one kind; a watch writes it, programs read it. */
export class ObjectStore<T extends StoredObject> implements Store<T> {
  heardAt: EpochMs | undefined
  readonly #namespaces = new Map<string, Map<string, T>>()
  readonly #listeners = new Set<(change: Change<T>) => void>()
  readonly #listenerFailed: (error: unknown) => void

  /** @param listenerFailed told what a listener throws; the store and its other listeners go on */
  constructor(listenerFailed: (error: unknown) => void) {
    this.#listenerFailed = listenerFailed
  }

  get(namespace: string, name: string): T | undefined {
    return this.#namespaces.get(namespace)?.get(name)
  }

  *list(): Generator<T> {
    for (const objects of this.#namespaces.values()) yield* objects.values()
  }

  get size(): number {
    let size = 0
    for (const objects of this.#namespaces.values()) size += objects.size
    return size
  }

  subscribe(listener: (change: Change<T>) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Adds or replaces. An object that took the place of another of its name is a removal and an addition. */
  set(now: T): void {
    const before = this.get(now.namespace, now.name)
    if (before?.uid === now.uid && before.resourceVersion === now.resourceVersion) return
    if (before !== undefined && before.uid !== now.uid) this.remove(before)
    const objects = this.#namespaces.get(now.namespace) ?? new Map<string, T>()
    this.#namespaces.set(now.namespace, objects.set(now.name, now))
    this.#emit({ before: before?.uid === now.uid ? before : undefined, now })
  }

  remove({ namespace, name }: Pick<StoredObject, 'namespace' | 'name'>): void {
    const objects = this.#namespaces.get(namespace)
    const before = objects?.get(name)
    if (objects === undefined || before === undefined) return
    objects.delete(name)
    if (objects.size === 0) this.#namespaces.delete(namespace)
    this.#emit({ before, now: undefined })
  }

  #emit(change: Change<T>): void {
    for (const listener of this.#listeners) {
      try {
        listener(change)
      } catch (error) {
        this.#listenerFailed(error)
      }
    }
  }
}
