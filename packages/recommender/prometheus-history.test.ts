import { type Pod, projectPod } from '@vpa/core/api/pod.ts'
import { UsageHistory } from '@vpa/core/history/usage-history.ts'
import { DAY, HOUR, MINUTE } from '@vpa/core/time.ts'
import type { QueryOutcome, RangeQuery, Series } from '@vpa/kube/prometheus.ts'
import { expect, test } from 'vitest'
import { logTo } from '../../test/support/recorded-log.ts'
import { Config, recommenderOptions } from './config.ts'
import { PrometheusHistory } from './prometheus-history.ts'
import { prometheusHistoryOptions } from './prometheus-options.ts'
import type { SampleTally } from './samples.ts'

const NOW = Date.UTC(2026, 2, 1)
const GB = 1e9

/** What Prometheus answers: series, or why it fails. */
interface Answers {
  readonly cpu?: readonly Series[] | Error
  readonly memory?: readonly Series[] | Error
  readonly labels?: readonly Series[] | Error
  readonly former?: readonly Series[]
  readonly labelsType?: QueryOutcome['resultType']
  readonly warnings?: readonly string[]
  readonly pods?: readonly Pod[]
  readonly keeps?: (pod: { name: string }) => boolean
  readonly flags?: Partial<Record<keyof Config, string>>
}

interface Loaded {
  readonly tally: SampleTally
  readonly loaded: PrometheusHistory
  readonly history: UsageHistory
  readonly asked: readonly (RangeQuery | string)[]
  readonly logged: readonly string[]
  /** Samples of CPU and where the last was, by labels and container. */
  readonly spans: Readonly<Record<string, readonly (number | undefined)[]>>
}

async function load({ cpu = [], memory = [], labels = [], former = [], labelsType = 'vector', warnings = [], pods = [], keeps = () => true, flags = {} }: Answers): Promise<Loaded> {
  const asked: (RangeQuery | string)[] = []
  const logged: string[] = []
  const log = logTo((message: string, { of, error }: { of?: string; error?: Error } = {}) => void logged.push([message, of, error?.message].filter(Boolean).join(' | ')), ['debug', 'warn', 'error'])
  const answer = async (series: readonly Series[] | Error, resultType: QueryOutcome['resultType'], onSeries: (series: Series) => void): Promise<QueryOutcome> => {
    if (series instanceof Error) throw series
    series.forEach(onSeries)
    return { resultType, warnings }
  }
  const prometheus = {
    query: (query: string, _at: number, onSeries: (series: Series) => void) => {
      asked.push(query)
      return answer(query.startsWith('max_over_time') ? former : labels, labelsType, onSeries)
    },
    queryRange: (query: RangeQuery, onSeries: (series: Series) => void) => {
      asked.push(query)
      return answer(query.query.includes('rate(') ? cpu : memory, 'matrix', onSeries)
    },
  }
  const config = Config.parse(flags)
  const { halfLives, aggregation } = recommenderOptions(config)
  const history = new UsageHistory(halfLives)
  const loaded = new PrometheusHistory({ prometheus, options: prometheusHistoryOptions(config), log, signal: new AbortController().signal })
  const store = { get: (namespace: string, name: string) => pods.find((pod) => pod.namespace === namespace && pod.name === name), list: () => pods }
  const tally = await loaded.load({ history, pods: store, keeps, aggregation, now: NOW })
  const spans = [...history.groups()].flatMap(({ labels, aggregates }) => [...aggregates].map(([container, { aggregate: { span } }]) => [`${JSON.stringify(labels)} ${container}`, [span.count, span.last]]))
  return { tally, loaded, history, asked, logged, spans: Object.fromEntries(spans) }
}

function usage(podName: string, values: readonly number[], { container = 'app', start = NOW - 8 * HOUR } = {}): Series {
  return { labels: { namespace: 'kong', pod_name: podName, name: container }, points: values.map((value, index) => ({ at: start + index * HOUR, value })) }
}

function podLabels(podName: string, app: string): Series {
  return { labels: { kubernetes_namespace: 'kong', kubernetes_pod_name: podName, pod_label_app: app }, points: [{ at: NOW, value: 1 }] }
}

function living(name: string, labels: Readonly<Record<string, string>> = { app: 'living' }): Pod {
  return projectPod({ metadata: { namespace: 'kong', name, labels }, spec: { initContainers: [{ name: 'init' }], containers: [{ name: 'app' }] }, status: { phase: 'Running' } })
}

test('what is asked by default', async () => {
  const { asked } = await load({})
  const range = { start: NOW - 8 * DAY, end: NOW, step: HOUR }
  const selector = 'job="kubernetes-cadvisor", pod_name=~".+", name!="POD", name!=""'
  expect(asked).toEqual([
    'up{job="kubernetes-pods"}',
    'max_over_time(timestamp(up{job="kubernetes-pods"})[8d:1h])',
    { query: `max by (namespace, pod_name, name) (rate(container_cpu_usage_seconds_total{${selector}}[1h]))`, ...range },
    { query: `max by (namespace, pod_name, name) (container_memory_working_set_bytes{${selector}})`, ...range },
  ])
})

test('what is asked when flags say so: no job, one namespace, other labels and metrics, labels with a range', async () => {
  const flags = {
    prometheusCadvisorJobName: '',
    vpaObjectNamespace: 'kong',
    containerPodNameLabel: 'pod',
    containerNameLabel: 'container',
    historyCpuMetric: 'cpu',
    historyMemoryMetric: 'memory',
    historyResolution: '30m',
    historyLength: '1d',
    metricForPodLabels: 'kube_pod_labels[1d]',
  }
  const { asked } = await load({ flags, labelsType: 'matrix' })
  const range = { start: NOW - DAY, end: NOW, step: 30 * MINUTE }
  const selector = 'pod=~".+", container!="POD", container!="", namespace="kong"'
  expect(asked).toEqual([
    'kube_pod_labels[1d]',
    { query: `max by (namespace, pod, container) (rate(cpu{${selector}}[30m]))`, ...range },
    { query: `max by (namespace, pod, container) (memory{${selector}})`, ...range },
  ])
})

test('more points than Prometheus gives at once are asked for in turns, none twice', async () => {
  const { asked } = await load({ flags: { historyResolution: '1m', historyLength: '10d', metricForPodLabels: '' } })
  const cpu = asked.filter((query) => typeof query === 'object' && query.query.includes('rate(')) as RangeQuery[]
  expect(cpu.map(({ start, end }) => [(start - NOW) / MINUTE, (end - NOW) / MINUTE])).toEqual([[-14_400, -3401], [-3400, 0]])
})

test.for([
  ['a living pod bears its own labels, whatever Prometheus says', { pods: [living('a')], labels: [podLabels('a', 'prometheus')] }, { '{"app":"living"} app': [2, NOW - 7 * HOUR] }],
  ['a pod that is gone bears those of Prometheus', { labels: [podLabels('a', 'gone')] }, { '{"app":"gone"} app': [2, NOW - 7 * HOUR] }],
  ['a pod that was gone when the labels were asked for bears its last ones', { former: [{ ...podLabels('a', 'former'), points: [{ at: NOW, value: (NOW - DAY) / 1000 }] }] }, { '{"app":"former"} app': [2, NOW - 7 * HOUR] }],
  ['a pod that is gone, whose labels nobody knows, is left out', {}, {}],
  ['a pod that is not to be kept is left out', { pods: [living('a')], keeps: ({ name }: { name: string }) => name !== 'a' }, {}],
] as const)('%s', async ([, answers, expected]) => {
  expect((await load({ cpu: [usage('a', [0.1, 0.2])], ...answers })).spans).toEqual(expected)
})

test('all containers of a pod that is gone are kept, whichever comes first', async () => {
  const cpu = [usage('a', [0.1]), usage('a', [0.1, 0.2], { container: 'sidecar' })]
  const { spans } = await load({ cpu, memory: [usage('a', [GB], { container: 'third' })], labels: [podLabels('a', 'gone')] })
  expect(spans).toEqual({ '{"app":"gone"} app': [1, NOW - 8 * HOUR], '{"app":"gone"} sidecar': [2, NOW - 7 * HOUR], '{"app":"gone"} third': [0, undefined] })
})

test('init containers are left out, also of pods that are gone', async () => {
  const cpu = [usage('a', [0.1], { container: 'init' }), usage('gone', [0.1], { container: 'init' })]
  const { spans, tally } = await load({ cpu, pods: [living('a')], labels: [podLabels('gone', 'gone')] })
  expect(spans).toEqual({})
  expect(tally).toMatchObject({ accepted: 0, unknown: 2 })
})

const timed = (...points: readonly (readonly [value: number, at: number])[]): Series => ({ ...usage('a', []), points: points.map(([value, at]) => ({ value, at })) })

test.for([
  ['numbers that are none, or negative, are refused and counted', [usage('a', [0.1, Number.NaN, -0.1, Number.POSITIVE_INFINITY, 0.2])], { accepted: 2, stale: 0, invalid: 3, future: 0, unknown: 0 }],
  ['amounts that no machine has, and times that are none or to come', [usage('a', [0.1, 1e13]), timed([0.2, Number.NaN], [0.2, -1], [0.2, NOW + DAY], [0.2, NOW])], { accepted: 2, stale: 0, invalid: 3, future: 1, unknown: 0 }],
  ['of two series of one container, what is not newer is counted', [usage('a', [0.1, 0.2]), usage('a', [0.3, 0.4, 0.5])], { accepted: 3, stale: 2, invalid: 0, future: 0, unknown: 0 }],
  ['a series that tells no container costs only itself', [{ ...usage('a', [0.1, 0.2]), labels: { namespace: 'kong', name: 'app' } }, usage('a', [0.1])], { accepted: 1, stale: 0, invalid: 0, future: 0, unknown: 2 }],
] as const)('%s', async ([, cpu, expected]) => {
  expect((await load({ cpu, pods: [living('a')] })).tally).toEqual(expected)
})

test('a pod of history has phase Unknown', async () => {
  const { history } = await load({ cpu: [usage('a', [0.1])], labels: [podLabels('a', 'gone')] })
  expect([...history.groups()].flatMap(({ pods }) => [...pods.values()].map(({ facts }) => facts.phase))).toEqual(['Unknown'])
})

test.for([
  ['both were there', { cpu: [usage('a', [0.1])], memory: [usage('a', [GB])] }, []],
  ['no memory', { cpu: [usage('a', [0.1])] }, ['memory']],
  ['memory was never measured', { cpu: [usage('a', [0.1])], memory: [usage('a', [0, 0])] }, ['memory']],
  ['only numbers that are none', { cpu: [usage('a', [Number.NaN])], memory: [usage('a', [GB])] }, ['cpu']],
  ['the query for CPU fails', { cpu: new Error('too many samples'), memory: [usage('a', [GB])] }, ['cpu']],
  ['Prometheus is away', { cpu: new Error('away'), memory: new Error('away') }, ['cpu', 'memory']],
  ['Prometheus knows another container', { cpu: [usage('a', [0.1], { container: 'other' })] }, ['cpu', 'memory']],
] as const)('what is lacking when %s', async ([, answers, expected]) => {
  const { loaded, history } = await load({ ...answers, pods: [living('a')] })
  expect(loaded.lacks([...history.groups()], 'app')).toEqual(expected)
})

const AWAY = 'Cannot get history from Prometheus; checkpoints stand in where it has none'
const EMPTY = 'Prometheus has no usage; cAdvisor of today calls its labels pod and container: see --container-pod-name-label and --container-name-label, --prometheus-cadvisor-job-name'
const UNLABELLED = 'Prometheus has no pod labels; history of pods that are gone is left out'
const full = { cpu: [usage('a', [0.1])], memory: [usage('a', [GB])], labels: [podLabels('a', 'x')] }

test.for([
  ['nothing, when all is well', full, []],
  ['one line when Prometheus is away', { cpu: new Error('refused'), memory: new Error('refused'), labels: new Error('refused') }, [`${AWAY} | pod labels | refused`]],
  ['a line for each cause', { ...full, cpu: new Error('too many samples'), labels: new Error('parse error') }, [`${AWAY} | pod labels | parse error`, `${AWAY} | cpu | too many samples`]],
  ['that there are no labels', { ...full, labels: [] }, [UNLABELLED]],
  ['that there is no usage', { ...full, memory: [] }, [`${EMPTY}`]],
  ['no more than twenty warnings, and errors nevertheless', { ...full, warnings: Array.from({ length: 50 }, (_, index) => `store ${index} is away`), memory: new Error('refused') }, [...Array.from({ length: 20 }, () => 'Prometheus may not have told all | pod labels'), `${AWAY} | memory | refused`]],
  ['each warning of Prometheus once', { ...full, warnings: ['store is away'] }, ['Prometheus may not have told all | pod labels']],
] as const)('what is said: %s', async ([, answers, expected]) => {
  expect((await load({ ...answers, pods: [living('a')] })).logged).toEqual(expected)
})
