import fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import type { Clock } from '@vpa/kube/clock.ts'
import type { Log } from '@vpa/kube/log.ts'
import { REQUEST_LIMITS } from '@vpa/kube/request-limits.ts'
import type { Certificates } from './certificates.ts'
import { SLOWEST_HANDSHAKE, limitConnections } from './connections.ts'
import { limitLargeBodies } from './large-bodies.ts'
import type { AdmissionMetrics, Step } from './metrics.ts'
import { AdmissionReview, type AdmissionRequest, type Answer } from './review.ts'
import type { TlsPolicy } from './tls.ts'

/** Answered by whoever has our key; nothing is reviewed and nothing counted. */
export const SERVING_PATH = '/serving'

/** Larger requests are refused; the API server's own limit for objects is 3 MiB. */
const BODY_LIMIT = 5 * 1024 * 1024

/** With the charset that would otherwise be added, for every answer anew. */
const JSON_TYPE = 'application/json; charset=utf-8'

export interface AdmissionServerOptions {
  review(request: AdmissionRequest): Answer
  readonly tls: Certificates & TlsPolicy
  readonly metrics: AdmissionMetrics
  readonly clock: Clock
  readonly log: Log
  /** A request was answered. */
  beat(): void
}

/**
 * Answers AdmissionReviews over HTTPS, on every path but {@link SERVING_PATH}. A pod is never held up by us: whatever goes wrong, it is admitted unchanged,
 * and that is counted.
 */
export function admissionServer(options: AdmissionServerOptions): FastifyInstance {
  const { tls, metrics, log } = options
  const { http, requestTimeout } = REQUEST_LIMITS
  const https = { ...secureContext(tls), ...http, keepAlive: true, handshakeTimeout: SLOWEST_HANDSHAKE }
  // While closing, connections that are idle are ended and requests that are under way, or still come, are answered.
  const server = fastify({ https, bodyLimit: BODY_LIMIT, requestTimeout, forceCloseConnections: 'idle', return503OnClosing: false }) as unknown as FastifyInstance
  limitConnections(server.server, options)
  const refuse = (reply: FastifyReply, code: number, why: string) => {
    metrics.latency.series({ status: 'error', resource: 'unknown' }).observe(0)
    log.warn('Request refused', { why })
    return reply.code(code).send(why)
  }
  limitLargeBodies(server, { limit: BODY_LIMIT, clock: options.clock, refuse: (reply) => void refuse(reply, 503, 'too many large requests at the same time') })
  server.removeAllContentTypeParsers()
  // By its name, the parser is found without taking the header apart for every request.
  server.addContentTypeParser(['application/json', '*'], { parseAs: 'string' }, (_request, body, done) => done(null, body))
  server.setErrorHandler((error: { code?: string }, _request, reply) => {
    if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') return refuse(reply, 413, 'request payload too large')
    log.error('Request could not be read', { error })
    return reply.code(400).send()
  })
  server.get(SERVING_PATH, (_request, reply) => reply.send('OK'))
  server.all('/*', (request, reply) => {
    options.beat()
    if (request.headers['content-type'] === 'application/json') return answer(String(request.body), reply, options)
    metrics.latency.series({ status: 'error', resource: 'unknown' }).observe(0)
    log.warn('Request without content type application/json', { contentType: request.headers['content-type'] })
    return reply.type(JSON_TYPE).send(reviewText(undefined, UNREADABLE))
  })
  return server
}

/** Serves new connections with other certificates; those that are open go on. The policy is told anew: a context without one is of Node's defaults. */
export function replaceCertificates(server: FastifyInstance, tls: Certificates & TlsPolicy): void {
  const { server: https } = server as unknown as { server: { setSecureContext(options: object): void } }
  https.setSecureContext(secureContext(tls))
}

function secureContext({ serverCert, serverKey, minVersion, ciphers }: Certificates & TlsPolicy) {
  return { cert: serverCert, key: serverKey, minVersion, ...(ciphers && { ciphers }) }
}

function answer(body: string, reply: FastifyReply, { review, metrics, log }: AdmissionServerOptions): FastifyReply {
  const watch = stopwatch(metrics)
  const request = readRequest(body, log)
  watch.step('read_request')
  const result = request ? decide(request, review, log) : UNREADABLE
  watch.step('admit')
  const text = reviewText(request?.uid, result)
  watch.step('build_response')
  if (result.resource === 'Pod') metrics.pods.inc({ applied: String(result.patch.length > 0) })
  reply.type(JSON_TYPE).send(text)
  watch.step('write_response')
  metrics.latency.series({ status: result.outcome, resource: result.resource }).observe(watch.total())
  return reply
}

const UNREADABLE: Answer = { resource: 'unknown', outcome: 'error', why: 'not an AdmissionReview', patch: [], warnings: [] }

function readRequest(body: string, log: Log): AdmissionRequest | undefined {
  try {
    return AdmissionReview.parse(JSON.parse(body)).request
  } catch (error) {
    log.error('Request is not an AdmissionReview', { error })
    return undefined
  }
}

function decide(request: AdmissionRequest, review: AdmissionServerOptions['review'], log: Log): Answer {
  const about = { namespace: request.namespace, name: request.name, operation: request.operation }
  try {
    const result = review(request)
    if (result.outcome === 'error' && !result.denied) log.warn('Admitted unchanged', { resource: result.resource, why: result.why, ...about })
    else log.debug('Reviewed', { resource: result.resource, outcome: result.outcome, why: result.why, ...about })
    return result
  } catch (error) {
    log.error('Admitted unchanged', { ...about, error })
    return { resource: request.resource.resource === 'pods' ? 'Pod' : 'VPA', outcome: 'error', why: 'thrown', patch: [], warnings: [] }
  }
}

function reviewText(uid: string | undefined, answer: Answer): string {
  return JSON.stringify({ kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', response: responseOf(uid, answer) })
}

function responseOf(uid: string | undefined, { denied, patch, warnings }: Answer): object {
  return {
    ...(uid !== undefined && { uid }),
    allowed: denied === undefined,
    ...(denied && { status: { metadata: {}, ...denied } }),
    ...(patch.length > 0 && { patch: Buffer.from(JSON.stringify(patch)).toString('base64'), patchType: 'JSONPatch' }),
    ...(warnings.length > 0 && { warnings }),
  }
}

function stopwatch({ steps }: AdmissionMetrics) {
  const start = performance.now()
  let last = start
  return {
    step(step: Step): void {
      const now = performance.now()
      steps[step].observe((now - last) / 1000)
      last = now
    },
    /** In seconds. */
    total(): number {
      const seconds = (last - start) / 1000
      steps.total.observe(seconds)
      return seconds
    },
  }
}
