import { type DurationMs, MINUTE } from '@vpa/core/time.ts'

/** How long a VPA may be without a recommendation before its users are told, and how long until they are told again. */
const PATIENCE: DurationMs = 30 * MINUTE

/** VPAs that wait for their first recommendation (upstream: ClusterState.RecordRecommendation). */
export class Overdue {
  /** When the wait began, or its users were last told, by the clock's uptime. */
  #since = new Map<string, DurationMs>()

  /**
   * @param waiting the VPAs that have no recommendation now
   * @param uptime the clock's
   * @returns those of them that have waited for more than 30 minutes, each once per 30 minutes
   */
  among(waiting: readonly string[], uptime: DurationMs): readonly string[] {
    const since = new Map(waiting.map((vpa) => [vpa, this.#since.get(vpa) ?? uptime]))
    const overdue = waiting.filter((vpa) => uptime - (since.get(vpa) ?? uptime) > PATIENCE)
    for (const vpa of overdue) since.set(vpa, uptime)
    this.#since = since
    return overdue
  }
}
