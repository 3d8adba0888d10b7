import { setTimeout as sleep } from 'node:timers/promises'
import { type Checkpoint, OPEN_INTERVALS_ANNOTATION, projectCheckpoint } from '@vpa/core/api/checkpoint.ts'
import { projectVpa } from '@vpa/core/api/vpa.ts'
import { loadCheckpoint } from '@vpa/core/history/checkpoint.ts'
import { parseOpenIntervals, peakOf } from '@vpa/core/history/open-interval.ts'
import { formatQuantity } from '@vpa/core/quantity.ts'
import { DAY, type EpochMs } from '@vpa/core/time.ts'
import type { ChaosCluster } from './chaos-cluster.ts'
import { NAMESPACE, PROBE, STEADY, vpa } from './workloads.ts'

const HALF_LIVES = { cpu: DAY, memory: DAY }

/** What the programs keep in the cluster, and must not lose whatever happens. */
export interface KeptState {
  /** When the checkpoint of the steady workload begins. */
  readonly firstSampleStart: EpochMs | undefined
  /** Of each VPA's status, see {@link targetOf}. */
  readonly targets: Readonly<Record<typeof STEADY | typeof PROBE, string>>
}

export async function keptState(cluster: ChaosCluster): Promise<KeptState> {
  const checkpoint = await keptCheckpoint(cluster)
  return { firstSampleStart: checkpoint?.status.firstSampleStart, targets: { [STEADY]: await targetOf(cluster, STEADY), [PROBE]: await targetOf(cluster, PROBE) } }
}

export async function keptCheckpoint(cluster: ChaosCluster): Promise<Checkpoint | undefined> {
  const found = await persistently(() => cluster.get({ apiVersion: 'autoscaling.k8s.io/v1', kind: 'VerticalPodAutoscalerCheckpoint', metadata: { namespace: NAMESPACE, name: `${STEADY}-app` } }))
  return found && projectCheckpoint(found)
}

/** What is not as it should be, a sentence each. */
export async function damageOf(cluster: ChaosCluster, expected: KeptState): Promise<readonly string[]> {
  const { firstSampleStart, targets } = await keptState(cluster)
  return [
    ...damageOfCheckpoint(await keptCheckpoint(cluster)),
    ...(firstSampleStart === expected.firstSampleStart ? [] : ['the checkpoint begins with another sample']),
    ...([STEADY, PROBE] as const).filter((name) => targets[name] !== expected.targets[name]).map((name) => `${name} has ${targets[name]} instead of ${expected.targets[name]}`),
  ]
}

/** Memory is in the histogram once a day is over, and beside it until then. */
function damageOfCheckpoint(checkpoint: Checkpoint | undefined): readonly string[] {
  if (checkpoint === undefined) return ['the checkpoint is gone']
  const { status, annotations } = checkpoint
  const hasOpenPeak = [...parseOpenIntervals(annotations[OPEN_INTERVALS_ANNOTATION], status.lastUpdateTime).values()].some((interval) => peakOf(interval) > 0)
  try {
    const { cpu, memoryPeaks } = loadCheckpoint(status, HALF_LIVES)
    return [...(cpu.isEmpty() ? ['the checkpoint tells of no CPU'] : []), ...(memoryPeaks.isEmpty() && !hasOpenPeak ? ['the checkpoint tells of no memory'] : [])]
  } catch (error) {
    return [`the checkpoint cannot be loaded: ${String(error)}`]
  }
}

/** What is recommended, such as `cpu 110m, memory 100Mi`, or why nothing is. */
export async function targetOf(cluster: ChaosCluster, name: string): Promise<string> {
  const found = await persistently(() => cluster.get(vpa(name)))
  if (found === undefined) return 'no VPA'
  const { recommendation, conditions = [] } = projectVpa(found).status
  const provided = conditions.find(({ type }) => type === 'RecommendationProvided')
  if (provided?.status !== 'True') return `RecommendationProvided ${provided?.status ?? 'missing'}`
  const target = recommendation?.containerRecommendations?.[0]?.target ?? {}
  return Object.entries(target).map(([resource, quantity]) => `${resource} ${formatQuantity(quantity)}`).join(', ')
}

/** An API server that is away comes back within a minute. */
export async function persistently<T>(action: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await action()
    } catch (error) {
      if (tries === 300) throw error
      await sleep(200)
    }
  }
}
