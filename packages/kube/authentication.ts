import { type DurationMs, MINUTE } from '@vpa/core/time.ts'
import type { Clock } from './clock.ts'

/** How to be trusted by a server. */
export interface Authentication {
  /** Headers that authenticate one request. They are read anew every minute: tokens rotate. */
  headers(): Promise<Readonly<Record<string, string>>>
  /** The server did not accept the headers: the next request reads them anew. */
  refused(): void
}

export const ANONYMOUS: Authentication = { headers: async () => ({}), refused: () => {} }

/**
 * Requests that come at the same time share one reading: it may start a plug-in. While it fails, be it that a file is just being replaced,
 * the headers from before serve, until the server refuses them (client-go: cachingTokenSource).
 */
export function rereading(read: () => Promise<Record<string, string>>, clock: Pick<Clock, 'uptime'>): Authentication {
  let latest: { at: DurationMs; headers: Promise<Record<string, string>> } | undefined
  let known: Record<string, string> | undefined
  return {
    async headers() {
      if (latest === undefined || clock.uptime() - latest.at >= MINUTE) latest = { at: clock.uptime(), headers: read() }
      try {
        return (known = await latest.headers)
      } catch (error) {
        latest = undefined
        if (known === undefined) throw error
        return known
      }
    },
    refused() {
      latest = undefined
      known = undefined
    },
  }
}
