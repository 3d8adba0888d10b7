import type { Labels } from '@vpa/core/selector.ts'
import { type DurationMs, type EpochMs, SECOND, formatDuration } from '@vpa/core/time.ts'
import { Agent, type Dispatcher } from 'undici'
import type { Authentication } from './authentication.ts'
import type { Clock } from './clock.ts'
import { messageOf } from './error-message.ts'
import { LONGEST_REFUSAL, readText } from './read-text.ts'
import { ItemSplitter } from './splitter.ts'
import { oldestTls } from './tls-version.ts'

export interface PrometheusOptions {
  /** Such as `http://prometheus.monitoring.svc`; a path before the API's is kept. */
  readonly address: string
  /** Trust any certificate. */
  readonly insecure: boolean
  readonly authentication: Authentication
  /** How long one query may take, until the last byte of its answer. */
  readonly queryTimeout: DurationMs
  readonly clock: Pick<Clock, 'uptime' | 'sleep'>
  readonly signal: AbortSignal
  /** Told of each answer, when its head is there. */
  readonly onAnswer: (answer: PrometheusAnswer) => void
}

export interface PrometheusAnswer {
  readonly method: 'POST' | 'GET'
  readonly status: number
  readonly after: DurationMs
}

/** One line of a graph: what it is of, and its points in order of time. A vector's series has one point. */
export interface Series {
  readonly labels: Labels
  readonly points: readonly Point[]
}

export interface Point {
  readonly at: EpochMs
  /** NaN also for the infinities of Prometheus. */
  readonly value: number
}

export interface RangeQuery {
  readonly query: string
  readonly start: EpochMs
  readonly end: EpochMs
  readonly step: DurationMs
}

export interface QueryOutcome {
  readonly resultType: 'matrix' | 'vector'
  /** What Prometheus could not do, such as reach one of several stores: the answer may be incomplete. The first twenty. */
  readonly warnings: readonly string[]
}

type OnSeries = (series: Series) => void

const CONNECT_TIMEOUT = 10 * SECOND
const NO_SERIES = 'expected a matrix or a vector of Prometheus; got something else'
/** Of a query: what is kept of an answer grows with its series, not with its length, which the time a query may take limits. Of 100,000 pods with two containers each, 8 days with a rollout each have 1.6 million. */
const MOST_SERIES = 2_000_000
const MOST_WARNINGS = 20
/** Of what is logged in the words of Prometheus. */
const LONGEST_TEXT = 300
/** Old proxies let no POST pass. */
const POST_NOT_ALLOWED = [405, 501]

/**
 * The query API of Prometheus. Answers of any length are read with the memory of one series: each is handed on as soon as it has arrived.
 * Both queries throw an Error that says what went wrong; what was handed on by then is no less right.
 */
export class Prometheus {
  readonly #options: PrometheusOptions
  readonly #dispatcher: Dispatcher

  constructor(options: PrometheusOptions) {
    this.#options = options
    this.#dispatcher = new Agent({ connect: { timeout: CONNECT_TIMEOUT, minVersion: oldestTls(), rejectUnauthorized: !options.insecure }, headersTimeout: 0, bodyTimeout: 0 })
  }

  /** The values at one moment. An expression that ends in a range, such as `up[8d]`, is answered with all values in it. */
  query(query: string, at: EpochMs, onSeries: OnSeries): Promise<QueryOutcome> {
    return this.#ask('/api/v1/query', { query, time: seconds(at) }, onSeries)
  }

  /** The values at `start`, each `step` later, and not after `end`. Prometheus refuses more than 11,000 of them in one query. */
  queryRange({ query, start, end, step }: RangeQuery, onSeries: OnSeries): Promise<QueryOutcome> {
    return this.#ask('/api/v1/query_range', { query, start: seconds(start), end: seconds(end), step: seconds(step) }, onSeries)
  }

  close(): Promise<void> {
    return this.#dispatcher.destroy()
  }

  async #ask(path: string, form: Readonly<Record<string, string>>, onSeries: OnSeries): Promise<QueryOutcome> {
    const { clock, queryTimeout, signal } = this.#options
    const question = new AbortController()
    void clock.sleep(queryTimeout, question.signal).then(() => question.abort())
    try {
      return await readAnswer(await this.#send(path, new URLSearchParams(form).toString(), AbortSignal.any([signal, question.signal])), onSeries)
    } catch (cause) {
      if (question.signal.aborted) throw new Error(`Prometheus did not answer within ${formatDuration(queryTimeout)} (--prometheus-query-timeout)`, { cause })
      throw cause
    } finally {
      question.abort()
    }
  }

  async #send(path: string, form: string, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const answer = await this.#request('POST', path, form, signal)
    if (!POST_NOT_ALLOWED.includes(answer.statusCode)) return answer
    await answer.body.dump()
    return this.#request('GET', path, form, signal)
  }

  /** A token that rotated is read again, once. */
  async #request(method: 'POST' | 'GET', path: string, form: string, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const answer = await this.#requestOnce(method, path, form, signal)
    if (answer.statusCode !== 401) return answer
    this.#options.authentication.refused()
    await answer.body.dump()
    return this.#requestOnce(method, path, form, signal)
  }

  async #requestOnce(method: 'POST' | 'GET', path: string, form: string, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const { address, authentication, clock, onAnswer } = this.#options
    const { origin, pathname } = new URL(address)
    const authorization = await authentication.headers()
    const sentAt = clock.uptime()
    const request = {
      origin,
      path: `${pathname.replace(/\/+$/, '')}${path}${method === 'GET' ? `?${form}` : ''}`,
      method,
      headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded', ...authorization },
      body: method === 'GET' ? null : form,
      signal,
    }
    const answer = await this.#dispatcher.request(request).catch((cause: unknown) => {
      throw new Error(`cannot reach Prometheus at ${origin}: ${messageOf(cause)}`, { cause })
    })
    onAnswer({ method, status: answer.statusCode, after: clock.uptime() - sentAt })
    return answer
  }
}

async function readAnswer({ statusCode, body }: Dispatcher.ResponseData, onSeries: OnSeries): Promise<QueryOutcome> {
  if (statusCode !== 200) throw new Error(refusalOf(statusCode, (await readText(body, LONGEST_REFUSAL)).text))
  const splitter = new ItemSplitter({ key: 'result', depth: 2 })
  let count = 0
  for await (const chunk of body) {
    for (const text of splitter.push(chunk)) {
      count += 1
      if (count > MOST_SERIES) throw new RangeError(`expected at most ${MOST_SERIES} series in an answer of Prometheus; got more`)
      onSeries(seriesOf(JSON.parse(text) as RawSeries))
    }
  }
  const { status, error, data, warnings } = envelopeOf(splitter.end())
  if (status !== 'success') throw new Error(`Prometheus answered: ${beginningOf(error ?? status)}`)
  const resultType = data?.resultType
  if (resultType !== 'matrix' && resultType !== 'vector') throw new Error(NO_SERIES)
  return { resultType, warnings: Array.isArray(warnings) ? warnings.slice(0, MOST_WARNINGS).map(beginningOf) : [] }
}

/** Of a scalar, whose result is no array of series, the splitter leaves no JSON. */
function envelopeOf(text: string): Envelope {
  try {
    return JSON.parse(text) as Envelope
  } catch (cause) {
    throw new Error(NO_SERIES, { cause })
  }
}

interface Envelope {
  readonly status?: string
  readonly error?: string
  readonly warnings?: unknown
  readonly data?: { readonly resultType?: string }
}

type RawPoint = readonly [seconds: number, value: string]

interface RawSeries {
  readonly metric?: Labels
  readonly values?: readonly RawPoint[]
  readonly value?: RawPoint
}

function seriesOf({ metric = {}, values, value }: RawSeries): Series {
  const points = values ?? (value ? [value] : [])
  // Number() reads the infinities, `+Inf`, as NaN.
  return { labels: metric, points: points.map(([at, text]) => ({ at: Math.round(at * SECOND), value: Number(text) })) }
}

/** In Prometheus's words where it is Prometheus that answers, otherwise with what came. */
function refusalOf(status: number, text: string): string {
  try {
    const { error } = JSON.parse(text) as Envelope
    if (error) return `Prometheus answered ${status}: ${beginningOf(error)}`
  } catch {
    // A proxy's page.
  }
  return `Prometheus answered ${status}: ${beginningOf(text.trim())}`
}

function beginningOf(text: unknown): string {
  return String(text).slice(0, LONGEST_TEXT)
}

function seconds(duration: DurationMs): string {
  return String(duration / SECOND)
}
