import { expect, test } from 'vitest'
import { serialNumber } from './key-pair.ts'

test.for([
  ['zeros at the front, which would be padding', [0, 0, 0x3f]],
  ['one zero at the front', [0, 0xff, 0x01]],
  ['a first bit that would be a sign', [0xff, 0xff, 0xff]],
  ['a first byte that is fine as it is', [0x41, 0x00, 0x07]],
] as const)('a serial number of random bytes with %s is positive and as short as can be', ([, random]) => {
  const digits = serialNumber(Uint8Array.from(random))
  expect(digits).toMatch(/^[4-7][0-9a-f]{5}$/)
  expect(digits.slice(2)).toBe(Buffer.from(random.slice(1)).toString('hex'))
})
