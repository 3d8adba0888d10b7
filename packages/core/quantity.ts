/**
 * Kubernetes quantities: `250m`, `1.5Gi`, `1e3`. Parsed and printed exactly as
 * k8s.io/apimachinery/pkg/api/resource does, because users compare our text with the Go implementation's.
 *
 * Kept in billionths (`nanos`), the finest a quantity can be, so that every operation on them is exact.
 */
export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent'

export interface Quantity {
  readonly nanos: bigint
  /** How it was written; decides how it is printed. */
  readonly format: QuantityFormat
}

/** Resource name to amount, such as `requests` of a container. */
export type ResourceList = Readonly<Record<string, Quantity>>

export const NANOS_PER_UNIT = 1_000_000_000n
const NANOS_PER_MILLI = 1_000_000n
/** What Go caps at: the largest int64, in billionths. */
const LARGEST = (2n ** 63n - 1n) * NANOS_PER_UNIT
/** BigInt arithmetic is slow, and quantities are read for every pod: what it would come to again and again stands ready. */
const POWERS_OF_10 = Array.from({ length: 28 }, (_, exponent) => 10n ** BigInt(exponent))
/** What the pattern of the Go implementation's error message takes. No two parts can begin alike: whether a long text is one is told in one go. */
const SHAPE = /^([+-]?)([0-9]*)(?:\.([0-9]*))?((?:[eEinumkKMGTP]+[-+]?|[-+])[0-9]*)?$/
/** In characters. Go takes any number of digits, and caps what they come to; nobody means more, and a million would take us seconds. */
const LONGEST = 1000
const LONGEST_SHOWN = 100

const DECIMAL_SUFFIXES = new Map([['n', -9], ['u', -6], ['m', -3], ['', 0], ['k', 3], ['M', 6], ['G', 9], ['T', 12], ['P', 15], ['E', 18]])
const BINARY_SUFFIXES = new Map(['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'].map((suffix, index) => [suffix, 1024n ** BigInt(index + 1)]))
const DECIMAL_SUFFIX_OF = new Map([...DECIMAL_SUFFIXES].map(([suffix, exponent]) => [exponent, suffix]))
const BINARY_SUFFIX_OF = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei']

/** More digits than this do not fit Go's fast path, and only its slow path caps at the largest int64. */
const EXACT_DIGITS = 18

/**
 * Reads a quantity, rounding what is finer than a billionth away from zero.
 *
 * @returns undefined when the text is not a quantity
 */
export function parseQuantity(text: string): Quantity | undefined {
  const match = text.length <= LONGEST ? SHAPE.exec(text) : null
  if (match === null) return undefined
  const [, sign = '', whole = '', fraction = '', suffix = ''] = match
  const digits = whole + fraction
  if (digits === '') return undefined
  const scale = scaleOf(suffix)
  if (scale === undefined) return undefined

  let nanos = roundUpToNanos(BigInt(digits), scale.exponent10 - fraction.length + 9, scale.factor)
  if (digits.length > EXACT_DIGITS || scale.format === 'BinarySI') nanos = min(nanos, LARGEST)
  const belowOne = nanos > 0n && nanos < NANOS_PER_UNIT
  const format = scale.format === 'BinarySI' && belowOne ? 'DecimalSI' : scale.format
  return { nanos: sign === '-' ? -nanos : nanos, format }
}

/**
 * {@link parseQuantity} for text that must be right.
 *
 * @throws RangeError that names the text and shows valid ones
 */
export function quantity(text: string): Quantity {
  const parsed = parseQuantity(text)
  if (parsed === undefined) throw new RangeError(notAQuantity(text))
  return parsed
}

/** What is wrong with a text, which may be long, that {@link parseQuantity} refuses. */
export function notAQuantity(text: string): string {
  const shown = text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text
  return `not a quantity, such as 250m or 1.5Gi: ${JSON.stringify(shown)}`
}

/** 1168 is `1168m`, 2000 is `2`. */
export function quantityOfMillis(millis: number | bigint): Quantity {
  return { nanos: BigInt(millis) * NANOS_PER_MILLI, format: 'DecimalSI' }
}

/** 262144000 is `250Mi`, 1238659775 stays `1238659775`. */
export function quantityOfBytes(bytes: number | bigint): Quantity {
  return { nanos: BigInt(bytes) * NANOS_PER_UNIT, format: 'BinarySI' }
}

/** In thousandths, rounded away from zero (Go's MilliValue): `1n` is 1, `1.5` is 1500. */
export function milliValue(q: Quantity): bigint {
  return divideAwayFromZero(q.nanos, NANOS_PER_MILLI)
}

/** In whole units, rounded away from zero (Go's Value): `500m` is 1. */
export function wholeValue(q: Quantity): bigint {
  return divideAwayFromZero(q.nanos, NANOS_PER_UNIT)
}

/** As a fraction: `500m` is 0.5. Metrics are in cores and bytes. */
export function inUnits(q: Quantity): number {
  return Number(q.nanos) / Number(NANOS_PER_UNIT)
}

/** Canonical text: `1500m`, `3`, `250Mi`, `3e9`. */
export function formatQuantity(q: Quantity): string {
  if (q.nanos === 0n) return '0'
  const binary = q.format === 'BinarySI' && abs(q.nanos) >= 1024n * NANOS_PER_UNIT && q.nanos % NANOS_PER_UNIT === 0n
  return binary ? formatBinary(q.nanos / NANOS_PER_UNIT) : formatDecimal(q.nanos, q.format === 'DecimalExponent')
}

export function compareQuantities(a: Quantity, b: Quantity): -1 | 0 | 1 {
  if (a.nanos === b.nanos) return 0
  return a.nanos < b.nanos ? -1 : 1
}

interface Scale {
  readonly format: QuantityFormat
  readonly exponent10: number
  readonly factor: bigint
}

function scaleOf(suffix: string): Scale | undefined {
  const decimal = DECIMAL_SUFFIXES.get(suffix)
  if (decimal !== undefined) return { format: 'DecimalSI', exponent10: decimal, factor: 1n }
  const binary = BINARY_SUFFIXES.get(suffix)
  if (binary !== undefined) return { format: 'BinarySI', exponent10: 0, factor: binary }
  if (!/^[eE][-+]?[0-9]+$/.test(suffix)) return undefined
  const exponent10 = Number(suffix.slice(1))
  // Beyond this nothing fits a quantity; a bound keeps `1e999999999` from filling the memory.
  return { format: 'DecimalExponent', exponent10: Math.max(-400, Math.min(400, exponent10)), factor: 1n }
}

function roundUpToNanos(digits: bigint, exponent10: number, factor: bigint): bigint {
  const scaled = factor === 1n ? digits : digits * factor
  if (exponent10 >= 0) return scaled * powerOf10(exponent10)
  return divideAwayFromZero(scaled, powerOf10(-exponent10))
}

function powerOf10(exponent: number): bigint {
  return POWERS_OF_10[exponent] ?? 10n ** BigInt(exponent)
}

function formatDecimal(nanos: bigint, asExponent: boolean): string {
  let mantissa = nanos
  let exponent = -9
  while (mantissa % 1000n === 0n) {
    mantissa /= 1000n
    exponent += 3
  }
  if (asExponent) return exponent === 0 ? `${mantissa}` : `${mantissa}e${exponent}`
  const suffix = DECIMAL_SUFFIX_OF.get(exponent)
  if (suffix !== undefined) return `${mantissa}${suffix}`
  return `${mantissa * 10n ** BigInt(exponent - 18)}E`
}

function formatBinary(whole: bigint): string {
  let mantissa = whole
  let power = 0
  while (mantissa % 1024n === 0n && power < BINARY_SUFFIX_OF.length - 1) {
    mantissa /= 1024n
    power += 1
  }
  return `${mantissa}${BINARY_SUFFIX_OF[power]}`
}

function divideAwayFromZero(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor
  if (dividend % divisor === 0n) return quotient
  return dividend < 0n ? quotient - 1n : quotient + 1n
}

function abs(value: bigint): bigint {
  return value < 0n ? -value : value
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}
