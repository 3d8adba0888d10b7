import { expect, test } from 'vitest'
import { formatQuantity, parseQuantity } from '../quantity.ts'
import { boundaryRequest, proportionalLimit } from './proportional-limit.ts'

const amount = (text: string | undefined) => (text === undefined ? undefined : parseQuantity(text))
const original = (limit?: string, request?: string, defaultLimit?: string) => ({ limit: amount(limit), request: amount(request), defaultLimit: amount(defaultLimit) })

// Upstream: Test_getProportionalResourceLimitCPU and …Mem.
test.for([
  ['the limit keeps its ratio', 'cpu', original('2', '1'), '10', '20'],
  ['a LimitRange default stands in for a missing limit', 'cpu', original(undefined, '1', '2'), '10', '20'],
  ['a limit of zero is none', 'cpu', original('0', '1', '2'), '10', '20'],
  ['no limit, none to set', 'cpu', original(undefined, '1'), '10', 'cpu: limit NOT set since originalLimit is nil or 0'],
  ['no recommendation, no limit to set', 'cpu', original('2', '1'), '0', 'cpu: limit NOT set since recommendedRequest is nil or 0'],
  ['a missing request equals the limit', 'cpu', original('2'), '10', '10'],
  ['request and limit stay equal', 'cpu', original('1', '1'), '10', '10'],
  ['millicores are rounded down', 'cpu', original('2', '1500m'), '1', '1333m'],
  ['bytes are rounded down', 'memory', original('200', '150'), '100', '133'],
  ['an overflow is capped, and said', 'cpu', original('10G', '1m'), '10G', 'cpu: failed to keep limit to request ratio; capping limit to int64'],
  ['the Kong gateway of the demo', 'memory', original('300Mi', '200Mi'), '548861636', '823292454'],
] as const)('%s', ([, resource, of, recommended, expected]) => {
  const { limit, note } = proportionalLimit(resource, of, amount(recommended))
  expect(note ?? (limit && formatQuantity(limit))).toBe(expected)
})

test.for([
  ['half of the maximum, as the request is half of the limit', original('2', '1'), '3', '1500m'],
  ['the maximum itself without a request', original('2'), '3', '3'],
  ['no limit, no boundary', original(undefined, '1'), '3', undefined],
] as const)('the request that leads to a limit: %s', ([, of, boundary, expected]) => {
  const request = boundaryRequest('cpu', of, amount(boundary))
  expect(request && formatQuantity(request)).toBe(expected)
})
