import type { DurationMs } from '@vpa/core/time.ts'

/** What the API server answered instead of the object: a decoded `v1.Status`. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  /** The HTTP status, or the code of an ERROR event of a watch. */
  readonly status: number
  /** Such as `NotFound`, `Conflict`, `Expired`; empty where the answer was no Status. */
  readonly reason: string
  readonly causes: readonly ErrorCause[]
  readonly retryAfter: DurationMs | undefined

  constructor(status: number, body: StatusBody, retryAfterSeconds?: number) {
    super(body.message || `the server answered ${status}`)
    this.status = status
    this.reason = body.reason ?? ''
    this.causes = body.details?.causes ?? []
    const seconds = retryAfterSeconds ?? body.details?.retryAfterSeconds
    this.retryAfter = seconds === undefined ? undefined : seconds * 1000
  }
}

export interface ErrorCause {
  readonly reason?: string
  readonly message?: string
  readonly field?: string
}

/** The parts of a `v1.Status` that matter here. */
export interface StatusBody {
  readonly message?: string
  readonly reason?: string
  readonly code?: number
  readonly details?: { readonly retryAfterSeconds?: number; readonly causes?: readonly ErrorCause[] }
}

/** Reads the body of an answer that is not a success: a Status where it is one, the text itself where it is not (a proxy's page). */
export function apiErrorOf(status: number, body: string, retryAfterHeader: string | undefined): ApiError {
  const seconds = Number(retryAfterHeader)
  return new ApiError(status, statusBodyOf(body), retryAfterHeader === undefined || Number.isNaN(seconds) ? undefined : seconds)
}

function statusBodyOf(text: string): StatusBody {
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
