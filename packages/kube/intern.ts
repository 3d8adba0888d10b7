import type { Quantity } from '@vpa/core/quantity.ts'

/** What differs from object to object anyway. */
const UNIQUE_FIELDS = new Set(['name', 'generateName', 'uid', 'resourceVersion'])
/** Past this, remembering costs more than it saves. Forgetting is harmless: equal values are then kept twice. */
const MAX_REMEMBERED = 100_000

/**
 * Keeps equal strings and quantities once. Pods of one workload say the same thing hundreds of times:
 * 5,000 of them need a fifth of the memory.
 */
export class Interner {
  readonly #strings = new Map<string, string>()
  readonly #quantities = new Map<string, Quantity>()

  /** Replaces the values inside the object, which must be the caller's own, and returns it. */
  intern<T extends object>(object: T): T {
    if (this.#strings.size > MAX_REMEMBERED) this.#strings.clear()
    if (this.#quantities.size > MAX_REMEMBERED) this.#quantities.clear()
    this.#walk(object, UNIQUE_FIELDS)
    return object
  }

  #walk(object: object, except?: ReadonlySet<string>): void {
    const fields = object as Record<string, unknown>
    for (const key in fields) if (!except?.has(key)) fields[key] = this.#shared(fields[key])
  }

  #shared(value: unknown): unknown {
    if (typeof value === 'string') return remembered(this.#strings, value, value)
    if (typeof value !== 'object' || value === null) return value
    if (isQuantity(value)) return remembered(this.#quantities, `${value.nanos}${value.format}`, value)
    this.#walk(value)
    return value
  }
}

function remembered<V>(known: Map<string, V>, key: string, value: V): V {
  const first = known.get(key)
  if (first !== undefined) return first
  known.set(key, value)
  return value
}

function isQuantity(value: object): value is Quantity {
  return typeof (value as Partial<Quantity>).nanos === 'bigint'
}
