import { unattended, vpaManifest } from '@vpa/core/advise/manifest.ts'
import type { UpdateMode } from '@vpa/core/api/vpa.ts'
import type { Workload } from '@vpa/core/target/workload.ts'
import { createVpa } from '@vpa/kube/manifest.ts'
import { readSnapshot } from '@vpa/kube/snapshot.ts'
import { yamlText } from './document.ts'
import { EXIT, type ExitCode, Problem } from './problem.ts'
import { type ClusterFlags, withCluster } from './session.ts'
import type { Terminal } from './terminal.ts'
import { refText, workloadNamed } from './workload-reference.ts'

export interface CreateFlags extends ClusterFlags {
  readonly all?: boolean
  readonly mode: UpdateMode
  readonly apply?: boolean
}

/** `kubectl vpa create --all | <workload…>`: VPAs for workloads that have none, as YAML or into the cluster. */
export function create(terminal: Terminal, workloads: readonly string[], flags: CreateFlags): Promise<ExitCode> {
  if (Boolean(flags.all) === workloads.length > 0) throw new Problem('say which workloads: --all, or names such as deployment/web', EXIT.usage)
  return withCluster(terminal, flags, async (session) => {
    const snapshot = await readSnapshot(session)
    const free = unattended(snapshot.workloads, snapshot.vpas)
    const chosen: readonly Workload[] = flags.all ? free : workloads.map((text) => workloadNamed(text, snapshot, session))
    const targeted = chosen.filter((workload) => !free.some(({ namespace, kind, name }) => namespace === workload.namespace && kind === workload.kind && name === workload.name))
    for (const workload of targeted) session.missing(`${refText(workload)} is left out: it has a VPA, no replicas, or is part of another workload`)
    const created = chosen.filter((workload) => !targeted.includes(workload))
    if (created.length === 0) terminal.err('Every workload has a VPA already.\n')
    if (!flags.apply) terminal.out(created.map((workload) => yamlText(vpaManifest(workload, flags.mode))).join('---\n'))
    else for (const workload of created) terminal.out(`verticalpodautoscaler.autoscaling.k8s.io/${workload.name} ${await createVpa(session.client, workload.namespace, vpaManifest(workload, flags.mode)) === 'created' ? 'created' : 'exists already, and is left as it is'}\n`)
    return EXIT.done
  })
}
