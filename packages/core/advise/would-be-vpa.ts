import type { Checkpoint } from '../api/checkpoint.ts'
import type { UpdateMode } from '../api/update-mode.ts'
import { type Vpa, projectVpa, vpaStatusJson } from '../api/vpa.ts'
import { Aggregate } from '../history/aggregate.ts'
import { loadCheckpoint } from '../history/checkpoint.ts'
import { recommend } from '../recommend/recommendation.ts'
import type { Workload } from '../target/workload.ts'
import type { EpochMs } from '../time.ts'
import { ASSUMED_HALF_LIVES, ASSUMED_RECOMMENDER } from './assumption.ts'
import type { UsageOf } from './container-advice.ts'
import { vpaManifest } from './manifest.ts'

/** Where the numbers of a {@link wouldBeVpa} come from. */
export type Basis = 'history' | 'present-usage'

export interface WouldBeFacts {
  readonly workload: Workload
  readonly containers: readonly string[]
  readonly mode: UpdateMode
  /** Of the workload's namespace. */
  readonly checkpoints: readonly Checkpoint[]
  /** Of the workload's pods, now. */
  readonly usage: readonly UsageOf[]
  readonly now: EpochMs
}

/**
 * The VPA that a workload has not, with the recommendation that it would have: by the checkpoints of an earlier VPA of the
 * workload's name, otherwise by what its pods use at this moment.
 *
 * @returns undefined where there is neither
 */
export function wouldBeVpa(facts: WouldBeFacts): { readonly vpa: Vpa; readonly basis: Basis } | undefined {
  const { workload, mode } = facts
  const history = historyOf(facts)
  const usage = history.size > 0 ? history : presentUsage(facts)
  if (usage.size === 0) return undefined
  const recommendation = recommend(usage, undefined, ASSUMED_RECOMMENDER)
  const manifest = vpaManifest(workload, mode)
  return { vpa: projectVpa({ ...manifest, status: vpaStatusJson({ recommendation: { containerRecommendations: [...recommendation] }, conditions: undefined, observedGeneration: undefined }) }), basis: history.size > 0 ? 'history' : 'present-usage' }
}

function historyOf({ workload, containers, checkpoints }: WouldBeFacts): ReadonlyMap<string, Aggregate> {
  const own = checkpoints.filter(({ namespace, vpaName, containerName }) => namespace === workload.namespace && vpaName === workload.name && containers.includes(containerName))
  return new Map(own.flatMap(({ containerName, status }) => readable(status, containerName)))
}

function readable(status: Checkpoint['status'], containerName: string): readonly [string, Aggregate][] {
  try {
    return [[containerName, loadCheckpoint(status, ASSUMED_HALF_LIVES)]]
  } catch {
    // One that makes no sense is as good as none, as for the recommender.
    return []
  }
}

function presentUsage({ containers, usage, now }: WouldBeFacts): ReadonlyMap<string, Aggregate> {
  const aggregates = new Map<string, Aggregate>()
  for (const { containerName, cpu, memory } of usage) {
    if (!containers.includes(containerName)) continue
    const aggregate = aggregates.get(containerName) ?? new Aggregate(ASSUMED_HALF_LIVES)
    if (isAmount(cpu)) aggregate.addCpu(cpu, now)
    if (isAmount(memory)) aggregate.addMemoryPeak(memory, now)
    aggregates.set(containerName, aggregate)
  }
  return aggregates
}

function isAmount(value: number | undefined): value is number {
  return value !== undefined && !Number.isNaN(value)
}
