import { type Kind } from './kind.ts'
import { type KubeObject, keyOf } from './object.ts'

export interface StorageEvent {
  readonly version: number
  readonly kind: Kind
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly object: KubeObject
  readonly before: KubeObject | undefined
}

/** How many changes can be watched from; older versions are answered with 410. */
const HISTORY_LENGTH = 5000

/** What etcd is to an API server: every object under its key, one version counter for all, and the recent changes. */
export class Storage {
  #version = 1
  #compactedAt = 0
  readonly #objects = new Map<string, Map<string, KubeObject>>()
  /** Lists in order, until the next write of their kind: the simulation reads far more than it writes. */
  readonly #lists = new Map<string, readonly KubeObject[]>()
  #history: StorageEvent[] = []
  readonly #listeners = new Set<(event: StorageEvent) => void>()

  get version(): number {
    return this.#version
  }

  /** The newest version that cannot be resumed from any more. */
  get compactedAt(): number {
    return this.#compactedAt
  }

  get(kind: Kind, key: string): KubeObject | undefined {
    return this.#objectsOf(kind).get(key)
  }

  /** In the order of keys, as etcd lists them. */
  list(kind: Kind): readonly KubeObject[] {
    const name = storageName(kind)
    const known = this.#lists.get(name) ?? inOrder(this.#objectsOf(kind))
    this.#lists.set(name, known)
    return known
  }

  /** Creates or replaces; the object gets the next resource version. */
  put(kind: Kind, object: KubeObject): KubeObject {
    const objects = this.#objectsOf(kind)
    const key = keyOf(object.metadata)
    const before = objects.get(key)
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: `${++this.#version}` } }
    objects.set(key, stored)
    this.#record({ version: this.#version, kind, type: before ? 'MODIFIED' : 'ADDED', object: stored, before })
    return stored
  }

  remove(kind: Kind, object: KubeObject): void {
    const objects = this.#objectsOf(kind)
    const key = keyOf(object.metadata)
    const before = objects.get(key)
    if (before === undefined) return
    objects.delete(key)
    const last = { ...before, metadata: { ...before.metadata, resourceVersion: `${++this.#version}` } }
    this.#record({ version: this.#version, kind, type: 'DELETED', object: last, before })
  }

  /** Changes after that version, or undefined when they are forgotten. */
  since(version: number): readonly StorageEvent[] | undefined {
    if (version < this.#compactedAt) return undefined
    return this.#history.filter((event) => event.version > version)
  }

  /** The list as it was at that version, or undefined when it is forgotten. */
  snapshot(kind: Kind, version: number): readonly KubeObject[] | undefined {
    const changes = this.since(version)
    if (changes === undefined) return undefined
    const objects = new Map(this.#objectsOf(kind))
    for (const { kind: changed, object, before } of changes.toReversed()) {
      if (storageName(changed) !== storageName(kind)) continue
      if (before) objects.set(keyOf(before.metadata), before)
      else objects.delete(keyOf(object.metadata))
    }
    return inOrder(objects)
  }

  /** Forgets all changes, as etcd does every five minutes. */
  compact(): void {
    this.#compactedAt = this.#version
    this.#history = []
  }

  subscribe(listener: (event: StorageEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #objectsOf(kind: Kind): Map<string, KubeObject> {
    const name = storageName(kind)
    const objects = this.#objects.get(name) ?? new Map<string, KubeObject>()
    this.#objects.set(name, objects)
    return objects
  }

  #record(event: StorageEvent): void {
    this.#lists.delete(storageName(event.kind))
    this.#history.push(event)
    if (this.#history.length > 2 * HISTORY_LENGTH) {
      this.#history = this.#history.slice(-HISTORY_LENGTH)
      this.#compactedAt = (this.#history[0]?.version ?? 1) - 1
    }
    for (const listener of this.#listeners) listener(event)
  }
}

/** Versions of a kind share their objects; so do both kinds of events. */
export function storageName({ group, resource }: Kind): string {
  return group === 'events.k8s.io' ? '/events' : `${group}/${resource}`
}

function inOrder(objects: ReadonlyMap<string, KubeObject>): readonly KubeObject[] {
  return [...objects].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object)
}
