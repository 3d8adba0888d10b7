import type { Amount } from '../amount.ts'
import { NANOS_PER_UNIT, type Quantity, quantityOfBytes, quantityOfMillis } from '../quantity.ts'

/** How amounts are made easier to read; always upwards. */
export interface RoundingOptions {
  /** CPU is a multiple of this; 1 or less leaves it as it is. */
  readonly cpuMillicores: number
  /** Memory is a multiple of this; 1 or less leaves it as it is. */
  readonly memoryBytes: number
  /** Memory in hundredths of the largest fitting unit: 839500000 is 800.61Mi, which prints as 839500431360m. Deprecated upstream for this reason. */
  readonly humanizeMemory: boolean
}

const UNITS = [2n ** 40n, 2n ** 30n, 2n ** 20n, 2n ** 10n]

/** Multiples of 3 millicores: 1000 is 1002m. */
export function cpuQuantity(millicores: Amount, { cpuMillicores }: RoundingOptions): Quantity {
  return quantityOfMillis(roundUp(millicores, cpuMillicores))
}

/** Multiples of 128 MiB: 839500000 is 896Mi. */
export function memoryQuantity(bytes: Amount, { memoryBytes, humanizeMemory }: RoundingOptions): Quantity {
  const rounded = BigInt(roundUp(bytes, memoryBytes))
  const unit = humanizeMemory ? UNITS.find((unit) => rounded >= unit) : undefined
  if (unit === undefined) return quantityOfBytes(rounded)
  return { nanos: (halfToEven(rounded * 100n, unit) * unit * NANOS_PER_UNIT) / 100n, format: 'BinarySI' }
}

function roundUp(amount: Amount, multiple: number): Amount {
  return multiple > 1 ? Math.ceil(amount / multiple) * multiple : amount
}

/** As Go prints decimals: 112.5 is 112, 137.5 is 138. */
function halfToEven(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor
  const twiceRest = (dividend % divisor) * 2n
  const up = twiceRest > divisor || (twiceRest === divisor && quotient % 2n === 1n)
  return up ? quotient + 1n : quotient
}
