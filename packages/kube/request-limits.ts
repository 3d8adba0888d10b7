import { SECOND } from '@vpa/core/time.ts'

/** Longer an API server waits for no webhook's answer. */
const SLOWEST_REQUEST = 30 * SECOND

/**
 * For fastify, which waits for ever by itself: whoever sends a request more slowly is cut off when Node looks for such next, every 30 s.
 * Node takes the longer of the two limits for the whole request.
 */
export const REQUEST_LIMITS = { requestTimeout: SLOWEST_REQUEST, http: { headersTimeout: SLOWEST_REQUEST } } as const
