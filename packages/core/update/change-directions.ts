import type { Pod } from '../api/pod.ts'
import type { Recommendation } from '../api/vpa.ts'
import { currentResources } from '../policy/current-resources.ts'
import { compareQuantities } from '../quantity.ts'
import { observedContainers } from './observed-containers.ts'

/** Which way a request has to go to come back into its range, by container and resource: `app/cpu` is `up`. One that is missing has to go up. */
export type ChangeDirections = ReadonlyMap<string, 'up' | 'down'>

/** @param recommendation already fitted to the pod */
export function changeDirections(pod: Pod, recommendation: Recommendation): ChangeDirections {
  const isObserved = observedContainers(pod)
  const directions = new Map<string, 'up' | 'down'>()
  for (const { name } of pod.containers) {
    const recommended = isObserved(name) ? recommendation.find(({ containerName }) => containerName === name) : undefined
    const { requests = {} } = currentResources(pod, name)
    for (const resource of Object.keys(recommended?.target ?? {})) {
      const [request, lower, upper] = [requests[resource], recommended?.lowerBound?.[resource], recommended?.upperBound?.[resource]]
      if (request === undefined || (lower && compareQuantities(request, lower) < 0)) directions.set(`${name}/${resource}`, 'up')
      else if (upper && compareQuantities(request, upper) > 0) directions.set(`${name}/${resource}`, 'down')
    }
  }
  return directions
}

/** Whether something is to be undone that was done before. */
export function isOpposite(now: ChangeDirections, before: ChangeDirections): boolean {
  return [...now].some(([what, direction]) => before.has(what) && before.get(what) !== direction)
}
