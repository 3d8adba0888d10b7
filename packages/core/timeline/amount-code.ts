import type { Amount } from '../amount.ts'

/** Of 65,536 codes, 0 is unknown and 1 is nothing; the others are spread evenly over the logarithms of 1 to {@link MOST}. */
export const UNKNOWN = 0
const NOTHING = 1
const FIRST = 2
const LAST = 65_535
/** More than this is shown as this: 91 TiB, as amounts end (see Amount). */
const MOST = 1e14
const STEP = Math.log(MOST) / (LAST - FIRST)

/** An amount in 16 bits, wrong by 0.025 % at most: 548 millicores are 548 again, 548,861,636 bytes come back as 548,915,238. */
export function codeOf(amount: Amount | undefined): number {
  if (amount === undefined || Number.isNaN(amount)) return UNKNOWN
  return amount < 1 ? NOTHING : FIRST + Math.round(Math.log(Math.min(amount, MOST)) / STEP)
}

/** What {@link codeOf} was given, almost. */
export function amountOfCode(code: number): Amount | undefined {
  if (code === UNKNOWN) return undefined
  return code === NOTHING ? 0 : Math.round(Math.exp((code - FIRST) * STEP))
}
