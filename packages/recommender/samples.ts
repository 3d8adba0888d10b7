import { type Resource, isUsage } from '@vpa/core/amount.ts'
import type { Vpa } from '@vpa/core/api/vpa.ts'
import { type AggregationOptions, aggregationOptionsFor } from '@vpa/core/history/aggregation-options.ts'
import type { Oom } from '@vpa/core/history/oom.ts'
import type { PodGroup } from '@vpa/core/history/pod-group.ts'
import type { UsageHistory } from '@vpa/core/history/usage-history.ts'
import { policyFor, scalingModeOf } from '@vpa/core/policy/container-policy.ts'
import { type DurationMs, type EpochMs, HOUR, formatTime } from '@vpa/core/time.ts'
import type { Cluster, ContainerUsage } from '@vpa/kube/cluster.ts'
import type { Log } from '@vpa/kube/log.ts'
import type { RecommenderOptions } from './config.ts'
import type { Recorder } from './dashboard/recorder.ts'
import type { QualityMetrics } from './quality-metrics.ts'
import type { SubjectIndex } from './subject.ts'

/** What became of a sample. */
export type SampleResult =
  | 'accepted'
  /** Seen before, or older than one that was. */
  | 'stale'
  /** Negative, infinite, not a number, more than any machine has, or of no time. */
  | 'invalid'
  /** Of a time that is to come. */
  | 'future'
  /** Of a container that is not in our copy of the cluster, or not kept to save memory. */
  | 'unknown'

export type SampleTally = Readonly<Record<SampleResult, number>>

/** By so much clocks may differ. A sample from further ahead would make all that come after it stale, and what came before it weigh nothing. */
const MOST_AHEAD = HOUR

export interface SampleContext {
  readonly history: UsageHistory
  readonly index: SubjectIndex
  readonly pods: Cluster['pods']
  readonly quality: QualityMetrics
  readonly recorder?: Pick<Recorder, 'usage'> | undefined
  readonly options: RecommenderOptions
  readonly log: Log
  readonly now: EpochMs
}

export function emptyTally(): Record<SampleResult, number> {
  return { accepted: 0, stale: 0, invalid: 0, future: 0, unknown: 0 }
}

/** Why usage is refused, whatever came before it. */
export function refusalOf(usage: number, at: EpochMs, now: EpochMs): 'invalid' | 'future' | undefined {
  if (!isUsage(usage) || !(at >= 0)) return 'invalid'
  return at > now + MOST_AHEAD ? 'future' : undefined
}

/** Adds what the metrics API reported to history. A sample that is refused holds up no other. */
export function addUsage(context: SampleContext, usage: readonly ContainerUsage[]): SampleTally {
  const tally = emptyTally()
  let latest: EpochMs = 0
  for (const { namespace, podName, containerName, at, ...amounts } of usage) {
    const { history, log, pods, now } = context
    const fields = { pod: `${namespace}/${podName}`, container: containerName }
    const tracked = history.container({ namespace, podName, containerName }, now)
    if (tracked === undefined) {
      if (pods.get(namespace, podName)?.initContainerNames.includes(containerName)) log.debug('Skipping metric samples for init container', fields)
      else for (const amount of [amounts.cpu, amounts.memory]) if (amount !== undefined) tally.unknown += 1
      continue
    }
    const { group, aggregate, history: container } = tracked
    context.recorder?.usage(group, containerName, amounts)
    const add = (resource: Resource, usage: number | undefined, accept: (usage: number) => boolean) => {
      if (usage === undefined) return
      const result = refusalOf(usage, at, now) ?? (accept(usage) ? 'accepted' : 'stale')
      tally[result] += 1
      if (result === 'accepted') observe(context, group, { containerName, resource, usage, isOom: false })
      else if (result === 'invalid') log.warn('Error adding metric sample', { ...fields, resource, usage, why: 'usage is not an amount that a machine can have' })
      else if (result === 'future') latest = Math.max(latest, at)
      else log.debug('Error adding metric sample', { ...fields, resource, why: 'sample discarded (invalid or out of order)' })
    }
    add('cpu', amounts.cpu, (usage) => container.addCpu(aggregate, usage, at))
    add('memory', measuredMemory(amounts.memory), (bytes) => container.addMemory(aggregate, { bytes, at }, aggregationOf(context, group, containerName)))
  }
  if (tally.future > 0) {
    const times = { latest: formatTime(latest), now: formatTime(context.now) }
    context.log.warn('Samples of a time that is to come are refused: is the clock here behind, or that of the metrics ahead?', { samples: tally.future, ...times })
  }
  return tally
}

/**
 * A container that runs uses memory: 0 bytes say that it was not measured yet. Taken for usage, they would hide all peaks
 * until the memory interval ends, a day later (upstream: ContainerState.addMemorySample).
 */
function measuredMemory(bytes: number | undefined): number | undefined {
  return bytes === 0 ? undefined : bytes
}

/** Those that are refused for one reason are told of once for each container, however many there are. */
export function addOoms(context: SampleContext, ooms: readonly Oom[]): void {
  const told = new Set<string>()
  for (const oom of ooms) {
    const fields = { pod: `${oom.namespace}/${oom.podName}`, container: oom.containerName }
    const refuse = (why: string) => {
      const key = `${fields.pod}/${fields.container}/${why}`
      if (!told.has(key)) context.log.warn('Failed to record OOM', { ...fields, why })
      told.add(key)
    }
    const tracked = context.history.container(oom, context.now)
    if (tracked === undefined) {
      refuse('unknown container')
      continue
    }
    if (oom.at > context.now + MOST_AHEAD) {
      refuse('it is of a time that is to come')
      continue
    }
    const bytes = tracked.history.recordOom(tracked.aggregate, oom, aggregationOf(context, tracked.group, oom.containerName))
    if (bytes === undefined) {
      refuse('OOM event will be discarded - it is too old')
      continue
    }
    context.log.info('OOM detected', { ...fields, memory: bytes })
    observe(context, tracked.group, { containerName: oom.containerName, resource: 'memory', usage: bytes, isOom: true })
  }
}

/** What the policy of the group's VPA says, where policies may say so at all. */
function aggregationOf({ index, options }: Pick<SampleContext, 'index' | 'options'>, group: PodGroup, containerName: string): AggregationOptions {
  return aggregationFor(index.ofGroup(group)?.vpa, containerName, options)
}

/** How long usage is kept after the last sample. */
export function retentionOf(vpa: Vpa | undefined, containerName: string, options: RecommenderOptions): DurationMs {
  const { memoryInterval, memoryIntervalCount } = aggregationFor(vpa, containerName, options)
  return memoryInterval * memoryIntervalCount
}

function aggregationFor(vpa: Vpa | undefined, containerName: string, { perVpaConfig, aggregation }: RecommenderOptions): AggregationOptions {
  if (!perVpaConfig || vpa === undefined) return aggregation
  return aggregationOptionsFor(policyFor(vpa.spec.resourcePolicy?.containerPolicies, containerName), aggregation)
}

function observe({ index, quality }: SampleContext, group: PodGroup, sample: { containerName: string; resource: Resource; usage: number; isOom: boolean }): void {
  const vpa = index.ofGroup(group)?.vpa
  if (vpa === undefined || scalingModeOf(policyFor(vpa.spec.resourcePolicy?.containerPolicies, sample.containerName)) === 'Off') return
  quality.observeUsage({ vpa, ...sample })
}
