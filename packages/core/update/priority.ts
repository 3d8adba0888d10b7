import type { Pod } from '../api/pod.ts'
import type { Recommendation } from '../api/vpa.ts'
import { type Quantity, milliValue } from '../quantity.ts'
import { currentResources } from '../policy/current-resources.ts'
import { changeDirections } from './change-directions.ts'
import { observedContainers } from './observed-containers.ts'

/** How far a pod's requests are from what is recommended. */
export interface Priority {
  /** A request is missing, below its lower bound or above its upper bound. */
  readonly outsideRange: boolean
  /** A request is below its target. */
  readonly scaleUp: boolean
  /**
   * Sum over resources of |request - target| / request, each summed over the containers:
   * 100m and 200Mi against 200m and 380258472 bytes are 1 + 0.8132136917114257.
   */
  readonly resourceDifference: number
}

/** @param recommendation already fitted to the pod (upstream: defaultPriorityProcessor.GetUpdatePriority) */
export function priorityOf(pod: Pod, recommendation: Recommendation): Priority {
  const isObserved = observedContainers(pod)
  const totals = new Map<string, { request: bigint; target: bigint }>()
  let scaleUp = false
  for (const { name } of pod.containers) {
    const recommended = isObserved(name) ? recommendation.find(({ containerName }) => containerName === name) : undefined
    const requests = currentResources(pod, name).requests ?? {}
    for (const [resource, target] of Object.entries(recommended?.target ?? {})) {
      const request = requests[resource]
      const total = totals.get(resource) ?? { request: 0n, target: 0n }
      totals.set(resource, { request: total.request + milliOf(request), target: total.target + milliValue(target) })
      scaleUp ||= request === undefined || milliValue(target) > milliValue(request)
    }
  }
  let resourceDifference = 0
  for (const { request, target } of totals.values()) {
    const requested = Math.max(Number(request), 1)
    resourceDifference += Math.abs(requested - Number(target)) / requested
  }
  return { outsideRange: changeDirections(pod, recommendation).size > 0, scaleUp, resourceDifference }
}

/** For sorting: pods that must grow go first, then those with the larger difference. */
export function comparePriority(a: Priority, b: Priority): number {
  return a.scaleUp === b.scaleUp ? b.resourceDifference - a.resourceDifference : Number(b.scaleUp) - Number(a.scaleUp)
}

function milliOf(quantity: Quantity | undefined): bigint {
  return quantity === undefined ? 0n : milliValue(quantity)
}
