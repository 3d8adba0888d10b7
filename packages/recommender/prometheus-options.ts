import type { DurationMs } from '@vpa/core/time.ts'
import { parsePrometheusDuration } from '@vpa/kube/prometheus-duration.ts'
import type { Config } from './config.ts'

/** What is asked of Prometheus, and what its answers mean. */
export interface PrometheusHistoryOptions {
  readonly historyLength: DurationMs
  readonly historyResolution: DurationMs
  readonly queries: { readonly cpu: string; readonly memory: string }
  /** Labels of the series of usage that say whose it is. */
  readonly containerLabels: { readonly namespace: string; readonly podName: string; readonly containerName: string }
  readonly podLabels: PodLabelOptions
}

/** How Prometheus tells the labels of pods: each as a label of some series. */
export interface PodLabelOptions {
  readonly query: string
  /** The same of pods that are gone: each series with the time of its last value, in seconds. */
  readonly queryOfFormer: string
  readonly namespace: string
  readonly podName: string
  readonly prefix: string
}

/** The queries are upstream's, within `max by`: of a container that has several series, such as one for each of its starts, every moment counts once. */
export function prometheusHistoryOptions(config: Config): PrometheusHistoryOptions {
  const { historyLength, historyResolution, containerNamespaceLabel, containerPodNameLabel, containerNameLabel, metricForPodLabels } = config
  const selector = usageSelector(config)
  const byContainer = `max by (${containerNamespaceLabel}, ${containerPodNameLabel}, ${containerNameLabel})`
  return {
    historyLength: parsePrometheusDuration(historyLength) ?? 0,
    historyResolution: parsePrometheusDuration(historyResolution) ?? 0,
    queries: {
      cpu: `${byContainer} (rate(${config.historyCpuMetric}{${selector}}[${historyResolution}]))`,
      memory: `${byContainer} (${config.historyMemoryMetric}{${selector}})`,
    },
    containerLabels: { namespace: containerNamespaceLabel, podName: containerPodNameLabel, containerName: containerNameLabel },
    podLabels: {
      query: metricForPodLabels,
      queryOfFormer: `max_over_time(timestamp(${metricForPodLabels})[${historyLength}:${historyResolution}])`,
      namespace: config.podNamespaceLabel,
      podName: config.podNameLabel,
      prefix: config.podLabelPrefix,
    },
  }
}

function usageSelector({ prometheusCadvisorJobName: job, containerPodNameLabel, containerNameLabel, containerNamespaceLabel, vpaObjectNamespace }: Config): string {
  return [
    ...(job === '' ? [] : [`job=${JSON.stringify(job)}`]),
    `${containerPodNameLabel}=~".+"`,
    `${containerNameLabel}!="POD"`,
    `${containerNameLabel}!=""`,
    ...(vpaObjectNamespace === '' ? [] : [`${containerNamespaceLabel}=${JSON.stringify(vpaObjectNamespace)}`]),
  ].join(', ')
}
