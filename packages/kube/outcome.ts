import { ApiError } from './api-error.ts'
import type { Outcome } from './cluster.ts'
import { messageOf } from './error-message.ts'
import { NotSentError } from './not-sent-error.ts'

/**
 * What a write came to. A refusal is an ordinary outcome; so is an API server that cannot be reached or fails,
 * which may have done what it was asked: a loop goes on with the next pod either way.
 */
export async function outcomeOf(write: Promise<unknown>): Promise<Outcome> {
  try {
    await write
    return { outcome: 'done' }
  } catch (error) {
    return { outcome: kindOf(error), message: messageOf(error) }
  }
}

function kindOf(error: unknown): Exclude<Outcome['outcome'], 'done'> {
  if (error instanceof NotSentError || isConnectionRefused(error)) return 'unreachable'
  if (!(error instanceof ApiError) || error.status >= 500) return 'unknown'
  const { status, causes, message } = error
  if (status === 429) return 'blocked'
  // The name is taken by another pod by now: "Precondition failed: UID in precondition: …".
  if (status === 404 || (status === 409 && /\buid\b/i.test(message))) return 'gone'
  // Of the PodResizeValidator plug-in, Kubernetes 1.36 and later.
  if (status === 403 && causes.some(({ reason }) => reason === 'NodeCapacity')) return 'infeasible'
  return 'rejected'
}

/** The request was never sent. Node reports several addresses of one host as an AggregateError. */
function isConnectionRefused(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(isConnectionRefused)
  return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED' || isConnectionRefused(error.cause)
}
