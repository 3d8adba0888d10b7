import { type Amount, RESOURCES, type Resource } from '../amount.ts'
import type { UpdateMode } from '../api/update-mode.ts'
import { type Vpa, updateModeOf } from '../api/vpa.ts'
import type { ContainerAdvice } from './container-advice.ts'
import type { FleetTotals } from './fleet.ts'
import { SEVERITIES, type Severity, verdictText, worstOf } from './severity.ts'

/** A VPA in one row: its containers together. */
export interface VpaSummary {
  readonly namespace: string
  readonly name: string
  readonly target: { readonly kind: string; readonly name: string } | undefined
  readonly mode: UpdateMode
  readonly pods: number
  readonly containers: number
  /** Of one pod, all containers together; millicores and bytes. */
  readonly resources: Readonly<Record<Resource, { readonly request: Amount | undefined; readonly target: Amount | undefined }>>
  readonly monthly: ContainerAdvice['monthly']
  readonly severity: Severity
  /** What is behind the severity: `cpu more than it needs`. Empty where nothing is wrong. */
  readonly why: string
  readonly oomKills: number
}

/** @param advice of all containers of the VPA that it may scale */
export function summaryOf(vpa: Vpa, advice: readonly ContainerAdvice[]): VpaSummary {
  const { namespace, name, spec } = vpa
  const severity = worstOf(advice.map((each) => each.severity))
  const money = (part: keyof ContainerAdvice['monthly']) => advice.reduce((total, { monthly }) => total + monthly[part], 0)
  const amounts = (resource: Resource) => ({ request: sum(advice.map(({ resources }) => resources[resource].request)), target: sum(advice.map(({ resources }) => resources[resource].target)) })
  return {
    namespace,
    name,
    target: spec.targetRef && { kind: spec.targetRef.kind, name: spec.targetRef.name },
    mode: updateModeOf(vpa),
    pods: advice.reduce((most, { pods }) => Math.max(most, pods), 0),
    containers: advice.length,
    resources: { cpu: amounts('cpu'), memory: amounts('memory') },
    monthly: { now: money('now'), recommended: money('recommended'), saving: money('saving') },
    severity,
    why: whyOf(advice, severity),
    oomKills: advice.reduce((total, { oomKills }) => total + oomKills, 0),
  }
}

/** The verdicts that are as bad as the worst, each once: `cpu and memory more than it needs`. */
function whyOf(advice: readonly ContainerAdvice[], severity: Severity): string {
  if (severity === 'good') return ''
  if (severity === 'unknown') return verdictText('no-recommendation')
  const verdicts = advice.flatMap(({ resources }) => RESOURCES.map((resource) => ({ resource, ...resources[resource].verdict })))
  const resourcesOf = Map.groupBy(verdicts.filter((verdict) => verdict.severity === severity), ({ why }) => why)
  return [...resourcesOf].map(([why, those]) => `${[...new Set(those.map(({ resource }) => resource))].join(' and ')} ${verdictText(why)}`).join(', ')
}

/** What is not known counts nothing; undefined where nothing is known. */
function sum(amounts: readonly (Amount | undefined)[]): Amount | undefined {
  const known = amounts.filter((amount) => amount !== undefined)
  return known.length === 0 ? undefined : known.reduce((total, amount) => total + amount, 0)
}

/** What has no target counts as it is. */
export function totalsOf(summaries: readonly VpaSummary[]): FleetTotals {
  const total = (value: (summary: VpaSummary) => number) => summaries.reduce((sum, summary) => sum + value(summary), 0)
  const both = (value: (amounts: VpaSummary['resources'][Resource]) => Amount | undefined) => {
    const of = (resource: Resource) => total(({ pods, resources }) => pods * (value(resources[resource]) ?? 0))
    return { cpu: of('cpu'), memory: of('memory') }
  }
  const severities = Object.fromEntries(SEVERITIES.map((severity) => [severity, 0])) as Record<Severity, number>
  for (const { severity } of summaries) severities[severity] += 1
  return {
    vpas: summaries.length,
    pods: total(({ pods }) => pods),
    requested: both(({ request }) => request),
    recommended: both(({ request, target }) => target ?? request),
    monthly: { now: total(({ monthly }) => monthly.now), recommended: total(({ monthly }) => monthly.recommended), saving: total(({ monthly }) => monthly.saving) },
    severities,
  }
}
