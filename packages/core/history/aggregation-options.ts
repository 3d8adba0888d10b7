import type { Amount } from '../amount.ts'
import type { ContainerPolicy } from '../api/vpa.ts'
import { milliValue, wholeValue } from '../quantity.ts'
import { type DurationMs, SECOND } from '../time.ts'

/** How the memory samples of a container become history. Flags set it; a container policy can override each part. */
export interface AggregationOptions {
  /** The highest memory usage of each such interval is one sample. */
  readonly memoryInterval: DurationMs
  /** A container's history is dropped when it had no sample for this many intervals. */
  readonly memoryIntervalCount: number
  /** After an OOM, usage is taken for this many times what it was, ... */
  readonly oomBumpUpRatio: number
  /** ... and for at least this much more. */
  readonly oomMinBumpUp: Amount
}

/** The options of one container (upstream: AggregateContainerState.UpdateFromPolicy). The ratio counts in thousandths: 1.0005 is 1.001. */
export function aggregationOptionsFor(policy: ContainerPolicy | undefined, defaults: AggregationOptions): AggregationOptions {
  if (policy === undefined) return defaults
  const { memoryAggregationIntervalSeconds, memoryAggregationIntervalCount, oomBumpUpRatio, oomMinBumpUp } = policy
  return {
    memoryInterval: memoryAggregationIntervalSeconds === undefined ? defaults.memoryInterval : memoryAggregationIntervalSeconds * SECOND,
    memoryIntervalCount: memoryAggregationIntervalCount ?? defaults.memoryIntervalCount,
    oomBumpUpRatio: oomBumpUpRatio === undefined ? defaults.oomBumpUpRatio : Number(milliValue(oomBumpUpRatio)) / 1000,
    oomMinBumpUp: oomMinBumpUp === undefined ? defaults.oomMinBumpUp : Number(wholeValue(oomMinBumpUp)),
  }
}

const OVERRIDES = { oomBumpUpRatio: 'OOMBumpUpRatio', oomMinBumpUp: 'OOMMinBumpUp', memoryAggregationIntervalSeconds: 'MemoryAggregationIntervalSeconds', memoryAggregationIntervalCount: 'MemoryAggregationIntervalCount' } as const

/** The fields of a policy that {@link aggregationOptionsFor} would obey, in upstream's spelling: it names them in logs. */
export function overridesIn(policy: ContainerPolicy): readonly string[] {
  return Object.entries(OVERRIDES).flatMap(([field, name]) => (policy[field as keyof typeof OVERRIDES] === undefined ? [] : [name]))
}
