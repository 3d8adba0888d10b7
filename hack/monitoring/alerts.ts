import { parseDuration, SECOND } from '@vpa/core/time.ts'
import { flagsOf } from '@vpa/kube/config.ts'
import { Config as RecommenderConfig } from '../../packages/recommender/config.ts'
import { Config as UpdaterConfig } from '../../packages/updater/config.ts'
import type { ProgramName } from '../program-names.ts'
import { type Query, not } from './query.ts'

/** A rule of Prometheus. */
export interface Alert {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: { readonly severity: 'warning' | 'critical'; readonly component?: ProgramName }
  readonly annotations: { readonly summary: string; readonly description: string; readonly runbook_url: string }
}

interface Definition extends Pick<Alert, 'alert' | 'expr' | 'for'> {
  readonly severity: Alert['labels']['severity']
  /** None: it is about all of them. */
  readonly component?: ProgramName
  readonly summary: string
  readonly description: string
  /** A heading of docs/troubleshooting.md. */
  readonly runbook: string
}

/** What wakes somebody up, and what can wait until morning. */
export function alerts(query: Query): readonly Alert[] {
  return [...loopAlerts(query), ...recommendationAlerts(query), ...webhookAlerts(query), ...evictionAlerts(query)].map(ruleOf)
}

/** The text of a heading as it stands in a link. */
export function anchorOf(heading: string): string {
  return heading.toLowerCase().replaceAll(/[^\w\- ]/g, '').replaceAll(' ', '-')
}

function ruleOf({ alert, expr, for: pending, severity, component, summary, description, runbook }: Definition): Alert {
  return {
    alert,
    expr,
    ...(pending !== undefined && { for: pending }),
    labels: { severity, ...(component !== undefined && { component }) },
    annotations: { summary, description, runbook_url: `docs/troubleshooting.md#${anchorOf(runbook)}` },
  }
}

const LOOPS = [
  { component: 'recommender', flags: RecommenderConfig, flag: 'recommender-interval', metric: 'vpa_recommender_execution_latency_seconds', effect: 'No recommendation is renewed.' },
  { component: 'updater', flags: UpdaterConfig, flag: 'updater-interval', metric: 'vpa_updater_execution_latency_seconds', effect: 'Running pods keep the resources they have.' },
] as const

function loopAlerts(query: Query): readonly Definition[] {
  return [
    ...LOOPS.flatMap((loop) => [notWorking(query, loop), slow(query, loop)]),
    {
      alert: 'VpaNoLeader',
      expr: `max by (${query.label('leader_election_master_status', 'name')}) (${query.series('leader_election_master_status')}) == 0`,
      for: '2m',
      severity: 'critical',
      summary: 'No replica holds lease {{ $labels.name }}',
      description: 'All replicas stand by, and nobody does the work. A lease is free 15 seconds after its holder is gone.',
      runbook: 'Nobody holds the lease',
    },
    {
      alert: 'VpaWatchStale',
      expr: `${query.series('vpa_watch_age_seconds')} > 300`,
      for: '5m',
      severity: 'warning',
      summary: 'Nothing is heard of {{ $labels.kind }}',
      description: 'The API server was last heard of {{ $value | humanizeDuration }} ago; even where nothing changes it is heard of about once a minute. Decisions are made on old knowledge.',
      runbook: 'A watch is stale',
    },
  ]
}

type Loop = (typeof LOOPS)[number]

function notWorking(query: Query, { component, metric, effect }: Loop): Definition {
  const loops = query.part(metric, 'count', { step: 'total' })
  return {
    alert: `Vpa${capitalized(component)}NotWorking`,
    expr: `sum(increase(${loops}[15m])) == 0 or absent(${loops})`,
    for: '5m',
    severity: 'critical',
    component,
    summary: `The ${component} has not ended a loop for 15 minutes`,
    description: `${effect} Either no ${component} runs, or none leads, or its loop stands still.`,
    runbook: 'The loop stands still',
  }
}

function slow(query: Query, { component, flags, flag, metric }: Loop): Definition {
  const ofTotal = { step: 'total' }
  const seconds = intervalSeconds(flags, flag)
  return {
    alert: `Vpa${capitalized(component)}LoopSlow`,
    expr: `sum(rate(${query.part(metric, 'sum', ofTotal)}[10m])) / sum(rate(${query.part(metric, 'count', ofTotal)}[10m])) > ${seconds}`,
    for: '15m',
    severity: 'warning',
    component,
    summary: `The ${component}'s loop takes longer than its interval`,
    description: `A loop takes {{ $value | humanizeDuration }}; it is meant to begin every ${seconds} seconds (--${flag}, by default). What is done comes late.`,
    runbook: 'The loop takes longer than its interval',
  }
}

function recommendationAlerts(query: Query): readonly Definition[] {
  const responses = 'vpa_recommender_metric_server_responses'
  return [
    {
      alert: 'VpaNoRecommendation',
      expr: `sum(${query.series('vpa_recommender_vpa_objects_count', { has_recommendation: 'false', matches_pods: 'true', unsupported_config: 'false' })}) > 0`,
      for: '30m',
      severity: 'warning',
      component: 'recommender',
      summary: '{{ $value }} VPAs with pods have no recommendation',
      description: 'A first recommendation takes a minute or two. These VPAs have pods, and none after half an hour.',
      runbook: 'A VPA has no recommendation',
    },
    {
      alert: 'VpaMetricsSourceFailing',
      expr: `sum(rate(${query.series(responses, { is_error: 'true' })}[10m])) / sum(rate(${query.series(responses)}[10m])) > 0.5`,
      for: '10m',
      severity: 'warning',
      component: 'recommender',
      summary: 'The recommender cannot read usage',
      description: '{{ $value | humanizePercentage }} of its reads of metrics.k8s.io fail. Recommendations stay as they are.',
      runbook: 'Usage cannot be read',
    },
    {
      alert: 'VpaOomAfterUpdate',
      expr: `sum by (${query.label('vpa_quality_usage_recommendation_relative_diffs', 'update_mode')}) (increase(${query.part('vpa_quality_usage_recommendation_relative_diffs', 'count', { resource: 'memory', is_oom: 'true', update_mode: not('Off|Initial') })}[1h])) > 2`,
      severity: 'warning',
      component: 'recommender',
      summary: 'Containers that VPAs update run out of memory',
      description: '{{ $value | humanize }} times within an hour, although they have a recommendation (mode {{ $labels.update_mode }}). Each time raises it; it should stop.',
      runbook: 'Containers run out of memory',
    },
  ]
}

function webhookAlerts(query: Query): readonly Definition[] {
  const latency = 'vpa_admission_controller_admission_latency_seconds'
  const daysLeft = query.series('vpa_admission_controller_certificate_days_left')
  const component = 'admission-controller'
  return [
    {
      alert: 'VpaWebhookSlow',
      expr: `histogram_quantile(0.99, sum by (le) (rate(${query.part(latency, 'bucket')}[5m]))) > 1`,
      for: '5m',
      severity: 'warning',
      component,
      summary: 'The webhook answers slowly',
      description: 'One answer in a hundred takes longer than {{ $value | humanizeDuration }}. Every new pod waits for it.',
      runbook: 'The webhook is slow',
    },
    {
      alert: 'VpaWebhookErrors',
      expr: `sum(rate(${query.part(latency, 'count', { status: 'error' })}[5m])) / sum(rate(${query.part(latency, 'count')}[5m])) > 0.01`,
      for: '10m',
      severity: 'warning',
      component,
      summary: 'The webhook cannot review what it is asked about',
      description: '{{ $value | humanizePercentage }} of the reviews end in an error. These pods are admitted unchanged.',
      runbook: 'The webhook reports errors',
    },
    {
      alert: 'VpaAdmissionControllerNotAlive',
      expr: `increase(${query.series('vpa_updater_admission_controller_status_invalid_total')}[10m]) > 5`,
      for: '10m',
      severity: 'critical',
      component,
      summary: 'The updater finds no admission controller that works',
      description: 'It evicts nothing until there is one ({{ $labels.reason }}), and new pods are not changed.',
      runbook: 'The admission controller is not alive',
    },
    {
      alert: 'VpaCertificateExpires',
      // A certificate that never has more than 8 days is renewed that late on purpose; the alert below watches it.
      expr: `min(${daysLeft}) < 7 and max(max_over_time(${daysLeft}[14d])) > 8`,
      for: '1h',
      severity: 'warning',
      component,
      summary: "The webhook's certificate expires in {{ $value | humanize }} days",
      description: 'It should have been renewed. From then on the API server does not reach the webhook, and pods are admitted unchanged, or refused with failure policy Fail.',
      runbook: 'The certificate expires',
    },
    {
      alert: 'VpaCertificateExpiresNow',
      expr: `min(${daysLeft}) < 0.5`,
      severity: 'critical',
      component,
      summary: "The webhook's certificate expires within twelve hours, or has",
      description: '{{ $value | humanize }} days are left. From then on the API server does not reach the webhook.',
      runbook: 'The certificate expires',
    },
  ]
}

/** A VPA with more pods than this counts in the last class. */
const MAX_SIZE_LOG2 = 10
const EVICTIONS_PER_POD = 5

function evictionAlerts(query: Query): readonly Definition[] {
  const evicted = 'vpa_updater_evicted_pods_total'
  // The size of a VPA is a label: a power of two. More than so many evictions of each pod that it can have at most:
  const loops = Array.from({ length: MAX_SIZE_LOG2 + 1 }, (_, size) => {
    const ofSize = query.series(evicted, { vpa_size_log2: `${size}` })
    return `sum by (${query.label(evicted, 'vpa_namespace')}, ${query.label(evicted, 'vpa_name')}) (increase(${ofSize}[1h])) > ${EVICTIONS_PER_POD * 2 ** (size + 1)}`
  })
  const component = 'updater'
  return [
    {
      alert: 'VpaEvictionLoop',
      expr: loops.join('\nor '),
      severity: 'critical',
      component,
      summary: 'VPA {{ $labels.vpa_namespace }}/{{ $labels.vpa_name }} evicts the same pods again and again',
      description: `{{ $value | humanize }} evictions within an hour: more than ${EVICTIONS_PER_POD} for each of its pods.`,
      runbook: 'Pods are evicted again and again',
    },
    {
      alert: 'VpaApplyFailed',
      expr: `max(${query.series('vpa_updater_apply_failed_vpas')}) > 0`,
      for: '15m',
      severity: 'warning',
      component,
      summary: '{{ $value }} VPAs are left alone: their replacements did not come as recommended',
      description: 'Their condition ApplyFailed says what was expected, what came, and when the next attempt is.',
      runbook: 'ApplyFailed',
    },
    {
      alert: 'VpaEvictionsStopped',
      expr: `max(${query.series('vpa_updater_evictions_stopped')}) == 1`,
      for: '1m',
      severity: 'critical',
      component,
      summary: 'All evictions are stopped',
      description: 'Several VPAs in a row were evicted from, and the new pods did not come as recommended: the webhook is probably broken. One eviction at a time finds out when it works again.',
      runbook: 'All evictions are stopped',
    },
  ]
}

function intervalSeconds(schema: Parameters<typeof flagsOf>[0], name: string): number {
  const interval = parseDuration(flagsOf(schema).find((flag) => flag.name === name)?.fallback ?? '')
  if (interval === undefined) throw new Error(`--${name} is not a duration`)
  return interval / SECOND
}

function capitalized(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}
