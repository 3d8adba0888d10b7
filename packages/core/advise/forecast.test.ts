import { expect, test } from 'vitest'
import { podWith, vpaWith } from '../../../test/support/objects.ts'
import type { DisruptionBudget } from '../api/disruption-budget.ts'
import type { WorkloadLookup } from '../target/workload.ts'
import { ASSUMED_UPDATER } from './assumption.ts'
import { type ForecastFacts, forecast } from './forecast.ts'

const NOW = Date.UTC(2026, 2, 1)
const workload: WorkloadLookup = (namespace, ref) => ({ found: { ...ref, namespace, owners: [], selector: { matchLabels: { app: 'web' } }, replicas: 4 } })
const status = (extra: object = {}) => ({ recommendation: { containerRecommendations: [{ containerName: 'app', target: { cpu: '500m', memory: '1Gi' }, lowerBound: { cpu: '400m' }, upperBound: { cpu: '600m' } }] }, ...extra })
const vpa = (updateMode: string, extra?: object) => vpaWith({ updatePolicy: { updateMode } }, status(extra))
const budget: DisruptionBudget = { namespace: 'default', name: 'all', uid: '', resourceVersion: '', labels: {}, createdAt: undefined, selector: { matchLabels: { app: 'web' } }, disruptionsAllowed: 0 }

function pods(count: number, facts: Parameters<typeof podWith>[0] = {}) {
  return Array.from({ length: count }, (_, index) => ({ ...podWith({ name: `web-${index}`, ...facts }), nodeName: 'node' }))
}

function next(facts: Partial<ForecastFacts>): readonly string[] {
  const all = { vpa: vpa('Recreate'), pods: pods(4), limits: { containerLimits: undefined, podLimits: undefined }, workload, budgets: [], servesResize: true, admissionControllerAlive: true, options: ASSUMED_UPDATER, ...facts }
  return forecast(all, NOW).map((pod) => `${pod.do}: ${pod.why}`)
}

test.for([
  ['half of a group goes, the other half waits', {}, ['evict: outside-range', 'evict: outside-range', 'nothing: budget-spent', 'nothing: budget-spent']],
  ['in mode Off nothing is done', { vpa: vpa('Off') }, Array(4).fill('nothing: mode-off')],
  ['in mode Initial new pods only', { vpa: vpa('Initial') }, Array(4).fill('nothing: mode-initial')],
  ['nothing is recommended', { vpa: vpaWith() }, Array(4).fill('nothing: no-recommendation')],
  ['the admission controller is away', { admissionControllerAlive: false }, Array(4).fill('nothing: admission-controller-away')],
  ['one pod is below minReplicas', { pods: pods(1) }, ['nothing: group-too-small']],
  ['a disruption budget is spent', { budgets: [budget] }, Array(4).fill('nothing: blocked')],
  ['a pod came back unchanged', { vpa: vpa('Recreate', { conditions: [{ type: 'ApplyFailed', status: 'True' }] }) }, Array(4).fill('nothing: apply-failed')],
  ['pods as recommended are left alone', { pods: pods(2, { requests: { app: { cpu: '500m', memory: '1Gi' } } }) }, Array(2).fill('nothing: little-difference')],
  ['resized in place where that is served', { vpa: vpa('InPlaceOrRecreate') }, ['resize: outside-range', 'resize: outside-range', 'nothing: budget-spent', 'nothing: budget-spent']],
  ['evicted where it is not', { vpa: vpa('InPlaceOrRecreate'), servesResize: false }, ['evict: outside-range', 'evict: outside-range', 'nothing: budget-spent', 'nothing: budget-spent']],
  ['mode InPlace behind its gate', { vpa: vpa('InPlace') }, Array(4).fill('nothing: gate-closed')],
  ['a pod without a node has not started', { pods: [podWith()] }, ['nothing: not-started']],
  ['a pod without a controller', { pods: pods(1, { owner: '' }) }, ['nothing: no-controller']],
] as const)('%s', ([, facts, expected]) => {
  expect(next(facts as Partial<ForecastFacts>)).toEqual(expected)
})
