import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { type DurationMs, MINUTE, SECOND } from '@vpa/core/time.ts'
import type { Clock } from '@vpa/kube/clock.ts'
import { every } from '@vpa/kube/every.ts'
import type { Log } from '@vpa/kube/log.ts'

/**
 * An API server asks over HTTP/1.1, with a connection for each request that is under way: by default 600 of all kinds at most. Three have room,
 * and their connections take some 130 MB.
 */
const MOST = 2000

/**
 * A connection that we end just when the API server asks costs a review. It ends those itself that it has not used for 90 s (Go's `IdleConnTimeout`),
 * so that of those that were ever used we only end others'. One that was never used is ended by Node, with status 408 after 30 s (`headersTimeout`):
 * Go has such spares when it dials for a request, and another connection becomes free first. It takes a 408 on one for the end of an idle connection.
 */
const LONGEST_IDLE = { usually: 10 * MINUTE, crowded: 2 * MINUTE }

/** Connections count from before their handshake, for which Node would wait two minutes. */
export const SLOWEST_HANDSHAKE = 10 * SECOND

export interface ConnectionsOptions {
  readonly clock: Clock
  readonly log: Log
}

/** Those beyond TLS, with what they had read when they were last seen to have read more. */
type Open = Map<Socket, { bytes: number; at: DurationMs }>

/** No more connections than API servers need, and none for ever. They are looked at once a minute: Node's own timeout costs each review a timer. */
export function limitConnections(server: Server, { clock, log }: ConnectionsOptions): void {
  const closed = new AbortController()
  const open: Open = new Map()
  server.maxConnections = MOST
  server.keepAliveTimeout = 0
  server.on('secureConnection', (socket: Socket) => {
    open.set(socket, { bytes: 0, at: clock.uptime() })
    socket.once('close', () => open.delete(socket))
  })
  server.once('close', () => closed.abort())
  const look = async () => endIdle(open, clock.uptime(), open.size > server.maxConnections / 2 ? LONGEST_IDLE.crowded : LONGEST_IDLE.usually)
  void every(MINUTE, look, { clock, signal: closed.signal })
  whenRefused(server, clock, SECOND, () => endIdle(open, clock.uptime(), LONGEST_IDLE.crowded))
  whenRefused(server, clock, MINUTE, (from) => log.warn('Connections are refused: there are more than API servers need', { open: server.maxConnections, from }))
}

/** Does it at once, but no more than once per interval. */
function whenRefused(server: Server, clock: Clock, interval: DurationMs, act: (from: string | undefined) => void): void {
  let last = -Infinity
  server.on('drop', (connection) => {
    if (clock.uptime() - last < interval) return
    last = clock.uptime()
    act(connection?.remoteAddress)
  })
}

function endIdle(open: Open, now: DurationMs, longest: DurationMs): void {
  for (const [socket, last] of open) {
    if (socket.bytesRead !== last.bytes) Object.assign(last, { bytes: socket.bytesRead, at: now })
    else if (now - last.at >= longest) socket.destroy()
  }
}
