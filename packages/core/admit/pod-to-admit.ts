import { type Pod, projectPod } from '../api/pod.ts'
import { type Vpa, updateModeOf } from '../api/vpa.ts'
import { hasStartupBoost } from './startup-boost.ts'

/** We are asked before the API server looks whether a pod makes sense, and may be sent hundreds of thousands. */
const MOST_CONTAINERS = 1000

interface RawContainers {
  readonly spec?: { readonly containers?: unknown } | null
}

/**
 * A pod as an admission request carries it: its namespace may be told by the request alone.
 *
 * @throws RangeError when an amount is not a quantity, or there are more containers than any pod has
 */
export function podToAdmit(raw: unknown, requestNamespace: string): Pod {
  const containers = (raw as RawContainers | null | undefined)?.spec?.containers
  if (Array.isArray(containers) && containers.length > MOST_CONTAINERS) throw new RangeError(`expected at most ${MOST_CONTAINERS} containers, got ${containers.length}`)
  const pod = projectPod(raw)
  return { ...pod, namespace: pod.namespace || requestNamespace }
}

/** Whether a VPA has a say in new pods; every mode but Off, and Off too where it boosts their start. */
export function isAppliedAtCreation(vpa: Vpa): boolean {
  return updateModeOf(vpa) !== 'Off' || hasStartupBoost(vpa)
}
