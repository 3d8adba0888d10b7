import { expect, test } from 'vitest'
import { podWith, vpaWith } from '../../../test/support/objects.ts'
import { adviceFor } from './container-advice.ts'
import { DEFAULT_PRICES } from './price.ts'
import { type SummaryQuery, select } from './summary-query.ts'
import { type VpaSummary, summaryOf } from './vpa-summary.ts'

const EVERYTHING: SummaryQuery = { text: undefined, namespace: undefined, severity: undefined, mode: undefined, sort: 'waste', direction: 'descending', page: 1, size: 50 }

/** A VPA whose pods request one core, with the target given in millicores. */
function summary(name: string, target: number | undefined, { namespace = 'shop', mode = 'Off', pods = 1 } = {}): VpaSummary {
  const status = target === undefined ? {} : { recommendation: { containerRecommendations: [{ containerName: 'app', target: { cpu: `${target}m`, memory: '1Gi' } }] } }
  const vpa = { ...vpaWith({ targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: `${name}-workload` }, updatePolicy: { updateMode: mode } }, status), namespace, name }
  return summaryOf(vpa, adviceFor(vpa, Array.from({ length: pods }, (_, index) => podWith({ name: `${name}-${index}` })), [], DEFAULT_PRICES))
}

const SUMMARIES = [summary('api', 1300, { mode: 'Recreate' }), summary('cart', 400, { pods: 2 }), summary('db', 990, { namespace: 'data' }), summary('new', undefined), summary('web', 100)]
const names = (query: Partial<SummaryQuery>) => select(SUMMARIES, { ...EVERYTHING, ...query }).rows.map(({ name }) => name)

test.for([
  ['what could be saved, the most first', {}, ['cart', 'web', 'db', 'new', 'api']],
  ['what could be saved, the least first', { direction: 'ascending' }, ['api', 'new', 'db', 'web', 'cart']],
  ['severity, the worst first; alike ones by name', { sort: 'severity' }, ['cart', 'web', 'api', 'db', 'new']],
  ['namespace and name', { sort: 'name', direction: 'ascending' }, ['db', 'api', 'cart', 'new', 'web']],
  ['pods', { sort: 'pods' }, ['cart', 'db', 'api', 'new', 'web']],
  ['surplus of CPU of all pods', { sort: 'cpu' }, ['cart', 'web', 'db', 'new', 'api']],
] as const)('in the order of %s', ([, query, expected]) => {
  expect(names(query)).toEqual(expected)
})

test.for([
  ['part of a name, in any case', { text: ' CAR ' }, ['cart']],
  ['part of the target', { text: 'deployment/web-' }, ['web']],
  ['namespace and name', { text: 'data/db' }, ['db']],
  ['a namespace', { namespace: 'data' }, ['db']],
  ['a mode', { mode: 'Recreate' }, ['api']],
  ['a severity', { severity: 'critical' }, ['cart', 'web']],
  ['several at once', { severity: 'critical', text: 'web' }, ['web']],
] as const)('those that match %s', ([, query, expected]) => {
  expect(names(query)).toEqual(expected)
})

test('a page at a time; beyond the last page is the last page', () => {
  const pages = [1, 2, 3, 9].map((page) => select(SUMMARIES, { ...EVERYTHING, page, size: 2 }))
  expect(pages.map(({ rows, page, pages, matching }) => [rows.map(({ name }) => name).join(), page, pages, matching])).toEqual([['cart,web', 1, 3, 5], ['db,new', 2, 3, 5], ['api', 3, 3, 5], ['api', 3, 3, 5]])
})

test('totals are of all that match, their severity aside: what another severity would show', () => {
  const { totals, matching } = select(SUMMARIES, { ...EVERYTHING, namespace: 'shop', severity: 'critical' })
  expect(matching).toBe(2)
  expect(totals).toMatchObject({ vpas: 4, pods: 5, requested: { cpu: 5000 }, recommended: { cpu: 1300 + 2 * 400 + 1000 + 100 }, severities: { critical: 2, warning: 1, unknown: 1, good: 0 } })
})

test.for([
  ['too much', 400, 'critical', 'cpu more than it needs'],
  ['too little', 1300, 'warning', 'cpu less than it needs'],
  ['what it needs', 990, 'good', ''],
  ['nobody knows', undefined, 'unknown', 'nothing is recommended'],
] as const)('a row says why: %s', ([, target, severity, why]) => {
  expect(summary('x', target)).toMatchObject({ severity, why })
})
