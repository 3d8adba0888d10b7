import type { ContainerPolicy } from '../api/vpa.ts'
import type { UsageByContainer } from '../history/merged-usage.ts'
import { policyFor, scalingModeOf } from '../policy/container-policy.ts'
import type { Explanation } from './explanation.ts'

/**
 * Tells of containers whose recommendation is made of nothing, or that get none yet.
 *
 * @param minSamples with fewer, a container is recommended nothing
 */
export function lowConfidence(usage: UsageByContainer, policies: readonly ContainerPolicy[] | undefined, minSamples: number): Explanation | undefined {
  const wanted = [...usage].filter(([name]) => scalingModeOf(policyFor(policies, name)) !== 'Off').toSorted(([a], [b]) => (a < b ? -1 : 1))
  const few = wanted.filter(([, { span }]) => span.count < minSamples)
  if (few.length > 0) {
    const counts = few.map(([name, { span }]) => `${name} has ${span.count}`)
    return { type: 'LowConfidence', reason: 'TooFewSamples', message: `Nothing is recommended for a container with fewer than ${minSamples} samples of CPU usage: ${counts.join(', ')}.` }
  }
  const none = wanted.filter(([, { span }]) => span.count === 0).map(([name]) => name)
  if (none.length === 0) return undefined
  return { type: 'LowConfidence', reason: 'NoSamples', message: `No CPU usage has been seen yet of ${none.join(', ')}: the recommendation is the least that a pod gets, not what it needs.` }
}
