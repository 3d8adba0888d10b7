import { expect, test } from 'vitest'
import { ApiError } from './api-error.ts'
import { NotSentError } from './not-sent-error.ts'
import { outcomeOf } from './outcome.ts'

const nodeCapacity = { message: 'too large', details: { causes: [{ reason: 'NodeCapacity' }] } }

const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })

test.for([
  ['a disruption budget says no', new ApiError(429, { message: 'Cannot evict pod as it would violate the disruption budget.' }), 'blocked'],
  ['the pod is gone', new ApiError(404, { message: 'pods "a" not found' }), 'gone'],
  ['another pod has its name', new ApiError(409, { message: 'Precondition failed: UID in precondition: 1, UID in object meta: 2' }), 'gone'],
  ['somebody else wrote it just now', new ApiError(409, { message: 'the object has been modified' }), 'rejected'],
  ['no node is that large', new ApiError(403, nodeCapacity), 'infeasible'],
  ['we may not', new ApiError(403, { message: 'forbidden' }), 'rejected'],
  ['nobody listens', new Error('POST /x: connect ECONNREFUSED', { cause: refused }), 'unreachable'],
  ['nobody listens at any of its addresses', new Error('POST /x', { cause: new AggregateError([refused, refused]) }), 'unreachable'],
  ['it was not sent', new NotSentError(), 'unreachable'],
  ['the connection broke', new Error('POST /x: read ECONNRESET', { cause: Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }) }), 'unknown'],
  ['the API server fails half way', new ApiError(500, { message: 'etcdserver: request timed out' }), 'unknown'],
  ['a proxy gives up waiting', new ApiError(504, { message: 'gateway timeout' }), 'unknown'],
] as const)('%s', async ([, error, outcome]) => {
  expect(await outcomeOf(Promise.reject(error))).toEqual({ outcome, message: error.message })
})

test('done', async () => {
  expect(await outcomeOf(Promise.resolve({}))).toEqual({ outcome: 'done' })
})
