import type { ErrorAnswer } from '@vpa/core/advise/dashboard-answer.ts'
import { type Address, formatAddress } from '@vpa/kube/address.ts'
import { messageOf } from '@vpa/kube/error-message.ts'
import type { PageFiles } from '@vpa/dashboard/page-files.ts'
import type { Log } from '@vpa/kube/log.ts'
import { REQUEST_LIMITS } from '@vpa/kube/request-limits.ts'
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import type { DashboardData } from './data.ts'
import { parseListQuery } from './query.ts'

/** Nothing but what this server serves is loaded, and nobody may frame it; text becomes no markup, whatever a name in the cluster says. */
const HEADERS = {
  'content-security-policy': "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
} as const

const LOOPBACK = ['localhost', '127.0.0.1', '::1']
/** The longest name of an object; the router would by itself find nothing at more than 100 characters. */
const LONGEST_NAME = 253

export interface DashboardServerOptions {
  readonly data: Pick<DashboardData, 'list' | 'view'>
  readonly address: Address
  readonly log: Log
}

/**
 * The page at `/`, and what it shows as JSON at `/api/vpas` and `/api/vpas/NAMESPACE/NAME`. Reads only, asks for no login,
 * and answers what is wrong as `{"error": ...}`. Plain HTTP, not yet listening.
 */
export function dashboardServer({ data, address, log }: DashboardServerOptions): FastifyInstance {
  const server = fastify({ forceCloseConnections: true, ...REQUEST_LIMITS, routerOptions: { maxParamLength: LONGEST_NAME } })
  const isLocal = LOOPBACK.includes(address.host) || address.host.startsWith('127.')
  const ownNames = new Set([...LOOPBACK, address.host])
  server.addHook('onRequest', async (request, reply) => {
    reply.headers(HEADERS)
    if (!['GET', 'HEAD'].includes(request.method)) return refuse(reply.header('allow', 'GET, HEAD'), 405, `expected GET or HEAD, got ${request.method}`)
    // A site that lets its name point to 127.0.0.1 could otherwise read this page in the browser of whoever has it open.
    if (isLocal && !ownNames.has(request.hostname.replace(/^\[(.*)\]$/, '$1'))) return refuse(reply, 403, `expected to be asked as ${[...ownNames].join(', ')}, got ${JSON.stringify(request.hostname)}`)
    return undefined
  })
  server.get('/api/vpas', (request, reply) => {
    const parsed = parseListQuery(request.query)
    return 'problem' in parsed ? refuse(reply, 400, parsed.problem) : reply.send(data.list(parsed.query))
  })
  server.get<{ Params: { namespace: string; name: string } }>('/api/vpas/:namespace/:name', async ({ params: { namespace, name } }, reply) => {
    const view = await data.view(namespace, name)
    return view === undefined ? refuse(reply, 404, `there is no VerticalPodAutoscaler ${namespace}/${name} that this recommender handles`) : reply.send(view)
  })
  server.get('/', async (_, reply) => reply.type('text/html; charset=utf-8').send((await page()).html))
  server.get('/dashboard.js', async (_, reply) => reply.type('text/javascript; charset=utf-8').send((await page()).script))
  server.get('/dashboard.css', async (_, reply) => reply.type('text/css; charset=utf-8').send((await page()).style))
  server.get('/icon.svg', async (_, reply) => reply.type('image/svg+xml').send((await page()).icon))
  server.setNotFoundHandler((request, reply) => refuse(reply, 404, `there is nothing at ${request.url.slice(0, 200)}`))
  server.setErrorHandler((error, _, reply) => {
    log.error('Cannot answer the dashboard', { error })
    return refuse(reply, 500, messageOf(error))
  })
  return server
}

/** Loaded by the first visitor: a dashboard that nobody looks at costs no memory for its page. */
async function page(): Promise<PageFiles> {
  return (await import('@vpa/dashboard/page-files.ts')).pageFiles()
}

/** A dashboard that cannot be served holds up no recommendation: that is logged, and all. */
export async function listen(server: FastifyInstance, address: Address, log: Log): Promise<void> {
  try {
    log.info('Serving the dashboard', { url: await server.listen(address) })
  } catch (error) {
    log.warn('Cannot serve the dashboard; choose another address with --dashboard-address, or turn it off with --dashboard=false', { address: formatAddress(address), error: messageOf(error) })
  }
}

function refuse(reply: FastifyReply, code: number, error: string): FastifyReply {
  const answer: ErrorAnswer = { error }
  return reply.code(code).send(answer)
}
