/** One line of a vector file: an input, and what the Go implementation made of it. See vectors/README.md. */
export interface Vector {
  readonly id: string
  readonly kind: string
  readonly input: unknown
  readonly expected: unknown
  /** JSON pointers into `expected` whose value Go leaves to its random map order. */
  readonly unstable?: readonly string[]
}

export type Verdict = 'pass' | { readonly fail: string } | { readonly skip: string }

/** Floats agree to this much: mathematical libraries differ in the last digits. */
const RELATIVE_TOLERANCE = 1e-9

/** Passes when both are equal but for {@link Vector.unstable}; otherwise names the first difference. */
export function compare(actual: unknown, vector: Vector): Verdict {
  const difference = firstDifference(actual, vector.expected, '', new Set(vector.unstable))
  return difference === undefined ? 'pass' : { fail: difference }
}

function firstDifference(actual: unknown, expected: unknown, at: string, unstable: ReadonlySet<string>): string | undefined {
  if (unstable.has(at)) return undefined
  if (isObject(actual) && isObject(expected) && Array.isArray(actual) === Array.isArray(expected)) {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
      const difference = firstDifference(actual[key], expected[key], `${at}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`, unstable)
      if (difference !== undefined) return difference
    }
    return undefined
  }
  if (actual === expected) return undefined
  if (typeof actual === 'number' && typeof expected === 'number' && isClose(actual, expected)) return undefined
  return `${at || '/'}: expected ${show(expected)}, got ${show(actual)}`
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function isClose(a: number, b: number): boolean {
  return Math.abs(a - b) <= RELATIVE_TOLERANCE * Math.max(Math.abs(a), Math.abs(b))
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value)
}
