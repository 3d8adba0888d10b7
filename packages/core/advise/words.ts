import type { Amount, Resource } from '../amount.ts'
import { type DurationMs, DAY, HOUR, MINUTE, SECOND } from '../time.ts'

const UNITS = [['Ti', 2 ** 40], ['Gi', 2 ** 30], ['Mi', 2 ** 20], ['Ki', 2 ** 10]] as const

/** Short, with three digits where that says enough: `548m`, `2.5`, `512Mi`, `1.5Gi`; `-` for what is not known. */
export function amountText(resource: Resource, amount: Amount | undefined): string {
  if (amount === undefined || Number.isNaN(amount)) return '-'
  if (resource === 'cpu') return amount < 1000 ? `${Math.round(amount)}m` : threeDigits(amount / 1000)
  const [suffix, size] = UNITS.find(([, size]) => amount >= size) ?? ['', 1]
  return `${threeDigits(amount / size)}${suffix}`
}

/** `+20%`, `-71%`; nothing for what is not known. */
export function changeText(change: number | undefined): string {
  if (change === undefined) return '-'
  const percent = Math.round(100 * change)
  return `${percent > 0 ? '+' : ''}${percent}%`
}

export function percentText(part: number): string {
  return `${Number((100 * part).toFixed(1))}%`
}

/** Money of a month: `$1,234`, `-$8.20`; cents only where they count. */
export function moneyText(amount: number, currency: string): string {
  const cents = Math.abs(amount) < 100 ? 2 : 0
  const text = Math.abs(amount).toLocaleString('en-US', { minimumFractionDigits: cents, maximumFractionDigits: cents })
  const isNothing = Number(text.replaceAll(',', '')) === 0
  return `${amount < 0 && !isNothing ? '-' : ''}${currency}${text}`
}

/** A price by the hour, as precise as it is: `$0.031611`. */
export function priceText(price: number, currency: string): string {
  return `${currency}${price.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 6 })}`
}

/** As kubectl has it, to two units' worth: `45s`, `12m`, `36h`, `9d`. */
export function ageText(duration: DurationMs): string {
  const units = [['d', DAY], ['h', HOUR], ['m', MINUTE]] as const
  const [suffix, size] = units.find(([, size]) => duration >= 2 * size) ?? ['s', SECOND]
  return `${Math.max(0, Math.floor(duration / size))}${suffix}`
}

export function countText(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`
}

function threeDigits(value: number): string {
  return String(value >= 100 ? Math.round(value) : Number(value.toPrecision(3)))
}
