import type { Container, Resources } from '../api/pod.ts'
import type { StartupBoost, Vpa } from '../api/vpa.ts'
import { controlledValuesOf, policyFor } from '../policy/container-policy.ts'
import { SCALED_RESOURCES, proportionalLimits } from '../policy/proportional-limit.ts'
import { type Quantity, type ResourceList, compareQuantities, formatQuantity, milliValue, quantity, quantityOfMillis } from '../quantity.ts'
import type { ContainerResources } from './resources.ts'

type Boosted = { readonly boosted: ContainerResources } | { readonly failed: string }

const ONE_MILLICORE = quantity('1m')
const NOTHING = quantityOfMillis(0)

/** The boost that a container starts with: its own, otherwise the VPA's. One without `cpu` is none. */
function startupBoostOf(vpa: Vpa, containerName: string): StartupBoost['cpu'] {
  const policy = policyFor(vpa.spec.resourcePolicy?.containerPolicies, containerName)
  return (policy?.startupBoost ?? vpa.spec.startupBoost)?.cpu
}

/** Whether any container may be boosted; such a VPA is looked at in every mode, also Off. */
export function hasStartupBoost({ spec }: Vpa): boolean {
  return spec.startupBoost !== undefined || (spec.resourcePolicy?.containerPolicies ?? []).some(({ startupBoost }) => startupBoost !== undefined)
}

/**
 * More CPU than recommended, until the pod is ready (upstream: applyCPUStartupBoost; AEP-7862).
 * With factor 2, a recommended 100m is 200m, and a limit keeps its ratio to the request.
 *
 * @param resources what the container would have without the boost
 * @param maxBoost no boost goes beyond this; undefined for no maximum
 * @returns the text of `failed` is upstream's: it is seen in its log
 */
export function boostedResources(vpa: Vpa, container: Container, resources: ContainerResources, maxBoost: Quantity | undefined): Boosted | undefined {
  const boost = startupBoostOf(vpa, container.name)
  if (boost === undefined) return undefined
  const recommended = resources.requests?.cpu
  const base = recommended && recommended.nanos !== 0n ? recommended : (container.requests?.cpu ?? NOTHING)
  const answer = boostedMillis(boost, milliValue(base))
  if ('failed' in answer) return answer
  const boosted = quantityOfMillis(answer.millis)
  const cpu = maxBoost && maxBoost.nanos !== 0n && compareQuantities(boosted, maxBoost) > 0 ? maxBoost : boosted

  const policy = policyFor(vpa.spec.resourcePolicy?.containerPolicies, container.name)
  if (controlledValuesOf(policy) === 'RequestsOnly') {
    return { boosted: { ...resources, requests: { ...resources.requests, cpu: belowLimit(cpu, container.limits?.cpu) } } }
  }
  const { limits } = proportionalLimits(container, { cpu }, undefined)
  return { boosted: { ...resources, requests: { ...resources.requests, cpu }, limits: { ...resources.limits, ...limits } } }
}

/** The value of the container's boost annotation: what to go back to when there is no recommendation then. */
export function originalResourcesJson({ requests, limits }: Resources): string {
  return JSON.stringify({ requests: cpuAndMemory(requests), limits: cpuAndMemory(limits) })
}

function boostedMillis({ type, factor, quantity }: NonNullable<StartupBoost['cpu']>, base: bigint): { millis: bigint } | { failed: string } {
  switch (type || 'Factor') {
    case 'Factor':
      if (factor === undefined) return { failed: 'startupBoost.CPU.Factor is required when Type is Factor or not specified' }
      if (factor < 1) return { failed: 'boost factor must be >= 1' }
      return { millis: BigInt(Math.trunc(Number(base) * factor)) }
    case 'Quantity':
      if (quantity === undefined) return { failed: 'startupBoost.CPU.Quantity is required when Type is Quantity' }
      // The API's description calls the quantity absolute; upstream adds it, and users have tuned for that.
      return { millis: base + milliValue(quantity) }
    default:
      return { failed: `unsupported startup boost type: ${type}` }
  }
}

/** One millicore below the limit keeps the pod's quality-of-service class: equal would make it Guaranteed. */
function belowLimit(cpu: Quantity, limit: Quantity | undefined): Quantity {
  if (limit === undefined || milliValue(cpu) <= milliValue(limit)) return cpu
  return compareQuantities(limit, ONE_MILLICORE) > 0 ? { ...limit, nanos: limit.nanos - ONE_MILLICORE.nanos } : limit
}

function cpuAndMemory(list: ResourceList | undefined): Record<string, string> {
  return Object.fromEntries(SCALED_RESOURCES.flatMap((resource) => (list?.[resource] ? [[resource, formatQuantity(list[resource])]] : [])))
}
