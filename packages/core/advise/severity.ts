import type { Amount, Resource } from '../amount.ts'

/** From what needs nothing to what needs somebody now; `unknown` where nothing is recommended. */
export const SEVERITIES = ['unknown', 'good', 'ok', 'warning', 'critical'] as const
export type Severity = (typeof SEVERITIES)[number]

export interface Verdict {
  readonly severity: Severity
  readonly why: 'no-recommendation' | 'fits' | 'too-much' | 'too-little' | 'no-request' | 'oom-killed'
}

export interface RequestFacts {
  /** undefined: the container requests none. */
  readonly request: Amount | undefined
  readonly target: Amount | undefined
  /** It was killed for want of memory, and nobody knows of a better end since. */
  readonly oomKilled: boolean
}

/** From which difference on a request is ok, a warning, critical; those of KRR, so that both tools say the same. In bytes, MB count a million. */
const STEPS: Readonly<Record<Resource, readonly [ok: Amount, warning: Amount, critical: Amount]>> = { cpu: [100, 250, 500], memory: [100e6, 250e6, 500e6] }

/** A difference that is a smaller part of the request is none: the updater would leave such a pod alone, too. */
const SMALLEST_PART = 0.1

/** How wrong a request is: 1000m where 300m are enough is critical, 320m is good. A container that was killed for want of memory, and should have more, is critical at any difference. */
export function severityOf(resource: Resource, { request, target, oomKilled }: RequestFacts): Verdict {
  if (target === undefined) return { severity: 'unknown', why: 'no-recommendation' }
  if (resource === 'memory' && oomKilled && target > (request ?? 0)) return { severity: 'critical', why: 'oom-killed' }
  if (request === undefined) return { severity: 'warning', why: 'no-request' }
  const difference = Math.abs(target - request)
  const [ok, warning, critical] = STEPS[resource]
  if (difference < ok || difference < SMALLEST_PART * request) return { severity: 'good', why: 'fits' }
  return { severity: difference >= critical ? 'critical' : difference >= warning ? 'warning' : 'ok', why: target > request ? 'too-little' : 'too-much' }
}

/** The worst of several; `unknown` of none. */
export function worstOf(severities: Iterable<Severity>): Severity {
  return [...severities].reduce((worst, severity) => (isAtLeast(severity, worst) ? severity : worst), 'unknown')
}

export function isAtLeast(severity: Severity, threshold: Severity): boolean {
  return SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(threshold)
}

const VERDICTS: Readonly<Record<Verdict['why'], string>> = {
  'no-recommendation': 'nothing is recommended',
  fits: 'fits',
  'too-much': 'more than it needs',
  'too-little': 'less than it needs',
  'no-request': 'no request',
  'oom-killed': 'ran out',
}

/** In words that follow the name of the resource: `cpu less than it needs`. */
export function verdictText(why: Verdict['why']): string {
  return VERDICTS[why]
}
