import { RESOURCES, type Resource } from '../amount.ts'
import { type CheckpointStatus, checkpointStatusJson } from '../api/checkpoint.ts'
import type { EpochMs } from '../time.ts'
import { Aggregate, type HalfLives } from './aggregate.ts'

/** The only format there is; the Go implementation writes and reads the same. */
const VERSION = 'v3'

export function saveCheckpoint({ cpu, memoryPeaks, span }: Aggregate, now: EpochMs): CheckpointStatus {
  return {
    version: VERSION,
    lastUpdateTime: now,
    firstSampleStart: span.first,
    lastSampleStart: span.last,
    totalSamplesCount: span.count,
    cpuHistogram: cpu.save(),
    memoryHistogram: memoryPeaks.save(),
  }
}

/** Whether both tell the same usage, whenever they were made. */
export function sameUsage(a: CheckpointStatus, b: CheckpointStatus): boolean {
  // The count settles it as long as samples come.
  return a.totalSamplesCount === b.totalSamplesCount && usageText(a) === usageText(b)
}

/** As the API carries it: times in seconds, buckets in order. */
function usageText(status: CheckpointStatus): string {
  return JSON.stringify(checkpointStatusJson({ ...status, lastUpdateTime: undefined }))
}

/**
 * @param resources whose usage is wanted; the span of samples is that of CPU
 * @throws RangeError in the words of the Go implementation when the checkpoint makes no sense
 */
export function loadCheckpoint(status: CheckpointStatus, halfLives: HalfLives, resources: readonly Resource[] = RESOURCES): Aggregate {
  if (status.version !== VERSION) throw new RangeError(`unsupported checkpoint version ${status.version}`)
  const span = { first: status.firstSampleStart, last: status.lastSampleStart, count: status.totalSamplesCount }
  const aggregate = new Aggregate(halfLives, resources.includes('cpu') ? span : undefined)
  if (resources.includes('memory')) aggregate.memoryPeaks.load(status.memoryHistogram)
  if (resources.includes('cpu')) aggregate.cpu.load(status.cpuHistogram)
  return aggregate
}
