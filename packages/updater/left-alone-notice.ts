import type { Vpa } from '@vpa/core/api/vpa.ts'
import { type EpochMs, HOUR } from '@vpa/core/time.ts'
import { reasonText } from '@vpa/core/update/reason-text.ts'
import type { Cluster } from '@vpa/kube/cluster.ts'
import type { Tally } from './tally.ts'

/** Reasons that people can do something about. What passes by itself, or is told elsewhere, is not among them. */
const REASONS = new Set(['group-too-small', 'unknown-replicas', 'budget-spent', 'eviction-requirements', 'blocked', 'rejected', 'qos-class', 'resize-not-served', 'breaker-open'])

/** Tells on a VPA, at most once an hour for each reason, that none of its pods is updated although they should be. */
export class LeftAloneNotice {
  readonly #toldAt = new Map<string, EpochMs>()

  give(cluster: Pick<Cluster, 'event'>, vpa: Vpa, { evicted, resized, leftAlone }: Tally, now: EpochMs): void {
    if (evicted + resized > 0) return
    for (const [why, count] of leftAlone) {
      const key = `${vpa.uid}/${why}`
      if (!REASONS.has(why) || now - (this.#toldAt.get(key) ?? -Infinity) < HOUR) continue
      this.#toldAt.set(key, now)
      const regarding = { apiVersion: vpa.apiVersion, kind: 'VerticalPodAutoscaler', namespace: vpa.namespace, name: vpa.name, uid: vpa.uid }
      const pods = count === 1 ? '1 pod should be updated and is' : `${count} pods should be updated and are`
      cluster.event({ regarding, type: 'Normal', reason: 'PodsLeftAlone', message: `${pods} left alone: ${reasonText(why)}.` })
    }
  }

  forgetOld(now: EpochMs): void {
    for (const [key, at] of this.#toldAt) if (now - at >= HOUR) this.#toldAt.delete(key)
  }
}
