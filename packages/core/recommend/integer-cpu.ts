import type { ContainerRecommendation, Recommendation } from '../api/vpa.ts'
import { type ResourceList, quantityOfMillis, wholeValue } from '../quantity.ts'
import type { Labels } from '../selector.ts'

/**
 * Whole cores, rounded up, for each container that has the annotation
 * `vpa-post-processor.kubernetes.io/<container>_integerCPU: "true"` on the VPA: 8600m is 9
 * (upstream: IntegerCPUPostProcessor, behind a flag). Caps apply afterwards and can undo it.
 */
export function withIntegerCpu(recommendation: Recommendation, annotations: Labels): Recommendation {
  return recommendation.map((container) =>
    annotations[`vpa-post-processor.kubernetes.io/${container.containerName}_integerCPU`] === 'true' ? roundedUp(container) : container,
  )
}

function roundedUp({ containerName, target, lowerBound, upperBound, uncappedTarget }: ContainerRecommendation): ContainerRecommendation {
  return {
    containerName,
    target: wholeCores(target),
    lowerBound: wholeCores(lowerBound),
    upperBound: wholeCores(upperBound),
    uncappedTarget: wholeCores(uncappedTarget),
  }
}

function wholeCores(amounts: ResourceList | undefined): ResourceList | undefined {
  return amounts?.cpu ? { ...amounts, cpu: quantityOfMillis(wholeValue(amounts.cpu) * 1000n) } : amounts
}
