import type { Quantity } from '@vpa/core/quantity.ts'

/** What differs from object to object anyway. */
const UNIQUE_FIELDS = new Set(['name', 'generateName', 'uid', 'resourceVersion'])
/** Longer texts are seldom said twice. */
const LONGEST = 200
/**
 * Of strings and of quantities, for each object that is kept; many are of objects that are gone. Forgetting all of them is harmless:
 * equal values are then kept twice.
 */
const MOST_PER_OBJECT = 4
/** As many in any case. */
const ALWAYS = 1000

/**
 * Keeps equal strings and quantities once. Pods of one workload say the same thing hundreds of times:
 * 5,000 of them need a fifth of the memory.
 */
export class Interner {
  readonly #strings = new Map<string, string>()
  readonly #quantities = new Map<string, Quantity>()
  /** Of each of the two. */
  #most = ALWAYS

  /** How many values it remembers, and so keeps in memory. */
  get size(): number {
    return this.#strings.size + this.#quantities.size
  }

  /**
   * Replaces the values inside the object, which must be the caller's own, and returns it.
   *
   * @param kept all objects of the caller, by whose number what is remembered is measured
   */
  intern<T extends object>(object: T, kept: { readonly size: number }): T {
    this.#forget(kept)
    this.#walk(object as Record<string, unknown>, UNIQUE_FIELDS)
    return object
  }

  /** The objects are counted only when the former count would not do any more: that may take a while. */
  #forget(kept: { readonly size: number }): void {
    if (Math.max(this.#strings.size, this.#quantities.size) <= this.#most) return
    this.#most = ALWAYS + MOST_PER_OBJECT * kept.size
    for (const values of [this.#strings, this.#quantities]) if (values.size > this.#most) values.clear()
  }

  #walk(fields: Record<string, unknown>, except?: ReadonlySet<string>): void {
    for (const key in fields) {
      const value = fields[key]
      if (typeof value === 'string') {
        if (!except?.has(key)) fields[key] = this.#one(value)
      } else if (typeof value === 'object' && value !== null) {
        if (Array.isArray(value)) this.#walkArray(value)
        else if (isQuantity(value)) fields[key] = remembered(this.#quantities, `${value.nanos}${value.format}`, value)
        else this.#walk(value as Record<string, unknown>)
      }
    }
  }

  /** Apart from {@link #walk}, because "for in" over an array is ten times slower. */
  #walkArray(values: unknown[]): void {
    for (const [index, value] of values.entries()) {
      if (typeof value === 'string') values[index] = this.#one(value)
      else if (typeof value === 'object' && value !== null) this.#walk(value as Record<string, unknown>)
    }
  }

  #one(text: string): string {
    return text.length > LONGEST ? text : remembered(this.#strings, text, text)
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
