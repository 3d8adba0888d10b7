import { Session } from 'node:inspector/promises'
import { getHeapSnapshot } from 'node:v8'
import { parseDuration } from '@vpa/core/time.ts'
import type { FastifyInstance } from 'fastify'
import type { Clock } from './clock.ts'

/** Go's net/http/pprof measures for half a minute unless told otherwise. */
const DEFAULT_SECONDS = '30'
const MAX_DURATION = 600_000

/**
 * Profiles at the paths of Go's pprof, in the formats of V8: open them in Chrome DevTools.
 *
 * `/debug/pprof/profile?seconds=10` is a `.cpuprofile`, `/debug/pprof/heap` a `.heapsnapshot`.
 */
export function serveProfiles(server: FastifyInstance, clock: Pick<Clock, 'sleep'>): void {
  server.get<{ Querystring: { seconds?: string } }>('/debug/pprof/profile', async ({ query: { seconds = DEFAULT_SECONDS } }, reply) => {
    const duration = parseDuration(`${seconds}s`)
    if (duration === undefined || duration <= 0 || duration > MAX_DURATION) return reply.code(400).send('seconds: expected a number from 1 to 600')
    return reply.type('application/json').header('content-disposition', 'attachment; filename="vpa.cpuprofile"').send(await cpuProfile(() => clock.sleep(duration)))
  })
  server.get('/debug/pprof/heap', (_, reply) =>
    reply.type('application/json').header('content-disposition', 'attachment; filename="vpa.heapsnapshot"').send(getHeapSnapshot()),
  )
}

async function cpuProfile(measured: () => Promise<void>): Promise<string> {
  const session = new Session()
  session.connect()
  try {
    await session.post('Profiler.enable')
    await session.post('Profiler.start')
    await measured()
    return JSON.stringify((await session.post('Profiler.stop')).profile)
  } finally {
    session.disconnect()
  }
}
