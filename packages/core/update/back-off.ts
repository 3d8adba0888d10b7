import type { DurationMs } from '../time.ts'

export interface BackOffOptions {
  /** From a first failure to the next attempt; twice as long with each further failure, up to `backOffCap`. */
  readonly backOffBase: DurationMs
  readonly backOffCap: DurationMs
}

/** @param failures in a row, one at least */
export function backOff(failures: number, { backOffBase, backOffCap }: BackOffOptions): DurationMs {
  return Math.min(backOffCap, backOffBase * 2 ** (failures - 1))
}

/** The fewest failures after which one waits for that long, or for the longest time: 3 for 15 minutes where the base is 5. */
export function failuresBehind(wait: DurationMs, options: BackOffOptions): number {
  let failures = 1
  while (backOff(failures, options) < Math.min(wait, options.backOffCap)) failures += 1
  return failures
}
