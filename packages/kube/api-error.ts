import { type DurationMs, SECOND } from '@vpa/core/time.ts'
import * as z from 'zod'

/** Whoever asks for more is asked again nevertheless: it may be a mistake, and a watch that waits for hours sees nothing. */
const LONGEST_WAIT = 30 * SECOND

const ErrorCause = z.object({ reason: z.string() }).partial().catch({})

/** The parts of a `v1.Status` that matter here. Anything may answer in the API server's place: what is of another shape counts as absent. */
const StatusBody = z.object({
  message: z.string().optional().catch(undefined),
  reason: z.string().optional().catch(undefined),
  details: z.object({ retryAfterSeconds: z.unknown().optional(), causes: z.array(ErrorCause).optional().catch(undefined) }).optional().catch(undefined),
}).catch({})

/** What the API server answered instead of the object: a decoded `v1.Status`. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  /** The HTTP status, or the code of an ERROR event of a watch. */
  readonly status: number
  /** Such as `NotFound`, `Conflict`, `Expired`; empty where the answer was no Status. */
  readonly reason: string
  readonly causes: readonly z.output<typeof ErrorCause>[]
  /** At most {@link LONGEST_WAIT}; undefined where nothing was asked, or no number of seconds. */
  readonly retryAfter: DurationMs | undefined

  /** @param body the Status, decoded */
  constructor(status: number, body: unknown, retryAfterHeader?: string) {
    const { message, reason, details } = StatusBody.parse(body)
    super(message || `the server answered ${status}`)
    this.status = status
    this.reason = reason ?? ''
    this.causes = details?.causes ?? []
    this.retryAfter = waitOf(retryAfterHeader) ?? waitOf(details?.retryAfterSeconds)
  }
}

function waitOf(asked: unknown): DurationMs | undefined {
  const seconds = typeof asked === 'string' || typeof asked === 'number' ? Number(asked) : Number.NaN
  return seconds >= 0 ? Math.min(seconds * SECOND, LONGEST_WAIT) : undefined
}

/** Reads the body of an answer that is not a success: a Status where it is one, the text itself where it is not (a proxy's page). */
export function apiErrorOf(status: number, body: string, retryAfterHeader: string | undefined): ApiError {
  return new ApiError(status, statusBodyOf(body), retryAfterHeader)
}

function statusBodyOf(text: string): object {
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null) return parsed
  } catch {
    // Not every answer comes from the API server; what came is then the best message.
  }
  return { message: text.trim().slice(0, 300) }
}

export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404
}

export function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.status === 409
}

/** The status of an eviction that a disruption budget does not allow is the one of too many requests, too. */
export function isForbiddenByBudget({ status, causes }: ApiError): boolean {
  return status === 429 && causes.some(({ reason }) => reason === 'DisruptionBudget')
}

/** The resourceVersion or continue token is too old for the API server to go on from. */
export function isExpired(error: unknown): boolean {
  return error instanceof ApiError && error.status === 410
}
