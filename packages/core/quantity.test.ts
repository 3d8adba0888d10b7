import { expect, test } from 'vitest'
import { formatQuantity, milliValue, parseQuantity, quantity, quantityOfBytes, quantityOfMillis, wholeValue } from './quantity.ts'

test.for([
  ['a plain number', '100', '100'],
  ['millicores that make a whole core', '2000m', '2'],
  ['millicores that do not', '1500m', '1500m'],
  ['a decimal fraction', '0.5', '500m'],
  ['binary, reduced to the largest unit', '1024Mi', '1Gi'],
  ['binary with a fraction', '1.5Gi', '1536Mi'],
  ['binary below 1024 is printed as decimal', '0.5Ki', '512'],
  ['binary with a fraction of a byte is printed as decimal', '800.61Mi', '839500431360m'],
  ['decimal exponent keeps its form', '3000e6', '3e9'],
  ['decimal exponent of a small number', '1e3', '1e3'],
  ['one exabyte is not an exponent', '1E', '1E'],
  ['finer than a billionth rounds up', '0.1n', '1n'],
  ['zero has no suffix', '0Mi', '0'],
  ['a negative one', '-1500m', '-1500m'],
  ['a leading plus', '+5', '5'],
  ['no digit before the point', '.5', '500m'],
  ['no digit after the point', '5.', '5'],
  ['larger than an int64 is capped', '99999999999999999999', '9223372036854775807'],
] as const)('%s: %s is %s', ([, text, canonical]) => {
  expect(formatQuantity(quantity(text))).toBe(canonical)
})

test.for(['', 'm', '.', '1.2.3', '1 Gi', '5mi', '1ee3', '1e', '0x10', 'NaN', 'Infinity', '1Ki5'])('%j is not a quantity', (text) => {
  expect(parseQuantity(text)).toBeUndefined()
})

test.for([[1000, 9223372036854775807n * 1_000_000_000n], [1001, undefined]] as const)('%d digits are %s billionths', ([digits, nanos]) => {
  expect(parseQuantity('1'.repeat(digits))?.nanos).toBe(nanos)
})

test.for([
  ['itself', '5mi', '5mi'],
  ['only its beginning, where it is long', '1'.repeat(1_000_000), `${'1'.repeat(100)}…`],
] as const)('text that must be a quantity and is not names %s', ([, text, shown]) => {
  expect(() => quantity(text)).toThrow(new RangeError(`not a quantity, such as 250m or 1.5Gi: "${shown}"`))
})

test.for([
  ['1n', 1n, 1n],
  ['1500m', 1500n, 2n],
  ['-0.5', -500n, -1n],
  ['-1500m', -1500n, -2n],
  ['2Gi', 2147483648000n, 2147483648n],
] as const)('%s reads as %s thousandths and %s units, rounded away from zero', ([text, millis, whole]) => {
  expect(milliValue(quantity(text))).toBe(millis)
  expect(wholeValue(quantity(text))).toBe(whole)
})

test.for([
  ['1168 millicores', quantityOfMillis(1168), '1168m'],
  ['2000 millicores', quantityOfMillis(2000), '2'],
  ['the largest millicores of the Go model', quantityOfMillis(1e14), '100G'],
  ['250 MiB', quantityOfBytes(262144000), '250Mi'],
  ['bytes that are no multiple of 1024', quantityOfBytes(1238659775), '1238659775'],
  ['the largest bytes of the Go model', quantityOfBytes(1e14), '97656250000Ki'],
] as const)('%s is printed as %s', ([, amount, text]) => {
  expect(formatQuantity(amount)).toBe(text)
})
