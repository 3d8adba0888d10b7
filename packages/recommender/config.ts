import { type Resource, amountOf } from '@vpa/core/amount.ts'
import { DEFAULT_PRICES } from '@vpa/core/advise/price.ts'
import type { HalfLives } from '@vpa/core/history/aggregate.ts'
import type { AggregationOptions } from '@vpa/core/history/aggregation-options.ts'
import type { PostProcessOptions } from '@vpa/core/recommend/post-process.ts'
import type { RecommendOptions } from '@vpa/core/recommend/recommendation.ts'
import type { DurationMs } from '@vpa/core/time.ts'
import { commonFlags, flag, leaderElectionFlags } from '@vpa/kube/flags.ts'
import { parsePrometheusDuration } from '@vpa/kube/prometheus-duration.ts'
import { z } from 'zod'
import type { ExternalMetricsOptions } from './external-usage.ts'

const percentile = (fallback: number) => flag.number(fallback, { min: 0, max: 1 })
const prometheusDuration = (fallback: string, name: string) =>
  flag.text(fallback).refine((text) => parsePrometheusDuration(text) !== undefined, { error: ({ input }) => `${name} ${String(input)} is not a valid Prometheus duration: expected one such as 8d or 1h30m` })
const positiveDuration = (fallback: string) => flag.duration(fallback, { min: 1 })

/** What makes the numbers (upstream: pkg/recommender/config). */
const estimation = {
  recommendationMarginFraction: flag.number(0.15, { min: 0 }).describe('Added to usage as a safety margin: 0.15 is 15 %.'),
  podRecommendationMinCpuMillicores: flag.number(25, { min: 0 }).describe('Least CPU of a pod, shared out among its containers.'),
  podRecommendationMinMemoryMb: flag.number(250, { min: 0 }).describe('Least memory of a pod in MiB, shared out among its containers.'),
  targetCpuPercentile: percentile(0.9).describe('Percentile of CPU usage that the target is made of.'),
  targetMemoryPercentile: percentile(0.9).describe('Percentile of memory peaks that the target is made of.'),
  recommendationLowerBoundCpuPercentile: percentile(0.5).describe('Percentile of CPU usage that the lower bound is made of.'),
  recommendationLowerBoundMemoryPercentile: percentile(0.5).describe('Percentile of memory peaks that the lower bound is made of.'),
  recommendationUpperBoundCpuPercentile: percentile(0.95).describe('Percentile of CPU usage that the upper bound is made of.'),
  recommendationUpperBoundMemoryPercentile: percentile(0.95).describe('Percentile of memory peaks that the upper bound is made of.'),
  confidenceIntervalCpu: positiveDuration('24h').describe('Length of history at which the upper bound of CPU is twice its percentile.'),
  confidenceIntervalMemory: positiveDuration('24h').describe('Length of history at which the upper bound of memory is twice its percentile.'),
  roundCpuMillicores: flag.integer(1).describe('CPU is rounded up to a multiple of this.'),
  roundMemoryBytes: flag.integer(1).describe('Memory is rounded up to a multiple of this.'),
  humanizeMemory: flag.boolean(false).describe('Round memory to hundredths of the largest fitting unit. Deprecated: use --round-memory-bytes.'),
  containerRecommendationMaxAllowedCpu: flag.quantity().describe('Most CPU of a container whose policy names no maximum.'),
  containerRecommendationMaxAllowedMemory: flag.quantity().describe('Most memory of a container whose policy names no maximum.'),
  minSamples: flag.integer(0, { min: 0 }).describe('Nothing is recommended for a container with fewer samples of CPU usage; with 0, one without any gets the minimum.'),
  recommendationDeadBand: flag.number(0, { min: 0, max: 1 }).describe('A recommendation that differs from the published one by no more than this part of it is not published: 0.05 is 5 %.'),
  cpuIntegerPostProcessorEnabled: flag.boolean(false).describe('Whole cores for containers that a VPA annotation names.'),
}

const history = {
  memoryAggregationInterval: positiveDuration('24h').describe('The highest memory usage of each such interval counts as one sample.'),
  memoryAggregationIntervalCount: flag.integer(8, { min: 1 }).describe('History without a sample for this many memory intervals is dropped.'),
  memoryHistogramDecayHalfLife: positiveDuration('24h').describe('Age at which a memory sample counts half.'),
  cpuHistogramDecayHalfLife: positiveDuration('24h').describe('Age at which a CPU sample counts half.'),
  oomBumpUpRatio: flag.number(1.2, { min: 0 }).describe('After an OOM, memory usage is taken for this many times what it was.'),
  oomMinBumpUpBytes: flag.number(104857600, { min: 0 }).describe('After an OOM, memory usage is taken for at least this much more.'),
}

const loop = {
  recommenderName: flag.text('default').describe('VPAs that name this recommender are handled; those that name none by the default one.'),
  recommenderInterval: flag.duration('1m', { min: 1 }).describe('How often recommendations are made.'),
  updateWorkerCount: flag.integer(10, { min: 1 }).describe('Statuses and checkpoints that are written at a time.'),
  explainConditions: flag.boolean(true).describe('Tell by conditions and events what stands in the way of a recommendation: another VPA, an HPA, nodes, LimitRanges, quotas, missing usage.'),
  recommendationMetrics: flag.boolean(true).describe('Show recommendations as metrics under the names of kube-state-metrics: kube_customresource_verticalpodautoscaler_status_recommendation_containerrecommendations_target and others.'),
  memorySaver: flag.boolean(false).describe('Keep history only of pods that a VPA matches.'),
  storage: flag.text('').describe('Where history comes from at start: prometheus, or else checkpoints. With prometheus, checkpoints are read for what it lacks, and not written.'),
  checkpointsTimeout: positiveDuration('1m').describe('How long checkpoints are written in one loop; each worker writes at least one.'),
  checkpointsGcInterval: flag.duration('10m', { min: 0 }).describe('How often checkpoints without a VPA are deleted.'),
  minCheckpoints: flag.integer(10).describe('Accepted and ignored (deprecated).'),
}

const dashboard = {
  dashboard: flag.boolean(true).describe('Serve a page about all VPAs: what they could save, their usage and recommendations over time, and why. It asks for no login.'),
  dashboardAddress: flag.address('localhost:8948').describe('Where the dashboard is served, as host:port. On localhost, only kubectl port-forward reaches it; elsewhere, everybody who reaches the pod.'),
  dashboardCpuPrice: flag.number(DEFAULT_PRICES.cpuCoreHour, { min: 0 }).describe('Price of a core for an hour, on the dashboard.'),
  dashboardMemoryPrice: flag.number(DEFAULT_PRICES.memoryGibHour, { min: 0 }).describe('Price of a GiB of memory for an hour, on the dashboard.'),
  dashboardCurrency: flag.text('$').describe('What money begins with, on the dashboard.'),
}

const externalMetrics = {
  useExternalMetrics: flag.boolean(false).describe('Read usage from external.metrics.k8s.io, by the metrics that --external-metrics-cpu-metric and --external-metrics-memory-metric name, instead of metrics.k8s.io. Needs the right to do so: manifests/external-metrics.yaml; the chart grants it by itself.'),
  externalMetricsCpuMetric: flag.text('').describe('Name of the external metric of CPU usage.'),
  externalMetricsMemoryMetric: flag.text('').describe('Name of the external metric of memory usage.'),
}

const prometheus = {
  prometheusAddress: flag.text('http://prometheus.monitoring.svc').describe('Where Prometheus is.'),
  prometheusInsecure: flag.boolean(false).describe('Trust any certificate of Prometheus.'),
  prometheusCadvisorJobName: flag.text('kubernetes-cadvisor').describe('Name of the Prometheus job that scrapes cAdvisor.'),
  prometheusQueryTimeout: flag.duration('5m').describe('How long a Prometheus query may take.'),
  prometheusBearerToken: flag.text('').describe('Bearer token for Prometheus.'),
  prometheusBearerTokenFile: flag.text('').describe('File with the bearer token for Prometheus.'),
  username: flag.text('').describe('User name for Prometheus.'),
  password: flag.text('').describe('Password for Prometheus.'),
  historyLength: prometheusDuration('8d', 'history length').describe('How far back Prometheus is asked, in its own syntax.'),
  historyResolution: prometheusDuration('1h', 'history resolution').describe('Time between the samples asked of Prometheus, in its own syntax.'),
  historyCpuMetric: flag.text('container_cpu_usage_seconds_total').describe('Prometheus metric of CPU usage.'),
  historyMemoryMetric: flag.text('container_memory_working_set_bytes').describe('Prometheus metric of memory usage.'),
  podLabelPrefix: flag.text('pod_label_').describe('Prefix of pod labels in Prometheus.'),
  metricForPodLabels: flag.text('up{job="kubernetes-pods"}').describe('Prometheus metric that carries the pod labels.'),
  podNamespaceLabel: flag.text('kubernetes_namespace').describe('Label of the pod labels metric that names the namespace.'),
  podNameLabel: flag.text('kubernetes_pod_name').describe('Label of the pod labels metric that names the pod.'),
  containerNamespaceLabel: flag.text('namespace').describe('Label of the usage metrics that names the namespace.'),
  containerPodNameLabel: flag.text('pod_name').describe('Label of the usage metrics that names the pod.'),
  containerNameLabel: flag.text('name').describe('Label of the usage metrics that names the container.'),
}

/** The recommender's command line. */
export const Config = z
  .strictObject({
    ...commonFlags({ address: ':8942' }),
    ...leaderElectionFlags({ resourceName: 'vpa-recommender-lease' }),
    ...loop,
    ...estimation,
    ...history,
    ...dashboard,
    ...externalMetrics,
    ...prometheus,
  })
  .refine(({ prometheusBearerToken, prometheusBearerTokenFile, username }) => prometheusBearerToken === '' || prometheusBearerTokenFile === '' || username === '', {
    path: ['prometheusBearerToken'],
    error: '--prometheus-bearer-token, --prometheus-bearer-token-file and --username exclude each other: give one of them',
  })
  .refine(({ useExternalMetrics, externalMetricsCpuMetric, externalMetricsMemoryMetric }) => !useExternalMetrics || externalMetricsCpuMetric !== '' || externalMetricsMemoryMetric !== '', {
    path: ['useExternalMetrics'],
    error: 'name a metric with --external-metrics-cpu-metric or --external-metrics-memory-metric',
  })

export type Config = Readonly<z.output<typeof Config>>

/** The flags as the loop and core take them. */
export interface RecommenderOptions {
  readonly name: string
  readonly workers: number
  readonly memorySaver: boolean
  readonly checkpointsTimeout: DurationMs
  readonly checkpointsGcInterval: DurationMs
  readonly halfLives: HalfLives
  readonly aggregation: AggregationOptions
  /** Whether container policies may override {@link aggregation} (feature gate PerVPAConfig). */
  readonly perVpaConfig: boolean
  readonly recommend: RecommendOptions
  readonly postProcess: PostProcessOptions
  /** Where usage comes from instead of metrics.k8s.io. */
  readonly externalMetrics?: ExternalMetricsOptions
  /** Which part of a published amount a new one may differ by without being published. */
  readonly deadBand: number
  readonly explainConditions: boolean
}

export function recommenderOptions(config: Config): RecommenderOptions {
  const { containerRecommendationMaxAllowedCpu: maxCpu, containerRecommendationMaxAllowedMemory: maxMemory } = config
  return {
    name: config.recommenderName,
    workers: config.updateWorkerCount,
    memorySaver: config.memorySaver,
    checkpointsTimeout: config.checkpointsTimeout,
    checkpointsGcInterval: config.checkpointsGcInterval,
    halfLives: { cpu: config.cpuHistogramDecayHalfLife, memory: config.memoryHistogramDecayHalfLife },
    aggregation: {
      memoryInterval: config.memoryAggregationInterval,
      memoryIntervalCount: config.memoryAggregationIntervalCount,
      oomBumpUpRatio: config.oomBumpUpRatio,
      oomMinBumpUp: amountOf(config.oomMinBumpUpBytes),
    },
    perVpaConfig: config.featureGates.PerVPAConfig,
    recommend: recommendOptions(config),
    postProcess: {
      integerCpu: config.cpuIntegerPostProcessorEnabled,
      globalMaxAllowed: { ...(maxCpu && { cpu: maxCpu }), ...(maxMemory && { memory: maxMemory }) },
    },
    ...(config.useExternalMetrics && { externalMetrics: externalMetricsOptions(config) }),
    deadBand: config.recommendationDeadBand,
    explainConditions: config.explainConditions,
  }
}

function externalMetricsOptions({ externalMetricsCpuMetric: cpu, externalMetricsMemoryMetric: memory, containerNameLabel }: Config): ExternalMetricsOptions {
  return { metrics: { ...(cpu && { cpu }), ...(memory && { memory }) }, containerNameLabel }
}

function recommendOptions(config: Config): RecommendOptions {
  const estimates = (resource: Resource) => {
    const suffix = resource === 'cpu' ? 'Cpu' : 'Memory'
    return {
      targetPercentile: config[`target${suffix}Percentile`],
      lowerBoundPercentile: config[`recommendationLowerBound${suffix}Percentile`],
      upperBoundPercentile: config[`recommendationUpperBound${suffix}Percentile`],
      confidenceInterval: config[`confidenceInterval${suffix}`],
      marginFraction: config.recommendationMarginFraction,
    }
  }
  // By way of cores, as in Go, to end at the same number: 4007m come out as 4006.999... and are cut to 4006m (upstream: CPUAmountFromCores).
  const minCores = config.podRecommendationMinCpuMillicores * 0.001
  return {
    estimates: { cpu: estimates('cpu'), memory: estimates('memory') },
    podMinimum: { cpu: amountOf(minCores * 1000), memory: amountOf(config.podRecommendationMinMemoryMb * 1024 * 1024) },
    rounding: { cpuMillicores: config.roundCpuMillicores, memoryBytes: config.roundMemoryBytes, humanizeMemory: config.humanizeMemory },
    minSamples: config.minSamples,
  }
}
