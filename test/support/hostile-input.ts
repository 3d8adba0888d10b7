import { type Arbitrary, array, constantFrom, double, jsonValue, nat, oneof, record, string } from 'fast-check'
import { usedMs } from './cpu-time.ts'

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** `npm run fuzz` asks for many more. */
export const CASES = Number(process.env['FUZZ_CASES'] ?? 1000)
const SLOWEST_MS = 1000
const NASTY = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '', '0', '-1', '1e400', '1e-400', '9'.repeat(400), 'NaN', 'Infinity', '\0', '\u{1f4a5}', '{', '[', ',', 'a=b', '!a', 'a in (b)']

export const nastyText = oneof(constantFrom(...NASTY), string())
const nastyValue = oneof(jsonValue(), nastyText, double(), constantFrom<Json>({ polluted: true }, [], {}, null)) as Arbitrary<Json>

/** The text of one of these objects with a value, or a key, that does not belong there. */
export function hostileText(...seeds: readonly Json[]): Arbitrary<string> {
  const change = record({ seed: constantFrom(...seeds), path: array(nat(9), { maxLength: 9 }), key: nastyText, value: nastyValue })
  return change.map(({ seed, path, key, value }) => mutated(seed, path, { key, value }))
}

/** As text, because of an object that is built here some keys would be no keys. */
function mutated(seed: Json, path: readonly number[], { key: foreign, value }: { key: string; value: Json }): string {
  const walk = (at: Json, [step, ...rest]: readonly number[]): string => {
    if (step === undefined || at === null || typeof at !== 'object') return JSON.stringify(value)
    if (Array.isArray(at)) return at.length === 0 ? JSON.stringify([value]) : `[${at.map((item, index) => (index === step % at.length ? walk(item, rest) : JSON.stringify(item))).join()}]`
    const entries = Object.entries(at)
    const chosen = step % (entries.length + 1)
    const texts = entries.map(([key, item], index) => `${JSON.stringify(key)}:${index === chosen ? walk(item, rest) : JSON.stringify(item)}`)
    return `{${[...texts, ...(chosen === entries.length ? [`${JSON.stringify(foreign)}:${JSON.stringify(value)}`] : [])].join()}}`
  }
  return walk(seed, path)
}

/**
 * Whatever comes, a parser is to answer or to throw an Error, soon, and to leave all other objects alone.
 *
 * @returns what it did instead; undefined when all is well
 */
export function harmOf(parse: () => unknown): string | undefined {
  const begin = usedMs()
  try {
    return harmIn(parse(), usedMs() - begin)
  } catch (error) {
    return harmIn(thrown(error), usedMs() - begin)
  }
}

/** {@link harmOf} for a parser that reads. */
export async function harmOfReading(read: () => Promise<unknown>): Promise<string | undefined> {
  const begin = usedMs()
  const outcome = await read().catch(thrown)
  return harmIn(outcome, usedMs() - begin)
}

/** Something else was thrown. */
class NoError extends Error {}

function thrown(error: unknown): Error {
  return error instanceof Error ? error : new NoError(String(error))
}

function harmIn(outcome: unknown, tookMs: number): string | undefined {
  if (outcome instanceof NoError || (outcome instanceof Error && /call stack|out of memory/.test(outcome.message))) return outcome.message
  if (tookMs > SLOWEST_MS) return `it took ${tookMs} ms`
  if (Object.keys(Object.prototype).length > 0 || ({} as { polluted?: unknown }).polluted !== undefined) return 'every object has something new'
  return outcome instanceof Error ? undefined : strangerIn(outcome)
}

/** An object whose prototype is no class, but something that was sent. */
function strangerIn(outcome: unknown): string | undefined {
  const left: unknown[] = [outcome]
  for (const seen = new Set<unknown>(); left.length > 0; ) {
    const value = left.pop()
    if (typeof value !== 'object' || value === null || seen.has(value)) continue
    seen.add(value)
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype !== null && !isOfClass(prototype)) return `an object inherits from ${Object.keys(prototype as object).join() || 'another'}`
    if (value instanceof Map) left.push(...value.keys(), ...value.values())
    else left.push(...Object.values(value))
  }
  return undefined
}

function isOfClass(prototype: unknown): boolean {
  const { constructor } = prototype as { constructor?: unknown }
  return typeof constructor === 'function' && constructor.prototype === prototype
}
