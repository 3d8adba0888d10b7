/** What the command line asks of the benches. */
export interface BenchOptions {
  /** How many VPAs there are; a bench goes through all of them. */
  readonly sizes: readonly number[]
  /** How often each figure is measured; the median counts. */
  readonly rounds: number
  /** How long each load on the webhook lasts. */
  readonly seconds: number
  /** Adds finished and unrelated pods, and measures what they cost. */
  readonly noise: boolean
  /** Leaves the logs behind. */
  readonly keep: boolean
}
