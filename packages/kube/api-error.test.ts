import { expect, test } from 'vitest'
import { ApiError, apiErrorOf, isForbiddenByBudget } from './api-error.ts'

test.for([
  ['causes that are no list', '{"message":"wait","details":{"causes":{"reason":"DisruptionBudget"}}}', { message: 'wait', causes: [] }],
  ['a cause that is none', '{"details":{"causes":[null,"x",{"reason":7},{"reason":"DisruptionBudget"}]}}', { causes: [{}, {}, {}, { reason: 'DisruptionBudget' }] }],
  ['details that are none', '{"reason":"TooManyRequests","details":[]}', { reason: 'TooManyRequests', causes: [] }],
  ['a reason and a message that are no text', '{"reason":{},"message":[1]}', { reason: '', message: 'the server answered 429' }],
  ['a list', '[1]', { reason: '', message: 'the server answered 429' }],
  ['a text', '"slow down"', { reason: '', message: '"slow down"' }],
  ['nothing', 'null', { message: 'null' }],
] as const)('of a Status with %s, what can be read counts', ([, body, expected]) => {
  const error = apiErrorOf(429, body, undefined)
  expect(error).toMatchObject(expected)
  expect(isForbiddenByBudget(error)).toBe(body.includes('[null'))
})

test('an event of a watch may be of anything', () => {
  expect(new ApiError(500, 'x')).toMatchObject({ status: 500, message: 'the server answered 500', reason: '', causes: [] })
})
