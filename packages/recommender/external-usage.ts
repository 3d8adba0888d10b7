import { RESOURCES, type Resource } from '@vpa/core/amount.ts'
import { type Quantity, milliValue, wholeValue } from '@vpa/core/quantity.ts'
import { formatSelector } from '@vpa/core/selector.ts'
import type { Cluster, ContainerUsage } from '@vpa/kube/cluster.ts'
import type { ExternalMetricValue } from '@vpa/kube/external-metrics.ts'
import type { Log } from '@vpa/kube/log.ts'
import { workThrough } from '@vpa/kube/work-through.ts'
import type { Subject } from './subject.ts'

export interface ExternalMetricsOptions {
  /** Metrics by resource; a resource without one is not asked for. */
  readonly metrics: Readonly<Partial<Record<Resource, string>>>
  /** The label of values that names the container. */
  readonly containerNameLabel: string
}

export interface ExternalUsageContext {
  readonly cluster: Pick<Cluster, 'externalMetric'>
  readonly options: ExternalMetricsOptions
  readonly log: Log
  readonly workers: number
  readonly signal: AbortSignal
}

interface Question {
  readonly namespace: string
  readonly podName: string
  readonly resource: Resource
  readonly metric: string
  readonly selector: string
}

/**
 * What the pods of these VPAs used, from external.metrics.k8s.io: one query for each VPA, pod and metric, with the VPA's selector
 * and `pod=<name>` (upstream: input/metrics/metrics_source.go). A query that fails costs only itself.
 *
 * @throws Error when all of them fail
 */
export async function externalUsage(subjects: readonly Subject[], { cluster, options, log, workers, signal }: ExternalUsageContext): Promise<readonly ContainerUsage[]> {
  const questions = subjects.flatMap((subject) => questionsAbout(subject, options))
  const usage: ContainerUsage[] = []
  const failures = new Map<string, { readonly metric: string; readonly error: unknown; count: number }>()
  await workThrough(questions, workers, async (question) => {
    const { metric } = question
    try {
      for (const value of await cluster.externalMetric(question)) usage.push(...usageOf(question, value, options))
    } catch (error) {
      const failure = failures.get(`${metric}: ${String(error)}`) ?? { metric, error, count: 0 }
      failure.count += 1
      failures.set(`${metric}: ${String(error)}`, failure)
    }
    return !signal.aborted
  })
  for (const failure of failures.values()) log.warn('Cannot read an external metric', { ...failure })
  const failed = [...failures.values()].reduce((sum, { count }) => sum + count, 0)
  if (failed > 0 && failed === questions.length) throw new Error('no external metric can be read')
  return usage
}

function questionsAbout({ vpa: { namespace }, target, groups }: Subject, { metrics }: ExternalMetricsOptions): readonly Question[] {
  if ('unsupported' in target) return []
  const selector = formatSelector(target.selector)
  return groups.flatMap(({ pods }) => [...pods.keys()]).flatMap((podName) =>
    RESOURCES.flatMap((resource) => {
      const metric = metrics[resource]
      return metric === undefined ? [] : [{ namespace, podName, resource, metric, selector: [selector, `pod=${podName}`].filter(Boolean).join(',') }]
    }),
  )
}

/** Nothing for a value that names no container or has no time; an amount that is none is NaN. */
function usageOf({ namespace, podName, resource }: Question, { labels, at, value }: ExternalMetricValue, { containerNameLabel }: ExternalMetricsOptions): readonly ContainerUsage[] {
  const containerName = labels[containerNameLabel]
  if (containerName === undefined || at === undefined) return []
  const amount = (of: Resource, convert: (value: Quantity) => bigint) => (of !== resource ? undefined : value === undefined ? Number.NaN : Number(convert(value)))
  return [{ namespace, podName, containerName, at, cpu: amount('cpu', milliValue), memory: amount('memory', wholeValue) }]
}
