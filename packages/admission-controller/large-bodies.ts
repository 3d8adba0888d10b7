import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyInstance, FastifyReply } from 'fastify'

/** A review of a pod has 2 to 20 KB. Small ones are always read: no more at once than there are connections. */
const LARGEST_SMALL = 32 * 1024
/** Of large requests that are under way at the same time, in bytes. */
const MOST_AT_ONCE = 64 * 1024 * 1024

export interface LargeBodyOptions {
  /** The largest that are read at all, in bytes. */
  readonly limit: number
  refuse(reply: FastifyReply): void
}

/** So that many large requests, each within its limit, do not fill the memory: those that are too many are refused before they are read. */
export function limitLargeBodies(server: FastifyInstance, { limit, refuse }: LargeBodyOptions): void {
  let underWay = 0
  server.addHook('onRequest', (request, reply, done) => {
    const size = sizeOf(request.headers, limit)
    if (size <= LARGEST_SMALL || size > limit) return done()
    if (underWay + size > MOST_AT_ONCE) return refuse(reply)
    underWay += size
    // Also when the connection is gone before there is an answer.
    reply.raw.once('close', () => (underWay -= size))
    done()
  })
}

/** Where a request does not tell, as much as it may have. */
function sizeOf(headers: IncomingHttpHeaders, limit: number): number {
  return headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : limit
}
