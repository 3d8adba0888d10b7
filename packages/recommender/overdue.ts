import { type EpochMs, MINUTE } from '@vpa/core/time.ts'

/** How long a VPA may be without a recommendation before its users are told, and how long until they are told again. */
const PATIENCE = 30 * MINUTE

/** VPAs that wait for their first recommendation (upstream: ClusterState.RecordRecommendation). */
export class Overdue {
  /** When the wait began, or its users were last told. */
  #since = new Map<string, EpochMs>()

  /**
   * @param waiting the VPAs that have no recommendation now
   * @returns those of them that have waited for more than 30 minutes, each once per 30 minutes
   */
  among(waiting: readonly string[], now: EpochMs): readonly string[] {
    const since = new Map(waiting.map((vpa) => [vpa, this.#since.get(vpa) ?? now]))
    const overdue = waiting.filter((vpa) => now - (since.get(vpa) ?? now) > PATIENCE)
    for (const vpa of overdue) since.set(vpa, now)
    this.#since = since
    return overdue
  }
}
