import { isDeepStrictEqual } from 'node:util'
import type { Account, CheckpointStatus, VpaStatus } from './account.ts'

/** Where the two recommenders do not say the same of one workload. */
export interface Difference {
  readonly where: string
  readonly go: string
  readonly ours: string
  readonly cause: string
  /** Ours says more on purpose. */
  readonly byDesign?: true
}

/** The conditions that the Go recommender sets. */
const CONDITIONS_OF_GO = new Set(['RecommendationProvided', 'NoPodsMatched', 'FetchingHistory', 'ConfigDeprecated', 'ConfigUnsupported'])
/** Sums of the same numbers in another order. */
const ROUNDING = 1e-9

export function differencesOf(go: Account, ours: Account): readonly Difference[] {
  return [...recommendationDifferences(go.status, ours.status), ...conditionDifferences(go.status, ours.status), ...checkpointDifferences(go, ours)]
}

function recommendationDifferences(go: VpaStatus, ours: VpaStatus): readonly Difference[] {
  const [goContainers, ourContainers] = [containersOf(go), containersOf(ours)]
  if (goContainers.length !== ourContainers.length) return [difference('containers with a recommendation', goContainers, ourContainers)]
  return goContainers.flatMap((container, index) => {
    const fields = new Set([...Object.keys(container), ...Object.keys(ourContainers[index] ?? {})])
    return [...fields].flatMap((field) => comparison(field, container[field], ourContainers[index]?.[field]))
  })
}

function conditionDifferences(go: VpaStatus, ours: VpaStatus): readonly Difference[] {
  const known = conditionsOf(ours).filter(({ type }) => CONDITIONS_OF_GO.has(type))
  const own = conditionsOf(ours).filter(({ type }) => !CONDITIONS_OF_GO.has(type))
  return [
    ...comparison('conditions', conditionsOf(go), known),
    ...own.map((condition) => ({ where: `condition ${condition.type}`, go: 'none', ours: JSON.stringify(condition), cause: 'a condition that Go does not have', byDesign: true as const })),
  ]
}

function containersOf({ recommendation }: VpaStatus): readonly { readonly [field: string]: unknown }[] {
  return (recommendation?.containerRecommendations ?? []).toSorted((a, b) => (a.containerName < b.containerName ? -1 : 1)).map((container) => ({ ...container }))
}

/** Without the times of their changes. */
function conditionsOf({ conditions = [] }: VpaStatus) {
  return conditions.map(({ type, status, reason, message }) => ({ type, status, reason, message })).toSorted((a, b) => (a.type < b.type ? -1 : 1))
}

function checkpointDifferences(go: Account, ours: Account): readonly Difference[] {
  const containers = new Set([...Object.keys(go.checkpoints), ...Object.keys(ours.checkpoints)])
  return [...containers].flatMap((container) => {
    const [goCheckpoint, ourCheckpoint] = [go.checkpoints[container], ours.checkpoints[container]]
    if (goCheckpoint === undefined || ourCheckpoint === undefined) return [difference('checkpoint', goCheckpoint, ourCheckpoint)]
    if (alike(goCheckpoint, ourCheckpoint)) return []
    const sameSamples = goCheckpoint.totalSamplesCount === ourCheckpoint.totalSamplesCount && goCheckpoint.lastSampleStart === ourCheckpoint.lastSampleStart
    return [{ ...difference('checkpoint', goCheckpoint, ourCheckpoint), cause: sameSamples ? 'the same number of samples' : samplesText(goCheckpoint, ourCheckpoint) }]
  })
}

function samplesText(go: CheckpointStatus, ours: CheckpointStatus): string {
  return `other samples: ${go.totalSamplesCount} and ${ours.totalSamplesCount}, the last at ${go.lastSampleStart} and ${ours.lastSampleStart}`
}

function comparison(where: string, go: unknown, ours: unknown): readonly Difference[] {
  return isDeepStrictEqual(go, ours) ? [] : [difference(where, go, ours)]
}

function difference(where: string, go: unknown, ours: unknown): Difference {
  return { where, go: JSON.stringify(go) ?? 'none', ours: JSON.stringify(ours) ?? 'none', cause: 'unknown cause' }
}

function alike(go: unknown, ours: unknown): boolean {
  if (typeof go === 'number' && typeof ours === 'number') return Math.abs(go - ours) <= ROUNDING * Math.max(Math.abs(go), Math.abs(ours))
  if (typeof go !== 'object' || typeof ours !== 'object' || go === null || ours === null) return go === ours
  const keys = new Set([...Object.keys(go), ...Object.keys(ours)])
  return [...keys].every((key) => alike((go as { readonly [key: string]: unknown })[key], (ours as { readonly [key: string]: unknown })[key]))
}
