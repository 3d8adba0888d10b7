import { type Kind, qualifiedResource } from './kind.ts'

export interface StatusCause {
  readonly reason: string
  readonly message: string
  readonly field?: string
}

export interface StatusDetails {
  readonly name?: string
  readonly group?: string
  readonly kind?: string
  readonly causes?: readonly StatusCause[]
  readonly retryAfterSeconds?: number
}

/** A refusal, in the words of a real API server. */
export class ApiError extends Error {
  readonly code: number
  readonly reason: string
  readonly details: StatusDetails | undefined

  constructor(code: number, reason: string, message: string, details?: StatusDetails) {
    super(message)
    this.code = code
    this.reason = reason
    this.details = details
  }

  /** The v1 Status object. */
  toJSON(): object {
    const { message, reason, code, details } = this
    return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, ...(reason && { reason }), ...(details && { details }), code }
  }
}

function about({ group, resource }: Kind, name: string): StatusDetails {
  return { name, ...(group && { group }), kind: resource }
}

export function notFound(kind: Kind, name: string): ApiError {
  return new ApiError(404, 'NotFound', `${qualifiedResource(kind)} "${name}" not found`, about(kind, name))
}

export function alreadyExists(kind: Kind, name: string): ApiError {
  return new ApiError(409, 'AlreadyExists', `${qualifiedResource(kind)} "${name}" already exists`, about(kind, name))
}

export function conflict(kind: Kind, name: string, problem: string): ApiError {
  return new ApiError(409, 'Conflict', `Operation cannot be fulfilled on ${qualifiedResource(kind)} "${name}": ${problem}`, about(kind, name))
}

export const MODIFIED = 'the object has been modified; please apply your changes to the latest version and try again'

/** @param kinds several problems are one message, as a list in brackets */
export function invalid({ kind, group }: Kind, name: string, causes: readonly StatusCause[]): ApiError {
  const texts = causes.map(({ field, message }) => `${field}: ${message}`)
  const text = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`
  const qualified = group ? `${kind}.${group}` : kind
  return new ApiError(422, 'Invalid', `${qualified} "${name}" is invalid: ${text}`, { name, ...(group && { group }), kind, causes })
}

export function badRequest(message: string): ApiError {
  return new ApiError(400, 'BadRequest', message)
}

export function forbidden(kind: Kind, name: string, problem: string): ApiError {
  return new ApiError(403, 'Forbidden', `${qualifiedResource(kind)} "${name}" is forbidden: ${problem}`, about(kind, name))
}

/** A list or watch asks for a version that is forgotten. */
export function expired(message: string): ApiError {
  return new ApiError(410, 'Expired', message)
}

/** For a path that means nothing within a group that is served. */
export function noSuchResource(): ApiError {
  return new ApiError(404, 'NotFound', 'the server could not find the requested resource', {})
}

export function methodNotAllowed(): ApiError {
  return new ApiError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {})
}
