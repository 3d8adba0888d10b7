import { milliValue, quantity, wholeValue } from '@vpa/core/quantity.ts'
import { parseTime } from '@vpa/core/time.ts'
import type { Client } from './client.ts'
import type { ContainerUsage } from './cluster.ts'
import { readList } from './list.ts'
import type { Log } from './log.ts'
import { POD_METRICS, pathOf } from './resources.ts'

/**
 * What the containers used lately, from metrics.k8s.io. A resource that is not reported is 0.
 * One pod's metrics that cannot be read cost only themselves.
 *
 * @param namespace undefined for all
 * @throws ApiError or Error when the metrics API cannot be asked
 */
export async function readUsage(client: Client, log: Log, namespace: string | undefined): Promise<readonly ContainerUsage[]> {
  const usage: ContainerUsage[] = []
  const onItem = (text: string) => {
    try {
      usage.push(...containersOf(JSON.parse(text)))
    } catch (error) {
      log.warn('Cannot read the metrics of a pod', { error })
    }
  }
  await readList(client, { path: pathOf(POD_METRICS, namespace), onItem })
  return usage
}

function containersOf(raw: unknown): ContainerUsage[] {
  const { metadata: { namespace = '', name: podName = '' } = {}, timestamp, containers } = raw as RawPodMetrics
  const at = parseTime(timestamp)
  if (at === undefined) throw new RangeError(`${namespace}/${podName}: not a time: ${timestamp}`)
  return (containers ?? []).map(({ name: containerName = '', usage }) => ({
    namespace,
    podName,
    containerName,
    at,
    cpu: Number(milliValue(quantity(usage?.['cpu'] ?? '0'))),
    memory: Number(wholeValue(quantity(usage?.['memory'] ?? '0'))),
  }))
}

interface RawPodMetrics {
  readonly metadata?: { readonly namespace?: string; readonly name?: string }
  readonly timestamp?: string
  readonly containers?: readonly { readonly name?: string; readonly usage?: Readonly<Record<string, string>> | null }[] | null
}
