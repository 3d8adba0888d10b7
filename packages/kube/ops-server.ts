import { formatDuration } from '@vpa/core/time.ts'
import fastify, { type FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'
import type { Clock } from './clock.ts'
import type { Health } from './health.ts'
import { serveProfiles } from './profiling.ts'
import { REQUEST_LIMITS } from './request-limits.ts'

export interface OpsServerOptions {
  readonly registry: Registry
  readonly health: Health
  readonly profiling: boolean
  readonly clock: Pick<Clock, 'sleep'>
}

/**
 * What operators and kubelets ask: `/metrics`, `/health-check` and `/livez` (500 when the loop stands still),
 * `/readyz` (503 with the reason while starting, stopping or unable to work), with profiling also `/debug/pprof/…`. Plain HTTP, not yet listening.
 */
export function opsServer({ registry, health, profiling, clock }: OpsServerOptions): FastifyInstance {
  // Scrapers keep connections open; closing does not wait for them.
  const server = fastify({ forceCloseConnections: true, ...REQUEST_LIMITS })
  server.get('/metrics', async (_, reply) => reply.type(registry.contentType).send(await registry.metrics()))
  for (const path of ['/health-check', '/livez']) {
    server.get(path, (_, reply) => {
      const silence = health.silentFor()
      return silence === undefined ? reply.send('OK') : reply.code(500).send(`Error: last activity more than ${formatDuration(silence)} ago`)
    })
  }
  server.get('/readyz', (_, reply) => {
    const why = health.notReady()
    return why === undefined ? reply.send('OK') : reply.code(503).send(why)
  })
  if (profiling) serveProfiles(server, clock)
  return server
}
