import * as z from 'zod'
import type { Amount } from '../amount.ts'
import { type EpochMs, formatTime } from '../time.ts'

/** A memory interval of one pod's container that has not ended, with its peaks so far. */
export interface OpenInterval {
  readonly windowEnd: EpochMs
  /** The highest usage seen, and the highest that an OOM made us assume; 0 for none. */
  readonly usagePeak: Amount
  readonly oomPeak: Amount
  /** The latest CPU sample that was counted: the metrics API reports it until there is another, and it would count again after a restart. Undefined for none. */
  readonly lastCpuAt?: EpochMs | undefined
}

/** By pod name. */
export type OpenIntervals = ReadonlyMap<string, OpenInterval>

/** Annotations of an object have 256 KiB in all; an interval takes about 75 bytes. */
const MOST_SAVED = 1000

const Saved = z.object({ at: z.string(), pods: z.record(z.string(), z.tuple([z.number(), z.number(), z.number(), z.number().optional()])) })

export function peakOf({ usagePeak, oomPeak }: OpenInterval): Amount {
  return Math.max(usagePeak, oomPeak)
}

/**
 * The text that is kept beside a checkpoint. The checkpoint itself, whose format is shared with the Go implementation, leaves
 * the intervals out that have not ended: without them, an OOM is forgotten when the recommender restarts the same day.
 *
 * @param at when the checkpoint was made
 */
export function openIntervalsText(intervals: OpenIntervals, at: EpochMs): string {
  const highest = intervals.size <= MOST_SAVED ? [...intervals] : [...intervals].toSorted(([, a], [, b]) => peakOf(b) - peakOf(a)).slice(0, MOST_SAVED)
  // By hand: this is the largest part of what a turn writes.
  let pods = ''
  for (const [pod, { windowEnd, usagePeak, oomPeak, lastCpuAt }] of highest) pods += `${pods && ','}${JSON.stringify(pod)}:[${windowEnd},${usagePeak},${oomPeak}${lastCpuAt === undefined ? '' : `,${lastCpuAt}`}]`
  return `{"at":"${formatTime(at)}","pods":{${pods}}}`
}

/**
 * @param at when the checkpoint was made that the text stands beside
 * @returns nothing when the text is of another checkpoint: the Go implementation has written one since, or somebody has edited it
 */
export function parseOpenIntervals(text: string | undefined, at: EpochMs | undefined): OpenIntervals {
  const saved = Saved.safeParse(jsonOf(text))
  if (!saved.success || at === undefined || saved.data.at !== formatTime(at)) return new Map()
  return new Map(Object.entries(saved.data.pods).map(([pod, [windowEnd, usagePeak, oomPeak, lastCpuAt]]) => [pod, { windowEnd, usagePeak, oomPeak, lastCpuAt }]))
}

function jsonOf(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? 'null')
  } catch {
    return undefined
  }
}
