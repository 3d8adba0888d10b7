import { expect, test } from 'vitest'
import { formatAddress, parseAddress } from './address.ts'

test.for([
  [':8942', { host: '', port: 8942 }],
  ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
  ['localhost:8942', { host: 'localhost', port: 8942 }],
  ['[::1]:8942', { host: '::1', port: 8942 }],
] as const)('%s is an address', ([text, address]) => {
  expect(parseAddress(text)).toEqual(address)
  expect(formatAddress(address)).toBe(text)
})

test.for(['', '8942', ':', ':http', ':65536', '::1:8942', 'http://localhost:8942', ':8942/metrics'])('%j is none', (text) => {
  expect(parseAddress(text)).toBeUndefined()
})
