import { applyFailedPatch } from '@vpa/core/update/apply-failed.ts'
import type { Trouble } from '@vpa/core/update/outcome-check.ts'
import type { Cluster } from '@vpa/kube/cluster.ts'
import type { Log } from '@vpa/kube/log.ts'

/** Writes the condition ApplyFailed where it differs from what it should tell. One that cannot be written now is written after the next loop. */
export async function tellTroubles({ cluster, log }: { readonly cluster: Pick<Cluster, 'vpas' | 'editVpaStatus'>; readonly log: Log }, troubleOf: (vpaUid: string) => Trouble | undefined): Promise<void> {
  for (const vpa of cluster.vpas.list()) {
    const patch = applyFailedPatch(vpa, troubleOf(vpa.uid))
    if (patch === undefined) continue
    const answer = await cluster.editVpaStatus(vpa, patch)
    if (answer.outcome !== 'done') log.info('Cannot write the condition ApplyFailed yet', { vpa: `${vpa.namespace}/${vpa.name}`, why: answer.outcome, reason: answer.message })
  }
}
