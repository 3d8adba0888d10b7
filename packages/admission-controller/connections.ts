import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { type DurationMs, MINUTE } from '@vpa/core/time.ts'
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
 * so that we only end those of others.
 */
const LONGEST_IDLE = 10 * MINUTE

export interface ConnectionsOptions {
  readonly clock: Clock
  readonly log: Log
}

/** No more connections than API servers need, and none for ever. They are looked at once a minute: Node's own timeout costs each review a timer. */
export function limitConnections(server: Server, { clock, log }: ConnectionsOptions): void {
  const closed = new AbortController()
  const open = new Map<Socket, { bytes: number; at: DurationMs }>()
  server.maxConnections = MOST
  server.keepAliveTimeout = 0
  server.on('secureConnection', (socket: Socket) => {
    open.set(socket, { bytes: 0, at: clock.uptime() })
    socket.once('close', () => open.delete(socket))
  })
  server.once('close', () => closed.abort())
  void every(MINUTE, async () => endIdle(open, clock.uptime()), { clock, signal: closed.signal })

  let saidAt = -Infinity
  server.on('drop', (connection) => {
    if (clock.uptime() - saidAt < MINUTE) return
    saidAt = clock.uptime()
    log.warn('Connections are refused: there are more than API servers need', { open: server.maxConnections, from: connection?.remoteAddress })
  })
}

function endIdle(open: ReadonlyMap<Socket, { bytes: number; at: DurationMs }>, now: DurationMs): void {
  for (const [socket, last] of open) {
    if (socket.bytesRead !== last.bytes) Object.assign(last, { bytes: socket.bytesRead, at: now })
    else if (now - last.at >= LONGEST_IDLE) socket.destroy()
  }
}
