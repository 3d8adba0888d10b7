import type { Vpa } from '@vpa/core/api/vpa.ts'
import { type EpochMs, HOUR } from '@vpa/core/time.ts'
import type { Cluster } from '@vpa/kube/cluster.ts'
import type { Tally } from './tally.ts'

/** Reasons that people can do something about. What passes by itself, or is told elsewhere, is not among them. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ['group-too-small', 'their group has fewer pods than minReplicas asks for'],
  ['unknown-replicas', 'it is not known how many pods their controller wants'],
  ['budget-spent', 'too many pods of their group are missing already for what the eviction tolerance allows'],
  ['eviction-requirements', 'evictionRequirements do not allow the change'],
  ['blocked', 'a PodDisruptionBudget does not allow to evict any of them now'],
  ['rejected', 'the API server refuses it; see the log of the updater'],
  ['qos-class', 'the resize would change their QoS class, which only a new pod can have'],
  ['resize-not-served', 'the API server does not serve pods/resize, and mode InPlace does not evict'],
  ['breaker-open', 'evictions are stopped for all VPAs, because the pods of several came back without what is recommended'],
])

/** Tells on a VPA, at most once an hour for each reason, that none of its pods is updated although they should be. */
export class LeftAloneNotice {
  readonly #toldAt = new Map<string, EpochMs>()

  give(cluster: Pick<Cluster, 'event'>, vpa: Vpa, { evicted, resized, leftAlone }: Tally, now: EpochMs): void {
    if (evicted + resized > 0) return
    for (const [why, count] of leftAlone) {
      const reason = REASONS.get(why)
      const key = `${vpa.uid}/${why}`
      if (reason === undefined || now - (this.#toldAt.get(key) ?? -Infinity) < HOUR) continue
      this.#toldAt.set(key, now)
      const regarding = { apiVersion: vpa.apiVersion, kind: 'VerticalPodAutoscaler', namespace: vpa.namespace, name: vpa.name, uid: vpa.uid }
      const pods = count === 1 ? '1 pod should be updated and is' : `${count} pods should be updated and are`
      cluster.event({ regarding, type: 'Normal', reason: 'PodsLeftAlone', message: `${pods} left alone: ${reason}.` })
    }
  }

  forgetOld(now: EpochMs): void {
    for (const [key, at] of this.#toldAt) if (now - at >= HOUR) this.#toldAt.delete(key)
  }
}
