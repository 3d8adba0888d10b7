import { ASSUMED_UPDATER } from '@vpa/core/advise/assumption.ts'
import { podsByVpa } from '@vpa/core/advise/fleet.ts'
import { type PodForecast, forecast } from '@vpa/core/advise/forecast.ts'
import { type Hindrance, hindrancesOf } from '@vpa/core/advise/hindrance.ts'
import type { Pod } from '@vpa/core/api/pod.ts'
import type { Vpa } from '@vpa/core/api/vpa.ts'
import { namespaceLimits } from '@vpa/core/policy/limit-range.ts'
import type { CapInput } from '@vpa/core/policy/cap-to-pod.ts'
import { largestOf } from '@vpa/core/recommend/obstacles.ts'
import type { EpochMs } from '@vpa/core/time.ts'
import type { FullSnapshot } from '@vpa/kube/snapshot.ts'

/** A VPA with all that decides about it. */
export interface Subject {
  readonly vpa: Vpa
  readonly pods: readonly Pod[]
  readonly limits: Omit<CapInput, 'vpa' | 'pod'>
  readonly forecast: readonly PodForecast[]
  readonly hindrances: readonly Hindrance[]
}

/** @param admissionProblem in words; undefined when there is none */
export function subjectOf(vpa: Vpa, snapshot: FullSnapshot, admissionProblem: string | undefined, now: EpochMs): Subject {
  const here = <T extends { readonly namespace: string }>(objects: readonly T[]) => objects.filter(({ namespace }) => namespace === vpa.namespace)
  const { targetRef } = vpa.spec
  const isTarget = (ref: { readonly kind: string; readonly name: string } | undefined) => ref?.kind === targetRef?.kind && ref?.name === targetRef?.name
  const pods = podsByVpa([vpa], here(snapshot.pods), snapshot.workload).get(vpa) ?? []
  const limitRanges = here(snapshot.limitRanges)
  const limits = namespaceLimits(limitRanges)
  const budgets = here(snapshot.budgets)
  return {
    vpa,
    pods,
    limits,
    forecast: forecast({ vpa, pods, limits, budgets, workload: snapshot.workload, servesResize: snapshot.servesResize, admissionControllerAlive: admissionProblem === undefined, options: ASSUMED_UPDATER }, now),
    hindrances: hindrancesOf({
      vpa,
      pods,
      budgets,
      limitRanges,
      admissionProblem,
      sameTarget: here(snapshot.vpas).filter((other) => isTarget(other.spec.targetRef)),
      horizontalAutoscalers: here(snapshot.horizontalAutoscalers).filter(({ target }) => isTarget(target)),
      allocatable: largestOf(snapshot.nodes.map(({ allocatable }) => allocatable)),
      quotas: here(snapshot.quotas),
    }),
  }
}
