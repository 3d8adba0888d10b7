import type { ContainerRecommendation, Recommendation, Vpa } from '../api/vpa.ts'
import { integerCpuAnnotation } from '../api/vpa-annotations.ts'
import { capToPolicy } from '../policy/cap.ts'
import { type ResourceList, quantityOfMillis, wholeValue } from '../quantity.ts'
import type { Labels } from '../selector.ts'

export interface PostProcessOptions {
  readonly integerCpu: boolean
  /** For resources of which a policy names no maximum; empty for none. */
  readonly globalMaxAllowed: ResourceList
}

/** What the VPA's annotations and policy make of a recommendation. Caps come last and can undo whole cores, as in the Go implementation. */
export function postProcess(recommendation: Recommendation, { annotations, spec }: Vpa, { integerCpu, globalMaxAllowed }: PostProcessOptions): Recommendation {
  const rounded = integerCpu ? withIntegerCpu(recommendation, annotations) : recommendation
  return capToPolicy(rounded, spec.resourcePolicy?.containerPolicies, globalMaxAllowed)
}

/**
 * Whole cores, rounded up, for each container that has the annotation
 * `vpa-post-processor.kubernetes.io/<container>_integerCPU: "true"` on the VPA: 8600m is 9
 * (upstream: IntegerCPUPostProcessor, behind a flag).
 */
function withIntegerCpu(recommendation: Recommendation, annotations: Labels): Recommendation {
  return recommendation.map((container) =>
    annotations[integerCpuAnnotation(container.containerName)] === 'true' ? roundedUp(container) : container,
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
