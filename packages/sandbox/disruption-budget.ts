import { type LabelSelector, matchesSelector } from '@vpa/core/selector.ts'
import { PODS } from './kind.ts'
import type { KubeObject, Pod } from './object.ts'
import type { Storage } from './storage.ts'
import { isReady } from './world.ts'

export interface DisruptionBudget extends KubeObject {
  spec: { selector?: LabelSelector; minAvailable?: number | string; maxUnavailable?: number | string }
  status?: { disruptedPods?: Record<string, string> }
}

export interface DisruptionBudgetStatus {
  readonly currentHealthy: number
  readonly desiredHealthy: number
  readonly disruptionsAllowed: number
  readonly expectedPods: number
  readonly observedGeneration: number
  readonly disruptedPods: Readonly<Record<string, string>>
}

/** How many of a budget's pods are healthy and how many must be. Percentages are rounded up, as the disruption controller does. */
export function budgetStatus({ metadata, spec, status }: DisruptionBudget, storage: Storage): DisruptionBudgetStatus {
  const pods = (storage.list(PODS) as readonly Pod[]).filter(
    (pod) => pod.metadata.namespace === metadata.namespace && spec.selector !== undefined && matchesSelector(spec.selector, pod.metadata.labels ?? {}),
  )
  const expectedPods = pods.length
  const desiredHealthy = spec.maxUnavailable === undefined ? share(spec.minAvailable ?? 1, expectedPods) : Math.max(0, expectedPods - share(spec.maxUnavailable, expectedPods))
  const currentHealthy = pods.filter((pod) => pod.metadata.deletionTimestamp === undefined && isReady(pod)).length
  const leaving = Object.entries(status?.disruptedPods ?? {}).filter(([name]) => pods.some((pod) => pod.metadata.name === name))
  return {
    currentHealthy,
    desiredHealthy,
    disruptionsAllowed: Math.max(0, currentHealthy - desiredHealthy),
    expectedPods,
    observedGeneration: metadata.generation ?? 1,
    disruptedPods: Object.fromEntries(leaving),
  }
}

function share(count: number | string, total: number): number {
  return typeof count === 'number' ? count : Math.ceil((Number.parseInt(count, 10) * total) / 100)
}
