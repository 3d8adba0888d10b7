import * as z from 'zod'
import type { Labels } from '../selector.ts'
import { type EpochMs, formatTime, parseTime } from '../time.ts'
import { type ObjectMeta, type RawMeta, projectMeta } from './object.ts'

/** The VerticalPodAutoscalerCheckpoint object: one container's histograms, kept across restarts. Format `v3`, shared with the Go implementation. */
const time = z.string().nullish().transform((text): EpochMs | undefined => parseTime(text))

export const HistogramCheckpoint = z.object({
  referenceTimestamp: time,
  /** Bucket index to weight, scaled so that the heaviest is 10,000. */
  bucketWeights: z.record(z.string(), z.number()).nullish().transform((weights) => weights ?? {}),
  totalWeight: z.number().nullish().transform((weight) => weight ?? 0),
})

export const CheckpointStatus = z.object({
  version: z.string().nullish().transform((version) => version ?? ''),
  lastUpdateTime: time,
  firstSampleStart: time,
  lastSampleStart: time,
  totalSamplesCount: z.number().nullish().transform((count) => count ?? 0),
  cpuHistogram: HistogramCheckpoint.nullish().transform((histogram) => histogram ?? undefined),
  memoryHistogram: HistogramCheckpoint.nullish().transform((histogram) => histogram ?? undefined),
})

export type HistogramCheckpoint = z.output<typeof HistogramCheckpoint>
export type CheckpointStatus = z.output<typeof CheckpointStatus>

/** Beside the checkpoint, what its format has no place for: memory intervals that have not ended. The Go implementation leaves it alone. */
export const OPEN_INTERVALS_ANNOTATION = 'vpaOpenMemoryIntervals'

export interface Checkpoint extends ObjectMeta {
  readonly annotations: Labels
  readonly vpaName: string
  readonly containerName: string
  readonly status: CheckpointStatus
}

/**
 * @param raw a VerticalPodAutoscalerCheckpoint as the API server sends it
 * @throws z.ZodError that names the field, what was expected and what came
 */
export function projectCheckpoint(raw: unknown): Checkpoint {
  const { metadata, spec, status } = raw as { metadata?: RawMeta; spec?: { vpaObjectName?: string; containerName?: string }; status?: unknown }
  return {
    ...projectMeta(metadata),
    annotations: metadata?.annotations ?? {},
    vpaName: spec?.vpaObjectName ?? '',
    containerName: spec?.containerName ?? '',
    status: CheckpointStatus.parse(status ?? {}),
  }
}

/** As it is written to the API: absent times are null, zero counts and empty maps are left out, as Go writes them. */
export function checkpointStatusJson(status: CheckpointStatus): object {
  return {
    version: status.version,
    lastUpdateTime: timeJson(status.lastUpdateTime),
    firstSampleStart: timeJson(status.firstSampleStart),
    lastSampleStart: timeJson(status.lastSampleStart),
    ...(status.totalSamplesCount !== 0 && { totalSamplesCount: status.totalSamplesCount }),
    ...(status.cpuHistogram && { cpuHistogram: histogramJson(status.cpuHistogram) }),
    ...(status.memoryHistogram && { memoryHistogram: histogramJson(status.memoryHistogram) }),
  }
}

export function histogramJson({ referenceTimestamp, bucketWeights, totalWeight }: HistogramCheckpoint): object {
  return {
    referenceTimestamp: timeJson(referenceTimestamp),
    ...(Object.keys(bucketWeights).length > 0 && { bucketWeights }),
    ...(totalWeight !== 0 && { totalWeight }),
  }
}

function timeJson(moment: EpochMs | undefined): string | null {
  return moment === undefined ? null : formatTime(moment)
}
