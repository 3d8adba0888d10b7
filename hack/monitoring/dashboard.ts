import type { Query } from './query.ts'

interface Target {
  readonly expr: string
  /** Of a series, such as `{{kind}}`. */
  readonly legend: string
}

interface Panel {
  readonly title: string
  readonly description?: string
  readonly type: 'timeseries' | 'stat' | 'heatmap'
  /** Grafana's name of the unit. */
  readonly unit: string
  /** In the grid, whose width is 24. */
  readonly width: number
  readonly targets: readonly Target[]
  /** A value from which on it is no good. */
  readonly limit?: number
}

interface Row {
  readonly title: string
  readonly panels: readonly Panel[]
}

const HEIGHT = 8
const SOURCE = { type: 'prometheus', uid: '${datasource}' }

/** A Grafana dashboard, as Grafana imports it. */
export function dashboard(query: Query): object {
  let y = 0
  let id = 0
  const panels = [overview(query), recommender(query), updater(query), admissionController(query), cluster(query)].flatMap(({ title, panels }) => {
    const row = { id: (id += 1), type: 'row', title, collapsed: false, panels: [], gridPos: { x: 0, y, w: 24, h: 1 } }
    y += 1
    let x = 0
    const placed = panels.map((panel) => {
      if (x + panel.width > 24) {
        x = 0
        y += HEIGHT
      }
      const gridPos = { x, y, w: panel.width, h: HEIGHT }
      x += panel.width
      return { id: (id += 1), gridPos, ...panelJson(panel) }
    })
    y += HEIGHT
    return [row, ...placed]
  })
  return {
    uid: 'vertical-pod-autoscaler',
    title: 'Vertical Pod Autoscaler',
    tags: ['autoscaling', 'vpa'],
    schemaVersion: 39,
    timezone: '',
    editable: true,
    refresh: '1m',
    time: { from: 'now-6h', to: 'now' },
    templating: {
      list: [
        { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus', current: {}, hide: 0 },
        variable(query, { name: 'namespace', label: 'Namespace', of: 'namespace' }),
        variable(query, { name: 'vpa', label: 'VPA', of: 'verticalpodautoscaler', within: 'namespace=~"$namespace"' }),
      ],
    },
    panels,
  }
}

const TARGET = 'kube_customresource_verticalpodautoscaler_status_recommendation_containerrecommendations_target'

function variable(query: Query, { name, label, of, within = '' }: { readonly name: string; readonly label: string; readonly of: string; readonly within?: string }): object {
  const series = query.series(TARGET) + (within && `{${within}}`)
  return { name, label, type: 'query', datasource: SOURCE, query: `label_values(${series}, ${query.label(TARGET, of)})`, refresh: 2, sort: 1, multi: true, includeAll: true, current: { text: ['All'], value: ['$__all'] } }
}

function panelJson({ title, description, type, unit, targets, limit }: Panel): object {
  const steps = [{ color: 'green', value: null }, ...(limit === undefined ? [] : [{ color: 'red', value: limit }])]
  return {
    title,
    ...(description !== undefined && { description }),
    type,
    datasource: SOURCE,
    targets: targets.map(({ expr, legend }, index) => ({ refId: String.fromCodePoint(65 + index), datasource: SOURCE, expr, legendFormat: legend, ...(type === 'heatmap' && { format: 'heatmap' }) })),
    fieldConfig: { defaults: { unit, min: unit === 'percentunit' || unit === 's' ? 0 : undefined, thresholds: { mode: 'absolute', steps }, custom: type === 'timeseries' ? { fillOpacity: 10, showPoints: 'never' } : {} }, overrides: [] },
    options: type === 'timeseries' ? { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } } : type === 'stat' ? { reduceOptions: { calcs: ['lastNotNull'] } } : { calculate: false, yAxis: { unit } },
  }
}

function overview(query: Query): Row {
  const vpas = 'vpa_recommender_vpa_objects_count'
  return {
    title: 'Is all well?',
    panels: [
      stat('VPAs', `sum(${query.series(vpas)})`),
      stat('With pods, without recommendation', `sum(${query.series(vpas, { has_recommendation: 'false', matches_pods: 'true' })})`, { limit: 1 }),
      stat('Left alone (ApplyFailed)', `max(${query.series('vpa_updater_apply_failed_vpas')})`, { limit: 1 }),
      stat('All evictions stopped', `max(${query.series('vpa_updater_evictions_stopped')})`, { limit: 1 }),
      stat('Webhook errors', `sum(rate(${query.part('vpa_admission_controller_admission_latency_seconds', 'count', { status: 'error' })}[$__rate_interval])) / sum(rate(${query.part('vpa_admission_controller_admission_latency_seconds', 'count')}[$__rate_interval]))`, { unit: 'percentunit', limit: 0.01 }),
      stat('Certificate: days left', `min(${query.series('vpa_admission_controller_certificate_days_left')})`),
    ],
  }
}

function recommender(query: Query): Row {
  const shown = 'namespace=~"$namespace", verticalpodautoscaler=~"$vpa"'
  const recommendation = (title: string, resource: string, unit: string): Panel => ({
    title,
    type: 'timeseries',
    unit,
    width: 12,
    targets: (['target', 'lowerbound', 'upperbound'] as const).map((part) => ({
      expr: query.series(TARGET.replace(/target$/, part), { resource }).replace('}', `, ${shown}}`),
      legend: `{{namespace}}/{{verticalpodautoscaler}} {{container}} ${part}`,
    })),
  })
  const usage = 'vpa_recommender_usage_samples_total'
  const quality = 'vpa_quality_usage_recommendation_relative_diffs'
  return {
    title: 'Recommendations',
    panels: [
      recommendation('CPU recommended', 'cpu', 'cores'),
      recommendation('Memory recommended', 'memory', 'bytes'),
      {
        title: 'Usage above the recommendation',
        description: 'Share of samples that are more than what is recommended. About a tenth of CPU samples is as it should be; out-of-memory kills are never.',
        type: 'timeseries',
        unit: 'percentunit',
        width: 8,
        targets: [
          {
            expr: `1 - sum by (${query.label(quality, 'resource')}) (rate(${query.part(quality, 'bucket').concat('{le="0"}')}[$__rate_interval])) / sum by (${query.label(quality, 'resource')}) (rate(${query.part(quality, 'count')}[$__rate_interval]))`,
            legend: '{{resource}}',
          },
        ],
      },
      { title: 'Out-of-memory kills', type: 'timeseries', unit: 'short', width: 8, targets: [{ expr: `sum by (update_mode) (increase(${query.part(quality, 'count', { is_oom: 'true' })}[$__rate_interval]))`, legend: '{{update_mode}}' }] },
      { title: 'Usage samples', type: 'timeseries', unit: 'short', width: 8, targets: [{ expr: `sum by (${query.label(usage, 'result')}) (rate(${query.series(usage)}[$__rate_interval]))`, legend: '{{result}}' }] },
      loop(query, 'vpa_recommender_execution_latency_seconds'),
      {
        title: 'Reads of metrics.k8s.io that fail',
        type: 'timeseries',
        unit: 'percentunit',
        width: 12,
        targets: [{ expr: `sum(rate(${query.series('vpa_recommender_metric_server_responses', { is_error: 'true' })}[$__rate_interval])) / sum(rate(${query.series('vpa_recommender_metric_server_responses')}[$__rate_interval]))`, legend: 'errors' }],
      },
    ],
  }
}

function updater(query: Query): Row {
  const rate = (title: string, name: string, by: string): Panel => ({
    title,
    type: 'timeseries',
    unit: 'short',
    width: 8,
    targets: [{ expr: `sum by (${query.label(name, by)}) (increase(${query.series(name)}[$__rate_interval]))`, legend: `{{${by}}}` }],
  })
  const decisions = 'vpa_updater_decisions_total'
  return {
    title: 'Updates of running pods',
    panels: [
      rate('Evictions', 'vpa_updater_evicted_pods_total', 'vpa_namespace'),
      rate('Resizes in place', 'vpa_updater_in_place_updated_pods_total', 'vpa_namespace'),
      rate('How replacements of evicted pods came back', 'vpa_updater_eviction_outcomes_total', 'outcome'),
      rate('Evictions that failed', 'vpa_updater_failed_eviction_attempts_total', 'reason'),
      rate('Resizes that failed', 'vpa_updater_failed_in_place_update_attempts_total', 'reason'),
      {
        title: 'Decisions, and why',
        type: 'timeseries',
        unit: 'short',
        width: 8,
        targets: [{ expr: `sum by (${query.label(decisions, 'decision')}, ${query.label(decisions, 'why')}) (increase(${query.series(decisions)}[$__rate_interval]))`, legend: '{{decision}}: {{why}}' }],
      },
      loop(query, 'vpa_updater_execution_latency_seconds'),
    ],
  }
}

function admissionController(query: Query): Row {
  const latency = 'vpa_admission_controller_admission_latency_seconds'
  const quantile = (share: number): Target => ({ expr: `histogram_quantile(${share}, sum by (le) (rate(${query.part(latency, 'bucket')}[$__rate_interval])))`, legend: `p${share * 100}` })
  return {
    title: 'New pods',
    panels: [
      { title: 'Time to answer', type: 'timeseries', unit: 's', width: 12, targets: [quantile(0.5), quantile(0.99)], limit: 1 },
      {
        title: 'Reviews',
        type: 'timeseries',
        unit: 'reqps',
        width: 12,
        targets: [{ expr: `sum by (${query.label(latency, 'resource')}, ${query.label(latency, 'status')}) (rate(${query.part(latency, 'count')}[$__rate_interval]))`, legend: '{{resource}} {{status}}' }],
      },
    ],
  }
}

function cluster(query: Query): Row {
  const kind = query.label('vpa_watch_objects', 'kind')
  return {
    title: 'Knowledge of the cluster',
    panels: [
      byKind('Time since last heard of', 's', `max by (${kind}) (${query.series('vpa_watch_age_seconds')})`),
      byKind('Objects in memory', 'short', `max by (${kind}) (${query.series('vpa_watch_objects')})`),
      byKind('Watches that failed', 'short', `sum by (${kind}) (increase(${query.series('vpa_watch_restarts_total')}[$__rate_interval]))`),
      { title: 'Requests to the API server', type: 'timeseries', unit: 'reqps', width: 12, targets: [{ expr: `sum by (code, method) (rate(${query.series('rest_client_requests_total')}[$__rate_interval]))`, legend: '{{method}} {{code}}' }] },
      { title: 'Events that were lost', type: 'timeseries', unit: 'short', width: 12, targets: [{ expr: `sum(increase(${query.series('vpa_events_lost_total')}[$__rate_interval]))`, legend: 'lost' }] },
    ],
  }
}

function stat(title: string, expr: string, more: Partial<Panel> = {}): Panel {
  return { title, type: 'stat', unit: 'short', width: 4, targets: [{ expr, legend: '' }], ...more }
}

function byKind(title: string, unit: string, expr: string): Panel {
  return { title, type: 'timeseries', unit, width: 8, targets: [{ expr, legend: '{{kind}}' }] }
}

function loop(query: Query, metric: string): Panel {
  return {
    title: 'Steps of a loop',
    type: 'timeseries',
    unit: 's',
    width: 12,
    targets: [
      {
        expr: `sum by (${query.label(metric, 'step')}) (rate(${query.part(metric, 'sum')}[$__rate_interval])) / sum by (step) (rate(${query.part(metric, 'count')}[$__rate_interval]))`,
        legend: '{{step}}',
      },
    ],
  }
}
