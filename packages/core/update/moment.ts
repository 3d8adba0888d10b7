import type { DurationMs, EpochMs } from '../time.ts'

/** One moment by three clocks, which may differ by any amount: a time of one is never compared with one of another. */
export interface Moment {
  /** Since our process began, whatever is done to the system's time: for waits. */
  readonly uptime: DurationMs
  /** What our system shows: for what is told to people, and to the updater that comes after us. */
  readonly now: EpochMs
  /** When the newest pod was made that has been seen, as the API server told: what it makes afterwards is news. */
  readonly newestPod: EpochMs
}
