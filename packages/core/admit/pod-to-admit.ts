import { type Pod, projectPod } from '../api/pod.ts'
import { type Vpa, updateModeOf } from '../api/vpa.ts'
import { hasStartupBoost } from './startup-boost.ts'

/**
 * A pod as an admission request carries it: its namespace may be told by the request alone.
 *
 * @throws RangeError when an amount is not a quantity
 */
export function podToAdmit(raw: unknown, requestNamespace: string): Pod {
  const pod = projectPod(raw)
  return { ...pod, namespace: pod.namespace || requestNamespace }
}

/** Whether a VPA has a say in new pods; every mode but Off, and Off too where it boosts their start. */
export function isAppliedAtCreation(vpa: Vpa): boolean {
  return updateModeOf(vpa) !== 'Off' || hasStartupBoost(vpa)
}
