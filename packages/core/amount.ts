/** Millicores of CPU or bytes of memory, an integer from 0 to {@link MAX_AMOUNT}. */
export type Amount = number
export const RESOURCES = ['cpu', 'memory'] as const
export type Resource = (typeof RESOURCES)[number]

/** 100 billion cores, or 91 TiB; an estimate without any confidence ends here (upstream: MaxResourceAmount). */
const MAX_AMOUNT: Amount = 1e14

/** 9 trillion cores, or 8 PiB: as much as a number tells exactly. No machine has it, so that usage above it is none. */
export const MAX_USAGE: Amount = Number.MAX_SAFE_INTEGER

/** Not what is negative, infinite, no number, or above {@link MAX_USAGE}. */
export function isUsage(value: number): boolean {
  return value >= 0 && value <= MAX_USAGE
}

/** Cuts off the fraction: 12.9 is 12, anything negative or not a number is 0. */
export function amountOf(value: number): Amount {
  return value > 0 ? Math.trunc(Math.min(value, MAX_AMOUNT)) : 0
}
