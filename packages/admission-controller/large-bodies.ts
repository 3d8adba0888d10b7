import type { IncomingHttpHeaders } from 'node:http'
import { type DurationMs, SECOND } from '@vpa/core/time.ts'
import type { Clock } from '@vpa/kube/clock.ts'
import type { FastifyInstance, FastifyReply } from 'fastify'

/** A review of a pod has 2 to 20 KB. Small ones are always read: no more at once than there are connections. */
const LARGEST_SMALL = 32 * 1024
/** Of large requests that are under way at the same time, in bytes. */
const MOST_AT_ONCE = 64 * 1024 * 1024
/** The body that an API server sends is there in milliseconds. Who only sends the headers of one would keep its room until the request's time is over. */
const LONGEST_KEPT = 2 * SECOND

export interface LargeBodyOptions {
  /** The largest that are read at all, in bytes. */
  readonly limit: number
  readonly clock: Clock
  /** Also told of a request that was cut off. */
  refuse(reply: FastifyReply): void
}

/** A request for which there is room until it is answered. */
interface Large {
  /** As announced, in bytes. */
  readonly size: number
  readonly at: DurationMs
  readonly reply: FastifyReply
}

/**
 * So that many large requests, each within its limit, do not fill the memory: where one is too many, those that are slow are cut off for it,
 * and it is refused before it is read if that does not make room.
 */
export function limitLargeBodies(server: FastifyInstance, { limit, clock, refuse }: LargeBodyOptions): void {
  const underWay = new Set<Large>()
  server.addHook('onRequest', (request, reply, done) => {
    const size = sizeOf(request.headers, limit)
    if (size <= LARGEST_SMALL || size > limit) return done()
    const large = { size, at: clock.uptime(), reply }
    for (const slow of tooSlow(underWay, large)) {
      underWay.delete(slow)
      slow.reply.raw.socket?.destroy()
      refuse(slow.reply)
    }
    if (roomBeside(underWay) < size) return refuse(reply)
    underWay.add(large)
    // Also when the connection is gone before there is an answer.
    reply.raw.once('close', () => underWay.delete(large))
    done()
  })
}

/** Where a request does not tell, as much as it may have. */
function sizeOf(headers: IncomingHttpHeaders, limit: number): number {
  return headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : limit
}

function roomBeside(underWay: Iterable<Large>): number {
  let room = MOST_AT_ONCE
  for (const { size } of underWay) room -= size
  return room
}

/** Those to cut off so that there is room for another: the oldest, which are first in the set, and no more than it takes. */
function tooSlow(underWay: ReadonlySet<Large>, { size, at: now }: Large): readonly Large[] {
  const slow: Large[] = []
  let room = roomBeside(underWay)
  for (const large of underWay) {
    if (room >= size || now - large.at <= LONGEST_KEPT) break
    slow.push(large)
    room += large.size
  }
  return slow
}
