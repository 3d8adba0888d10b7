import type { Resource } from '../amount.ts'
import type { UpdateMode } from '../api/update-mode.ts'
import type { FleetTotals } from './fleet.ts'
import { SEVERITIES, type Severity } from './severity.ts'
import { type VpaSummary, totalsOf } from './vpa-summary.ts'

export const SUMMARY_ORDERS = ['waste', 'severity', 'name', 'mode', 'pods', 'cpu', 'memory'] as const

/** Which rows are wanted, and in which order; what is undefined does not matter. */
export interface SummaryQuery {
  /** In namespace/name or Kind/name of the target, in any case. */
  readonly text: string | undefined
  readonly namespace: string | undefined
  readonly severity: Severity | undefined
  readonly mode: UpdateMode | undefined
  readonly sort: (typeof SUMMARY_ORDERS)[number]
  readonly direction: 'ascending' | 'descending'
  /** From 1; what is beyond the last page is the last page. */
  readonly page: number
  readonly size: number
}

export interface SummaryPage {
  readonly rows: readonly VpaSummary[]
  /** Rows of all pages. */
  readonly matching: number
  readonly page: number
  readonly pages: number
  /** Of everything that matches, its severity aside: what each severity would leave. */
  readonly totals: FleetTotals
}

/** One page of those that match. */
export function select(summaries: readonly VpaSummary[], query: SummaryQuery): SummaryPage {
  const { severity, size } = query
  const text = query.text?.trim().toLowerCase()
  const others = summaries.filter((summary) => (query.namespace === undefined || summary.namespace === query.namespace) && (query.mode === undefined || summary.mode === query.mode) && (!text || searched(summary).includes(text)))
  const matching = severity === undefined ? others : others.filter((summary) => summary.severity === severity)
  const pages = Math.max(1, Math.ceil(matching.length / size))
  const page = Math.min(query.page, pages)
  return { rows: sorted(matching, query).slice((page - 1) * size, page * size), matching: matching.length, page, pages, totals: totalsOf(others) }
}

function searched({ namespace, name, target }: VpaSummary): string {
  return `${namespace}/${name} ${target ? `${target.kind}/${target.name}` : ''}`.toLowerCase()
}

/** Those that are alike are in order of their names. */
function sorted(summaries: readonly VpaSummary[], { sort, direction }: SummaryQuery): readonly VpaSummary[] {
  const sign = direction === 'ascending' ? 1 : -1
  return summaries.toSorted((a, b) => sign * ORDERS[sort](a, b) || byName(a, b))
}

/** Ascending: the smallest waste first. */
const ORDERS: Readonly<Record<SummaryQuery['sort'], (a: VpaSummary, b: VpaSummary) => number>> = {
  waste: (a, b) => a.monthly.saving - b.monthly.saving,
  severity: (a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity),
  name: byName,
  mode: (a, b) => compare(a.mode, b.mode),
  pods: (a, b) => a.pods - b.pods,
  cpu: (a, b) => surplus(a, 'cpu') - surplus(b, 'cpu'),
  memory: (a, b) => surplus(a, 'memory') - surplus(b, 'memory'),
}

function surplus({ pods, resources }: VpaSummary, resource: Resource): number {
  const { request, target } = resources[resource]
  return target === undefined ? 0 : pods * ((request ?? 0) - target)
}

function byName(a: VpaSummary, b: VpaSummary): number {
  return compare(a.namespace, b.namespace) || compare(a.name, b.name)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}
