import { type Amount, type Resource, amountOf } from '../amount.ts'
import type { ContainerPolicy, ContainerRecommendation, Recommendation } from '../api/vpa.ts'
import type { Aggregate } from '../history/aggregate.ts'
import { controlledResourcesOf, policyFor, scalingModeOf } from '../policy/container-policy.ts'
import type { ResourceList } from '../quantity.ts'
import { type Estimate, type EstimateOptionsByResource, confidenceOf, estimate } from './estimate.ts'
import { type RoundingOptions, cpuQuantity, memoryQuantity } from './rounding.ts'

export interface RecommendOptions {
  readonly estimates: EstimateOptionsByResource
  /** What a pod gets at least, shared out among its containers: 25m among two is 12m each. */
  readonly podMinimum: Readonly<Record<Resource, Amount>>
  readonly rounding: RoundingOptions
  /** A container with fewer is left out; 0 recommends the minimum even for one that was never seen. */
  readonly minSamples: number
}

/**
 * What each container should request, sorted by name. Containers whose policy says Off are left out, and those with too few samples
 * (upstream: PodResourceRecommender.GetRecommendedPodResources, MapToListOfRecommendedContainerResources).
 */
export function recommend(usage: ReadonlyMap<string, Aggregate>, policies: readonly ContainerPolicy[] | undefined, options: RecommendOptions): Recommendation {
  const containers = [...usage].map(([name, aggregate]) => ({ name, aggregate, policy: policyFor(policies, name) })).filter(({ policy }) => scalingModeOf(policy) !== 'Off')
  const minimumOf = (resource: Resource) => amountOf(options.podMinimum[resource] * (1 / containers.length))
  const minimum = { cpu: minimumOf('cpu'), memory: minimumOf('memory') }
  return containers
    .filter(({ aggregate }) => aggregate.span.count >= options.minSamples)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, aggregate, policy }) => {
      const controlled = new Set(controlledResourcesOf(policy))
      const estimates: Estimates = {
        ...(controlled.has('cpu') && { cpu: estimateCpu(aggregate, minimum.cpu, options) }),
        ...(controlled.has('memory') && { memory: estimateMemory(aggregate, minimum.memory, options) }),
      }
      return containerRecommendation(name, estimates, options.rounding)
    })
}

type Estimates = { readonly [R in Resource]?: Estimate }

function estimateCpu({ cpu, span }: Aggregate, minimum: Amount, { estimates }: RecommendOptions): Estimate {
  const usageAt = (percentile: number) => amountOf(cpu.percentile(percentile) * 1000)
  return estimate(usageAt, confidenceOf(span, estimates.cpu.confidenceInterval), minimum, estimates.cpu)
}

function estimateMemory({ memoryPeaks, span }: Aggregate, minimum: Amount, { estimates }: RecommendOptions): Estimate {
  const usageAt = (percentile: number) => amountOf(memoryPeaks.percentile(percentile))
  return estimate(usageAt, confidenceOf(span, estimates.memory.confidenceInterval), minimum, estimates.memory)
}

function containerRecommendation(containerName: string, { cpu, memory }: Estimates, rounding: RoundingOptions): ContainerRecommendation {
  const amounts = (part: keyof Estimate): ResourceList => ({
    ...(cpu && { cpu: cpuQuantity(cpu[part], rounding) }),
    ...(memory && { memory: memoryQuantity(memory[part], rounding) }),
  })
  const target = amounts('target')
  return { containerName, target, lowerBound: amounts('lowerBound'), upperBound: amounts('upperBound'), uncappedTarget: target }
}
