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
