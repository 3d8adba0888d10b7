import type { ContainerRecommendation, Recommendation } from '../api/vpa.ts'
import type { Quantity } from '../quantity.ts'

const PARTS = ['target', 'lowerBound', 'upperBound', 'uncappedTarget'] as const

/**
 * Keeps what is published where nothing has changed by more than a part of it: with 0.05, a target of 1000m stays up to 1050m.
 * Target and bounds of a resource are kept or replaced together, so that they stay in order; while the bounds are still drawing
 * closer, all of them follow.
 *
 * @param fraction 0 keeps nothing
 */
export function withDeadBand(recommendation: Recommendation, published: Recommendation, fraction: number): Recommendation {
  if (fraction === 0) return recommendation
  return recommendation.map((container) => {
    const before = published.find(({ containerName }) => containerName === container.containerName)
    return before === undefined ? container : kept(container, before, fraction)
  })
}

function kept(container: ContainerRecommendation, before: ContainerRecommendation, fraction: number): ContainerRecommendation {
  const close = Object.keys(container.target ?? {}).filter((resource) => PARTS.every((part) => isClose(container[part]?.[resource], before[part]?.[resource], fraction)))
  const amounts = (part: (typeof PARTS)[number]) => {
    const old = close.flatMap((resource) => (before[part]?.[resource] ? [[resource, before[part][resource]] as const] : []))
    return container[part] && { ...container[part], ...Object.fromEntries(old) }
  }
  return { containerName: container.containerName, target: amounts('target'), lowerBound: amounts('lowerBound'), upperBound: amounts('upperBound'), uncappedTarget: amounts('uncappedTarget') }
}

function isClose(now: Quantity | undefined, before: Quantity | undefined, fraction: number): boolean {
  if (now === undefined || before === undefined) return now === before
  return Math.abs(Number(now.nanos - before.nanos)) <= fraction * Number(before.nanos)
}
