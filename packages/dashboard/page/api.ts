import type { ErrorAnswer, ListAnswer, VpaAnswer } from '@vpa/core/advise/dashboard-answer.ts'
import type { Route } from './route.ts'

/** Longer than any answer takes; a connection that hangs must not look like news. */
const PATIENCE_MS = 10_000

/** The recommender has answered that it cannot: asking again changes nothing. */
export class Refusal extends Error {}

/** @throws Refusal with the recommender's words, or another Error when it does not answer */
export async function ask(route: Extract<Route, { page: 'list' }>, signal: AbortSignal): Promise<ListAnswer>
export async function ask(route: Extract<Route, { page: 'vpa' }>, signal: AbortSignal): Promise<VpaAnswer>
export async function ask(route: Route, signal: AbortSignal): Promise<unknown> {
  const answer = await fetch(pathOf(route), { signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]) })
  if (answer.ok) return answer.json()
  const problem = ((await answer.json().catch(() => ({}))) as Partial<ErrorAnswer>).error ?? answer.statusText
  if (answer.status >= 500) throw new Error(problem)
  throw new Refusal(problem)
}

function pathOf(route: Route): string {
  return route.page === 'list' ? `api/vpas?${new URLSearchParams(route.query)}` : `api/vpas/${encodeURIComponent(route.namespace)}/${encodeURIComponent(route.name)}`
}
