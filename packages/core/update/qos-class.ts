import type { Resources } from '../api/pod.ts'
import { SCALED_RESOURCES } from '../policy/proportional-limit.ts'

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort'

/**
 * The quality-of-service class of a pod with these containers: Guaranteed where all of them have equal requests and limits of cpu and
 * memory (a limit alone is a request, too), BestEffort where none has any. Source: k8s.io/kubernetes ComputePodQOS.
 */
export function qosClassOf(containers: readonly Resources[]): QosClass {
  const amounts = containers.map(({ requests = {}, limits = {} }) => SCALED_RESOURCES.map((name) => ({ request: requests[name]?.nanos ?? 0n, limit: limits[name]?.nanos ?? 0n })))
  if (amounts.flat().every(({ request, limit }) => request === 0n && limit === 0n)) return 'BestEffort'
  return amounts.flat().every(({ request, limit }) => limit !== 0n && (request === 0n || request === limit)) ? 'Guaranteed' : 'Burstable'
}
