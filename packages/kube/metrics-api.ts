import { type Quantity, milliValue, quantity, wholeValue } from '@vpa/core/quantity.ts'
import { parseTime } from '@vpa/core/time.ts'
import type { Client } from './client.ts'
import type { ContainerUsage } from './cluster.ts'
import { LONGEST_METRICS, readList } from './list.ts'
import type { Log } from './log.ts'
import { POD_METRICS, pathOf } from './resources.ts'

/**
 * What the containers used lately, from metrics.k8s.io. What cannot be read costs only itself:
 * an amount that is none is NaN, a pod whose time is none is left out.
 *
 * @param namespace undefined for all
 * @throws ApiError or Error when the metrics API cannot be asked
 */
export async function readUsage(client: Client, log: Log, namespace: string | undefined): Promise<readonly ContainerUsage[]> {
  const usage: ContainerUsage[] = []
  const onItem = (text: string) => {
    try {
      for (const container of containersOf(JSON.parse(text), log)) usage.push(container)
    } catch (error) {
      log.warn('Cannot read the metrics of a pod', { error })
    }
  }
  await readList(client, { path: pathOf(POD_METRICS, namespace), longest: LONGEST_METRICS, onItem })
  return usage
}

function containersOf(raw: unknown, log: Log): ContainerUsage[] {
  const { metadata: { namespace = '', name: podName = '' } = {}, timestamp, containers } = raw as RawPodMetrics
  const at = parseTime(timestamp)
  if (at === undefined) throw new RangeError(`${namespace}/${podName}: not a time: ${timestamp}`)
  return (containers ?? []).map(({ name: containerName = '', usage }) => {
    const amountOf = (resource: string, convert: (amount: Quantity) => bigint) => {
      const text = usage?.[resource] ?? undefined
      try {
        return text === undefined ? undefined : Number(convert(quantity(String(text))))
      } catch (error) {
        log.warn('Cannot read the usage of a container', { pod: `${namespace}/${podName}`, container: containerName, resource, error })
        return Number.NaN
      }
    }
    return { namespace, podName, containerName, at, cpu: amountOf('cpu', milliValue), memory: amountOf('memory', wholeValue) }
  })
}

interface RawPodMetrics {
  readonly metadata?: { readonly namespace?: string; readonly name?: string }
  readonly timestamp?: string
  readonly containers?: readonly { readonly name?: string; readonly usage?: Readonly<Record<string, string>> | null }[] | null
}
