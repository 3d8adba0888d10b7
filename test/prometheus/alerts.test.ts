import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { findPrometheus } from './server.ts'

const RULES = new URL('../../manifests/monitoring/alerts.yaml', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'vpa-alerts-'))
const programs = findPrometheus()

afterAll(() => rmSync(folder, { recursive: true }))

/** By series, one value a minute as promtool writes them: `0+5` grows by 5. */
type Series = Readonly<Record<string, string>>

const RECOMMENDER = 'vpa_recommender_execution_latency_seconds'
const UPDATER = 'vpa_updater_execution_latency_seconds'
const LATENCY = 'vpa_admission_controller_admission_latency_seconds'
const bucket = (bound: string) => `${LATENCY}_bucket{resource="Pod",status="applied",le="${bound}"}`
const evicted = (pods: number) => `vpa_updater_evicted_pods_total{vpa_namespace="shop",vpa_name="cart",update_mode="Recreate",vpa_size_log2="${Math.log2(pods)}"}`
const WITHOUT = 'vpa_recommender_vpa_objects_count{has_recommendation="false",matches_pods="true",unsupported_config="false",update_mode="Off",api="v1"}'
const READS = 'vpa_recommender_metric_server_responses'
const OOMS = 'vpa_quality_usage_recommendation_relative_diffs_count{resource="memory",is_oom="true",update_mode="Recreate"}'
const DAYS_LEFT = 'vpa_admission_controller_certificate_days_left{pod="a"}'

/** Nothing is wrong. */
const HEALTHY: Series = {
  [`${RECOMMENDER}_count{step="total"}`]: '0+1',
  [`${RECOMMENDER}_sum{step="total"}`]: '0+5',
  [`${UPDATER}_count{step="total"}`]: '0+1',
  [`${UPDATER}_sum{step="total"}`]: '0+5',
  'leader_election_master_status{name="vpa-recommender-lease",pod="a"}': '1',
  'leader_election_master_status{name="vpa-recommender-lease",pod="b"}': '0',
  'vpa_watch_age_seconds{kind="pods",pod="a"}': '40',
  [WITHOUT]: '0',
  [`${READS}{is_error="false"}`]: '0+1',
  [`${READS}{is_error="true"}`]: '0',
  [OOMS]: '0',
  [bucket('0.01')]: '0+60',
  [bucket('1')]: '0+60',
  [bucket('2')]: '0+60',
  [bucket('+Inf')]: '0+60',
  [`${LATENCY}_count{resource="Pod",status="applied"}`]: '0+60',
  [`${LATENCY}_count{resource="Pod",status="error"}`]: '0',
  'vpa_updater_admission_controller_status_invalid_total{reason="Expired"}': '0',
  [DAYS_LEFT]: '60',
  [evicted(2)]: '0',
  vpa_updater_apply_failed_vpas: '0',
  vpa_updater_evictions_stopped: '0',
}
const without = (...names: readonly string[]): Series => Object.fromEntries(Object.keys(HEALTHY).filter((series) => names.some((name) => series.startsWith(name))).map((series) => [series, '_']))

const CASES: readonly (readonly [string, Series, number, readonly string[]])[] = [
  ['all is well', {}, 120, []],
  ['the recommender’s loop stands still', { [`${RECOMMENDER}_count{step="total"}`]: '7', [`${RECOMMENDER}_sum{step="total"}`]: '35' }, 25, ['VpaRecommenderNotWorking']],
  ['there is no recommender', without(RECOMMENDER), 6, ['VpaRecommenderNotWorking']],
  ['there is no recommender, for a moment', without(RECOMMENDER), 4, []],
  ['the updater’s loop stands still', { [`${UPDATER}_count{step="total"}`]: '7', [`${UPDATER}_sum{step="total"}`]: '35' }, 25, ['VpaUpdaterNotWorking']],
  ['a loop takes 70 seconds', { [`${RECOMMENDER}_sum{step="total"}`]: '0+70' }, 30, ['VpaRecommenderLoopSlow']],
  ['a loop takes 59 seconds', { [`${RECOMMENDER}_sum{step="total"}`]: '0+59' }, 30, []],
  ['the updater’s loop takes 70 seconds', { [`${UPDATER}_sum{step="total"}`]: '0+70' }, 30, ['VpaUpdaterLoopSlow']],
  ['nobody leads', { 'leader_election_master_status{name="vpa-recommender-lease",pod="a"}': '0' }, 3, ['VpaNoLeader']],
  ['the leader changes', { 'leader_election_master_status{name="vpa-recommender-lease",pod="a"}': '1 0', 'leader_election_master_status{name="vpa-recommender-lease",pod="b"}': '0 1' }, 30, []],
  ['pods are not heard of', { 'vpa_watch_age_seconds{kind="pods",pod="a"}': '0+60' }, 12, ['VpaWatchStale']],
  ['three VPAs have no recommendation', { [WITHOUT]: '3' }, 31, ['VpaNoRecommendation']],
  ['a VPA is new', { [WITHOUT]: '3' }, 29, []],
  ['usage cannot be read', { [`${READS}{is_error="false"}`]: '0', [`${READS}{is_error="true"}`]: '0+1' }, 15, ['VpaMetricsSourceFailing']],
  ['every fourth read of usage fails', { [`${READS}{is_error="false"}`]: '0+3', [`${READS}{is_error="true"}`]: '0+1' }, 60, []],
  ['containers run out of memory', { [OOMS]: '0+0.1' }, 60, ['VpaOomAfterUpdate']],
  ['containers of VPAs in mode Off run out of memory', { [OOMS.replace('Recreate', 'Off')]: '0+1' }, 60, []],
  ['the webhook takes 1.5 s for one pod in thirty', { [bucket('0.01')]: '0+58', [bucket('1')]: '0+58' }, 12, ['VpaWebhookSlow']],
  ['the webhook takes 1.5 s for one pod in six hundred', { [bucket('0.01')]: '0+59.9', [bucket('1')]: '0+59.9' }, 60, []],
  ['two reviews in sixty are errors', { [`${LATENCY}_count{resource="Pod",status="error"}`]: '0+2' }, 16, ['VpaWebhookErrors']],
  ['the admission controller is not alive', { 'vpa_updater_admission_controller_status_invalid_total{reason="Expired"}': '0+1' }, 25, ['VpaAdmissionControllerNotAlive']],
  ['a certificate is not renewed', { [DAYS_LEFT]: '9-0.03' }, 140, ['VpaCertificateExpires']],
  ['a certificate lives for a week', { [DAYS_LEFT]: '6.9-0.0007' }, 1000, []],
  ['a certificate expires in eleven hours', { [DAYS_LEFT]: '0.4' }, 1, ['VpaCertificateExpiresNow']],
  ['a VPA of two pods evicts one of them every three minutes', { [evicted(2)]: '0+0.34' }, 70, ['VpaEvictionLoop']],
  ['a VPA of 16 pods evicts each of them once', { [evicted(16)]: '0+0.27' }, 60, []],
  ['a VPA is left alone', { vpa_updater_apply_failed_vpas: '1' }, 16, ['VpaApplyFailed']],
  ['evictions are stopped', { vpa_updater_apply_failed_vpas: '3', vpa_updater_evictions_stopped: '1' }, 2, ['VpaEvictionsStopped']],
]

describe.skipIf(programs === undefined)('alerts, as promtool evaluates them', () => {
  test.for(CASES)('%s', ([, changed, minutes, firing]) => {
    expect(promtool({ ...HEALTHY, ...changed }, minutes, firing)).toContain('SUCCESS')
  })

  test('each is seen to fire', () => {
    const { groups } = parse(readFileSync(RULES, 'utf8')) as { groups: { rules: { alert: string }[] }[] }
    const all = groups.flatMap(({ rules }) => rules.map(({ alert }) => alert))
    expect(all.toSorted()).toEqual([...new Set(CASES.flatMap(([, , , firing]) => firing))].toSorted())
  })
})

/** What promtool says of exactly these alerts firing after that many minutes. */
function promtool(series: Series, minutes: number, firing: readonly string[]): string {
  const input_series = Object.entries(series).map(([name, values]) => ({ series: name, values: `${values}x${minutes}` }))
  const exp_samples = firing.map((alertname) => ({ labels: `{alertname="${alertname}"}`, value: 1 }))
  const promql_expr_test = [{ expr: 'count by (alertname) (ALERTS{alertstate="firing"})', eval_time: `${minutes}m`, exp_samples }]
  const file = join(folder, 'case.yaml')
  writeFileSync(file, JSON.stringify({ rule_files: [RULES], evaluation_interval: '1m', tests: [{ interval: '1m', input_series, promql_expr_test }] }))
  const { stdout, stderr } = spawnSync(programs?.promtool ?? '', ['test', 'rules', file], { encoding: 'utf8' })
  return stdout + stderr
}
