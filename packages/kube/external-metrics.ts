import { type Quantity, parseQuantity } from '@vpa/core/quantity.ts'
import type { Labels } from '@vpa/core/selector.ts'
import { type EpochMs, parseTime } from '@vpa/core/time.ts'
import type { Client } from './client.ts'
import { LONGEST_METRICS, readList } from './list.ts'
import { rootOf, segmentOf } from './resources.ts'

/** Values of one metric of external.metrics.k8s.io. */
export interface ExternalMetricQuery {
  readonly namespace: string
  readonly metric: string
  /** Of the values, in the form of a label selector: `app=web,pod=web-1`. */
  readonly selector: string
}

export interface ExternalMetricValue {
  readonly labels: Labels
  /** Undefined for a time or an amount that is none. */
  readonly at: EpochMs | undefined
  readonly value: Quantity | undefined
}

/** @throws ApiError or Error when the metrics API cannot be asked, such as where nothing serves it */
export async function readExternalMetric(client: Client, { namespace, metric, selector }: ExternalMetricQuery): Promise<readonly ExternalMetricValue[]> {
  const values: ExternalMetricValue[] = []
  const path = `${rootOf('external.metrics.k8s.io/v1beta1')}/namespaces/${segmentOf(namespace)}/${segmentOf(metric)}`
  await readList(client, { path, query: { labelSelector: selector }, longest: LONGEST_METRICS, onItem: (text) => void values.push(valueOf(JSON.parse(text) as RawValue)) })
  return values
}

interface RawValue {
  readonly metricLabels?: Labels | null
  readonly timestamp?: string | null
  readonly value?: string | null
}

function valueOf({ metricLabels, timestamp, value }: RawValue): ExternalMetricValue {
  return { labels: metricLabels ?? {}, at: parseTime(timestamp), value: parseQuantity(value ?? '') }
}
