import type { EpochMs } from '../time.ts'
import { Aggregate, type HalfLives } from './aggregate.ts'
import { type OpenInterval, type OpenIntervals, peakOf } from './open-interval.ts'
import type { PodGroup } from './pod-group.ts'

/** Container name to usage. */
export type UsageByContainer = ReadonlyMap<string, Aggregate>

/**
 * All that is known of a VPA's containers, in new aggregates: namesakes in all its groups together,
 * and what was read from checkpoints (upstream: Vpa.AggregateStateByContainerName).
 */
export function mergedUsage(groups: readonly PodGroup[], fromCheckpoints: UsageByContainer, halfLives: HalfLives): UsageByContainer {
  const merged = new Map<string, Aggregate>()
  const add = (containerName: string, aggregate: Aggregate) => {
    const sum = merged.get(containerName) ?? new Aggregate(halfLives)
    sum.merge(aggregate)
    merged.set(containerName, sum)
  }
  for (const { aggregates } of groups) for (const [containerName, { aggregate }] of aggregates) add(containerName, aggregate)
  for (const [containerName, aggregate] of fromCheckpoints) add(containerName, aggregate)
  return merged
}

/**
 * What is to be saved: {@link mergedUsage} without the memory peaks of intervals that have not ended.
 * They would count twice, because the interval goes on after the checkpoint is loaded (upstream: buildAggregateContainerStateMap).
 */
export function usageToSave(groups: readonly PodGroup[], fromCheckpoints: UsageByContainer, halfLives: HalfLives, now: EpochMs): UsageByContainer {
  const usage = mergedUsage(groups, fromCheckpoints, halfLives)
  for (const [containerName, intervals] of openIntervals(groups, now)) {
    for (const interval of intervals.values()) usage.get(containerName)?.subtractMemoryPeak(peakOf(interval), interval.windowEnd)
  }
  return usage
}

/** By container, the memory intervals that {@link usageToSave} leaves out. */
export function openIntervals(groups: readonly PodGroup[], now: EpochMs): ReadonlyMap<string, OpenIntervals> {
  const open = new Map<string, Map<string, OpenInterval>>()
  for (const { pods, aggregates } of groups) {
    for (const [podName, { containers }] of pods) {
      for (const [containerName, container] of containers) {
        const interval = container.openInterval(now)
        if (interval === undefined || !aggregates.has(containerName)) continue
        const ofContainer = open.get(containerName) ?? new Map<string, OpenInterval>()
        open.set(containerName, ofContainer.set(podName, interval))
      }
    }
  }
  return open
}
