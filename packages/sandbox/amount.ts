import { milliValue, quantity, wholeValue } from '@vpa/core/quantity.ts'

/** Millicores of `cpu`, bytes of `memory`; undefined where the list does not name it. */
export function amountOf(list: Readonly<Record<string, string | number>> | undefined, name: 'cpu' | 'memory'): number | undefined {
  const text = list?.[name]
  if (text === undefined) return undefined
  return Number(name === 'cpu' ? milliValue(quantity(String(text))) : wholeValue(quantity(String(text))))
}
