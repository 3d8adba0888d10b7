import type { Container } from './object.ts'
import { amountOf } from './amount.ts'

/** Guaranteed where every container's cpu and memory requests equal its limits, BestEffort where there are none. */
export function qosClassOf(containers: readonly Container[]): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const resources = containers.map(({ resources = {} }) => resources)
  if (resources.every(({ requests, limits }) => Object.keys({ ...requests, ...limits }).length === 0)) return 'BestEffort'
  const guaranteed = resources.every(({ requests, limits }) =>
    (['cpu', 'memory'] as const).every((name) => {
      const limit = amountOf(limits, name)
      return limit !== undefined && limit > 0 && (amountOf(requests, name) ?? limit) === limit
    }))
  return guaranteed ? 'Guaranteed' : 'Burstable'
}
