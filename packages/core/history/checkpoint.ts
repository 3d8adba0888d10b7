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

/** @throws RangeError in the words of the Go implementation when the checkpoint makes no sense */
export function loadCheckpoint(status: CheckpointStatus, halfLives: HalfLives): Aggregate {
  if (status.version !== VERSION) throw new RangeError(`unsupported checkpoint version ${status.version}`)
  const aggregate = new Aggregate(halfLives, { first: status.firstSampleStart, last: status.lastSampleStart, count: status.totalSamplesCount })
  aggregate.memoryPeaks.load(status.memoryHistogram)
  aggregate.cpu.load(status.cpuHistogram)
  return aggregate
}
