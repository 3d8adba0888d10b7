import { reasonText } from '@vpa/core/update/reason-text.ts'
import type { Cluster } from '@vpa/kube/cluster.ts'
import { regardingVpa } from '@vpa/kube/regarding.ts'
import type { VpaOutcome } from './metrics.ts'
import type { LoopContext } from './vpa-pass.ts'

/** Reasons that people can do something about. What passes by itself, or is told elsewhere, is not among them. */
const REASONS = new Set(['group-too-small', 'unknown-replicas', 'budget-spent', 'eviction-requirements', 'blocked', 'rejected', 'qos-class', 'resize-not-served', 'breaker-open'])

/** Tells on a VPA, at most once an hour for each reason, that none of its pods is updated although they should be. */
export function tellLeftAlone({ vpa, tally: { evicted, resized, leftAlone } }: VpaOutcome, { cluster, hourly, uptime }: Pick<LoopContext, 'hourly' | 'uptime'> & { readonly cluster: Pick<Cluster, 'event'> }): void {
  if (evicted + resized > 0) return
  for (const [why, count] of leftAlone) {
    if (!REASONS.has(why)) continue
    const pods = count === 1 ? '1 pod should be updated and is' : `${count} pods should be updated and are`
    const message = `${pods} left alone: ${reasonText(why)}.`
    hourly.tell(`${vpa.uid}/${why}`, uptime, () => cluster.event({ regarding: regardingVpa(vpa), type: 'Normal', reason: 'PodsLeftAlone', message }))
  }
}
