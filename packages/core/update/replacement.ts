import { containerResources } from '../admit/resources.ts'
import type { Pod } from '../api/pod.ts'
import { UPDATES_ANNOTATION, updatesAnnotationStart } from '../api/pod-annotations.ts'
import { type Vpa, updateModeOf } from '../api/vpa.ts'
import { type CapInput, capToPod } from '../policy/cap-to-pod.ts'
import { policyFor, scalingModeOf } from '../policy/container-policy.ts'
import { type Quantity, type ResourceList, compareQuantities, formatQuantity } from '../quantity.ts'
import { changeDirections } from './change-directions.ts'
import { observedContainers } from './observed-containers.ts'
import { boostedContainers } from './startup-boost-expiry.ts'

/** How a pod that took an evicted one's place was admitted. */
export type Verdict =
  | { readonly verdict: 'applied' }
  /** `not-admitted`: our webhook has left no trace on it. `overwritten`: it has, but the pod has other resources now. */
  | { readonly verdict: 'not-applied'; readonly why: 'not-admitted' | 'overwritten'; readonly mismatches: readonly Mismatch[] }
  | { readonly verdict: 'not-judged' }

export interface Mismatch {
  readonly containerName: string
  readonly resource: string
  readonly expected: Quantity
  /** undefined: the container requests none of it. */
  readonly found: Quantity | undefined
}

export interface JudgeInput extends Omit<CapInput, 'vpa'> {
  /** The VPA when the pod was evicted, and as it is now: the webhook has seen one of them, or one in between. */
  readonly vpas: readonly Vpa[]
}

/** In percent: the way through a LimitRange's ratio and back rounds. */
const TOLERANCE = 1n

/**
 * Whether a pod was admitted with what its VPA recommends.
 *
 * Each request must lie between what the webhook would set by the VPA then and by the VPA now. A pod that our webhook has marked
 * may also have something else as long as that is within the recommended range: another webhook may round, or the recommendation
 * may have moved twice, and such a pod would not be evicted again. Containers that were injected later, that are opted out
 * or still boosted do not count; where none is left, there is nothing to judge.
 */
export function judgeReplacement(input: JudgeInput): Verdict {
  const pod: Pod = { ...input.pod, containerStatuses: [] }
  const latest = input.vpas.at(-1)
  if (latest === undefined || updateModeOf(latest) === 'Off') return { verdict: 'not-judged' }
  const expected = input.vpas.map((vpa) => containerResources({ ...input, vpa, pod }))
  const boosted = boostedContainers(pod)
  const mismatches: Mismatch[] = []
  let judged = 0
  for (const [index, { name, requests = {} }] of pod.containers.entries()) {
    if (!counts(pod, latest, name)) continue
    const wanted = expected.map((containers): ResourceList => containers[index]?.requests ?? {})
    for (const resource of new Set(wanted.flatMap((list) => Object.keys(list)))) {
      if (resource === 'cpu' && boosted.includes(name)) continue
      const amounts = wanted.flatMap((list) => list[resource] ?? []).toSorted(compareQuantities)
      const found = requests[resource]
      const [lowest, highest] = [amounts[0], amounts.at(-1)]
      if (lowest === undefined || highest === undefined) continue
      judged += 1
      if (found === undefined || !isBetween(found, lowest, highest)) mismatches.push({ containerName: name, resource, expected: highest, found })
    }
  }
  if (judged === 0) return { verdict: 'not-judged' }
  if (mismatches.length === 0) return { verdict: 'applied' }
  if (!hasMark(pod, latest)) return { verdict: 'not-applied', why: 'not-admitted', mismatches }
  const outOfRange = changeDirections(pod, capToPod({ ...input, vpa: latest, pod })?.recommendation ?? [])
  return outOfRange.size === 0 ? { verdict: 'applied' } : { verdict: 'not-applied', why: 'overwritten', mismatches }
}

/** Whether our webhook has written its resources into the pod, by the annotation that it leaves. */
export function hasMark({ annotations }: Pod, vpa: Vpa): boolean {
  return annotations?.[UPDATES_ANNOTATION]?.startsWith(updatesAnnotationStart(vpa.name)) ?? false
}

/** Reads as the part of a sentence: `container app requests cpu 100m instead of 500m`. */
export function describeMismatches(mismatches: readonly Mismatch[]): string {
  return mismatches
    .map(({ containerName, resource, expected, found }) => `container ${containerName} requests ${found ? `${resource} ${formatQuantity(found)}` : `no ${resource}`} instead of ${formatQuantity(expected)}`)
    .join(', ')
}

function counts(pod: Pod, { spec }: Vpa, containerName: string): boolean {
  return observedContainers(pod)(containerName) && scalingModeOf(policyFor(spec.resourcePolicy?.containerPolicies, containerName)) !== 'Off'
}

function isBetween({ nanos }: Quantity, lowest: Quantity, highest: Quantity): boolean {
  return nanos * 100n >= lowest.nanos * (100n - TOLERANCE) && nanos * 100n <= highest.nanos * (100n + TOLERANCE)
}
