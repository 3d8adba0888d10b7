import { type DurationMs, SECOND } from '@vpa/core/time.ts'
import type { Clock } from './clock.ts'

/** By then everything is loaded, connected and read for the first time. */
const STARTED_AFTER: DurationMs = 15 * SECOND
/** A collection of a heap of this size takes some 50 ms. In a larger one there is enough going on for V8 to do it by itself. */
const SMALL_HEAP = 64 * 2 ** 20

/**
 * Gives back, once, what the start has left behind: compiled code that is not run again, first lists, buffers that were grown for
 * both. A program with little to do allocates so little that V8 would keep it for hours: 10 of 90 MB.
 *
 * Only where Node is started with `--expose-gc`, as the image does.
 */
export async function releaseStartUpMemory(clock: Pick<Clock, 'sleep'>, signal: AbortSignal): Promise<void> {
  await clock.sleep(STARTED_AFTER, signal)
  if (signal.aborted || process.memoryUsage().heapUsed > SMALL_HEAP) return
  globalThis.gc?.({ type: 'major', flavor: 'last-resort' })
}
