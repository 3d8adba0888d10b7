import type { ContainerPolicy, Recommendation } from '../api/vpa.ts'
import { type Quantity, type ResourceList, compareQuantities } from '../quantity.ts'
import { policyFor } from './container-policy.ts'

/**
 * Keeps target and bounds within what the policy allows; `uncappedTarget` stays as it is.
 * Where the policy has no maximum for a resource, the global one applies. The maximum wins over a minimum above it
 * (upstream: ApplyVPAPolicy).
 */
export function capToPolicy(recommendation: Recommendation, policies: readonly ContainerPolicy[] | undefined, globalMaxAllowed: ResourceList): Recommendation {
  return recommendation.map((container) => {
    const policy = policyFor(policies, container.containerName)
    const max = { ...globalMaxAllowed, ...policy?.maxAllowed }
    const cap = (amounts: ResourceList | undefined) => amounts && capped(amounts, policy?.minAllowed ?? {}, max)
    return { ...container, target: cap(container.target), lowerBound: cap(container.lowerBound), upperBound: cap(container.upperBound) }
  })
}

function capped(amounts: ResourceList, min: ResourceList, max: ResourceList): ResourceList {
  return Object.fromEntries(Object.entries(amounts).map(([resource, amount]) => [resource, within(amount, min[resource], max[resource])]))
}

/** A bound of zero is no bound. */
function within(amount: Quantity, min: Quantity | undefined, max: Quantity | undefined): Quantity {
  const raised = min && min.nanos !== 0n && compareQuantities(amount, min) < 0 ? min : amount
  return max && max.nanos !== 0n && compareQuantities(raised, max) > 0 ? max : raised
}
