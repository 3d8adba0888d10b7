import { SECOND } from '@vpa/core/time.ts'
import { connect } from '@vpa/kube/connect.ts'
import { messageOf } from '@vpa/kube/error-message.ts'
import { readUsage } from '@vpa/kube/metrics-api.ts'
import { UNFINISHED_PODS } from '@vpa/kube/resources.ts'
import type { Snapshot } from '@vpa/kube/snapshot.ts'
import { Registry } from 'prom-client'
import type { Session } from './session.ts'

/** Changes that come together are shown together. */
const PAUSE = 2 * SECOND
/** Usage is not watched but asked for. */
const USAGE_AGE = 15 * SECOND
const CLEAR = '\u001b[H\u001b[2J\u001b[3J'

/** Shows the cluster, and again whenever a VPA, a pod or usage has changed, until the user has seen enough. */
export async function followSnapshots(session: Session, show: (snapshot: Snapshot) => void): Promise<void> {
  const { terminal, clock, log, kubeconfigs, context, namespace, missing } = session
  const { signal } = terminal
  const cluster = await connect({ kubeconfig: kubeconfigs, context, qps: 0, burst: 0, source: 'kubectl-vpa', clock, log, registry: new Registry(), signal, namespace, ignoredNamespaces: [], watch: { vpas: true, pods: { fieldSelector: UNFINISHED_PODS }, workloads: true } })
  try {
    await Promise.race([cluster.synced(), aborted(signal)])
    let changed = true
    for (const store of [cluster.vpas, cluster.pods]) store.subscribe(() => (changed = true))
    let usage: Snapshot['usage']
    let askedAt = -Infinity
    while (!signal.aborted) {
      if (clock.uptime() - askedAt >= USAGE_AGE) {
        askedAt = clock.uptime()
        usage = await readUsage(session.client, log, namespace).catch((error: unknown) => void missing(`no usage: ${messageOf(error)}`))
        changed = true
      }
      if (changed) {
        changed = false
        if (terminal.isTerminal) terminal.out(CLEAR)
        show({ vpas: [...cluster.vpas.list()], pods: [...cluster.pods.list()], workloads: [], workload: cluster.workload, usage })
      }
      await clock.sleep(PAUSE, signal)
    }
  } finally {
    await cluster.stop()
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
