import { setImmediate } from 'node:timers/promises'
import { type DurationMs, SECOND } from '@vpa/core/time.ts'
import { Counter, type Registry } from 'prom-client'
import { type Dispatcher, Pool, ProxyAgent } from 'undici'
import { type ApiError, apiErrorOf, isForbiddenByBudget, isNotFound } from './api-error.ts'
import type { Clock } from './clock.ts'
import { type Credentials, isVerified } from './credentials.ts'
import { messageOf } from './error-message.ts'
import { NotSentError } from './not-sent-error.ts'
import { RateLimit } from './rate-limit.ts'
import { LONGEST_REFUSAL, readText } from './read-text.ts'
import { LARGEST_PART } from './splitter.ts'
import { oldestTls } from './tls-version.ts'

/** One request to the API server. */
export interface ApiRequest {
  /** Default: GET. */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Without the host, such as `/api/v1/namespaces/kong/pods`. */
  readonly path: string
  /** What is undefined is left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
  /** Sent as JSON. */
  readonly body?: unknown
  /** The kind of a PATCH. Default: `json`, RFC 6902. */
  readonly patch?: keyof typeof PATCH_TYPES
  /** How long to wait for the answer's head, and for each next part of its body; 0 is forever. Default: 30 s. */
  readonly timeout?: DurationMs
  readonly signal?: AbortSignal
  /** Once it is aborted, what the API server has put off is not tried again. What is under way goes on: it may be done already. */
  readonly retryUntil?: AbortSignal
  /** Asked whenever it is about to be sent: the wait for its turn, or until the API server takes it, may have been long. Default: always. */
  readonly mayBeSent?: () => boolean
}

export interface ClientOptions {
  readonly credentials: Credentials
  /** Requests a second and at once; zero or less means no limit. */
  readonly qps: number
  readonly burst: number
  readonly userAgent: string
  readonly clock: Clock
  readonly registry: Registry
}

/** The bytes of an answer as they come. Ends the request when its reader stops early. */
export type ByteStream = AsyncIterable<Buffer, void>

const PATCH_TYPES = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
} as const
const DEFAULT_TIMEOUT = 30 * SECOND
const MAX_ATTEMPTS = 6
/** Each watch holds a connection of its own; the rest is for requests at the same time. */
const MAX_CONNECTIONS = 128

/**
 * Speaks HTTP/1.1 to the API server, over connections that are kept open.
 * It waits as the API server asks (`Retry-After`) and never sends more than the client-side limit allows.
 */
export class Client {
  readonly #options: ClientOptions
  readonly #server: URL
  readonly #dispatcher: Dispatcher
  readonly #limit: RateLimit
  readonly #requests: Counter<'code' | 'method' | 'host'>

  constructor(options: ClientOptions) {
    this.#options = options
    this.#server = new URL(options.credentials.server)
    this.#dispatcher = openConnections(this.#server, options.credentials)
    this.#limit = new RateLimit({ rate: options.qps, burst: options.burst, clock: options.clock })
    this.#requests = requestCounter(options.registry)
  }

  /**
   * @returns the decoded JSON of the answer; what the caller expects of it is the caller's to check
   * @throws ApiError when the API server refuses, NotSentError when it may not be sent, Error when it cannot be reached or its answer is not JSON, or larger than any object
   */
  async request<T>(request: ApiRequest): Promise<T> {
    const { text, isCut } = await readText(await this.#send(request), LARGEST_PART)
    if (isCut) throw new RangeError(`${request.method ?? 'GET'} ${request.path}: the answer is larger than ${LARGEST_PART} bytes`)
    return JSON.parse(text) as T
  }

  /** As {@link request}, for one object: undefined where there is none. */
  async find<T>(request: ApiRequest): Promise<T | undefined> {
    try {
      return await this.request<T>(request)
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }

  /** As {@link request}, for answers that never end or are too large to be held. Whatever else waits gets its turn between two chunks. */
  async stream(request: ApiRequest): Promise<ByteStream> {
    return withPauses(await this.#send(request))
  }

  /** Whether the API server must prove that it is the one of the credentials. */
  get verifiesServer(): boolean {
    return isVerified(this.#options.credentials.tls)
  }

  /** Ends all connections, also those of watches. */
  close(): Promise<void> {
    return this.#dispatcher.destroy()
  }

  async #send(request: ApiRequest): Promise<Dispatcher.ResponseData['body']> {
    for (let attempt = 1; ; attempt += 1) {
      await this.#limit.take(request.signal)
      request.signal?.throwIfAborted()
      const { statusCode, headers, body } = await this.#dispatch(request)
      if (statusCode < 300) return body
      const error = apiErrorOf(statusCode, (await readText(body, LONGEST_REFUSAL)).text, headers['retry-after']?.toString())
      if (statusCode === 401) this.#options.credentials.refused()
      const wait = statusCode === 401 && attempt === 1 ? 0 : waitBeforeRetry(request, error)
      const { signal, retryUntil } = request
      if (wait === undefined || attempt === MAX_ATTEMPTS) throw error
      await this.#options.clock.sleep(wait, AbortSignal.any([signal, retryUntil].filter((ends) => ends !== undefined)))
      if (retryUntil?.aborted) throw error
    }
  }

  async #dispatch({ method = 'GET', path, query = {}, body, patch = 'json', timeout = DEFAULT_TIMEOUT, signal, mayBeSent = () => true }: ApiRequest): Promise<Dispatcher.ResponseData> {
    const counted = { method, host: this.#server.host }
    const type = method === 'PATCH' ? PATCH_TYPES[patch] : 'application/json'
    const headers = {
      ...(await this.#options.credentials.headers()),
      accept: 'application/json',
      'user-agent': this.#options.userAgent,
      ...(body !== undefined && { 'content-type': type }),
    }
    if (!mayBeSent()) throw new NotSentError()
    try {
      const answer = await this.#dispatcher.request({
        origin: this.#server.origin,
        path: `${this.#server.pathname.replace(/\/$/, '')}${path}`,
        query: Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)),
        method,
        headers,
        body: body === undefined ? null : JSON.stringify(body),
        headersTimeout: timeout,
        bodyTimeout: timeout,
        ...(signal && { signal }),
      })
      this.#requests.inc({ ...counted, code: String(answer.statusCode) })
      return answer
    } catch (error) {
      this.#requests.inc({ ...counted, code: '<error>' })
      throw new Error(`${method} ${path}: ${messageOf(error)}`, { cause: error })
    }
  }
}

async function* withPauses(chunks: ByteStream): ByteStream {
  for await (const chunk of chunks) {
    yield chunk
    await setImmediate()
  }
}

/** A write that was answered with 503 may have been done; one that was throttled was not. A disruption budget says no as long as it does. */
function waitBeforeRetry({ method = 'GET' }: ApiRequest, error: ApiError): DurationMs | undefined {
  const throttled = error.status === 429 && !isForbiddenByBudget(error)
  const unavailable = error.status === 503 && method === 'GET'
  return throttled || unavailable ? error.retryAfter : undefined
}

/** HTTP/1.1 on purpose: Node's HTTP/2 has leaked native memory under long watches (nghttp2#1065, node#44523). */
function openConnections(server: URL, { tls, proxy }: Credentials): Dispatcher {
  const shared = { connections: MAX_CONNECTIONS, allowH2: false, pipelining: 1, keepAliveTimeout: 30 * SECOND }
  const minVersion = oldestTls()
  // Said each time: where nothing is said, NODE_TLS_REJECT_UNAUTHORIZED=0 turns verification off without a word.
  const verified = { ...tls, minVersion, rejectUnauthorized: isVerified(tls) }
  if (proxy !== undefined) return new ProxyAgent({ ...shared, uri: proxy, requestTls: verified, proxyTls: { minVersion, rejectUnauthorized: true } })
  return new Pool(server.origin, { ...shared, connect: { ...verified, keepAliveInitialDelay: 30 * SECOND } })
}

/** The name and labels of client-go's metric. Clients of one program share it. */
function requestCounter(registry: Registry): Counter<'code' | 'method' | 'host'> {
  const name = 'rest_client_requests_total'
  const known = registry.getSingleMetric(name)
  if (known instanceof Counter) return known
  return new Counter({
    name,
    help: 'Number of HTTP requests, partitioned by status code, method, and host.',
    labelNames: ['code', 'method', 'host'],
    registers: [registry],
  })
}
