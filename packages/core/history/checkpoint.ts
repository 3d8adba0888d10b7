import { RESOURCES, type Resource } from '../amount.ts'
import type { CheckpointStatus } from '../api/checkpoint.ts'
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
