import type { DisruptionBudget } from '../api/disruption-budget.ts'
import type { Pod } from '../api/pod.ts'
import type { Vpa } from '../api/vpa.ts'
import { type Surroundings, obstaclesTo } from '../recommend/obstacles.ts'
import { forbids } from './forecast.ts'

/** Something between a VPA and what its owner wants of it. `what` is a condition's type or one of our own words. */
export interface Hindrance {
  readonly what: string
  /** A sentence for people. */
  readonly message: string
}

export interface HindranceFacts extends Surroundings {
  readonly budgets: readonly DisruptionBudget[]
  /** What is wrong with the admission controller, in words; undefined when it answers. */
  readonly admissionProblem: string | undefined
}

/** Conditions that tell of nothing wrong while they are True. */
const GOOD = ['RecommendationProvided', 'FetchingHistory']

/**
 * Everything that is in the way: what conditions tell; what they would tell if a recommender that knows it had looked
 * (the Go implementation writes fewer); disruption budgets, and the admission controller.
 */
export function hindrancesOf(facts: HindranceFacts): readonly Hindrance[] {
  const { vpa, pods, budgets, admissionProblem } = facts
  const told = (vpa.status.conditions ?? []).filter(({ type, status }) => status === 'True' && !GOOD.includes(type)).map(({ type, reason, message }) => ({ what: type, message: message || reason }))
  const found = obstaclesTo(facts).map(({ type, message }) => ({ what: type, message }))
  return [
    ...notYet(vpa),
    ...told,
    ...found.filter(({ what }) => !told.some((condition) => condition.what === what)),
    ...budgets.flatMap((budget) => budgetHindrance(budget, pods)),
    ...(admissionProblem === undefined ? [] : [{ what: 'AdmissionController', message: admissionProblem }]),
  ]
}

function notYet({ status }: Vpa): readonly Hindrance[] {
  if (status.recommendation !== undefined) return []
  if (status.conditions === undefined) return [{ what: 'NoRecommender', message: 'No recommender has looked at this VerticalPodAutoscaler yet: it is not running, or another one is named in spec.recommenders.' }]
  return [{ what: 'NoRecommendation', message: 'Nothing is recommended yet.' }]
}

function budgetHindrance(budget: DisruptionBudget, pods: readonly Pod[]): readonly Hindrance[] {
  const count = pods.filter((pod) => forbids(budget, pod)).length
  if (count === 0) return []
  return [{ what: 'PodDisruptionBudget', message: `PodDisruptionBudget ${budget.name} allows no disruption of ${count === 1 ? '1 pod' : `${count} pods`} now.` }]
}
