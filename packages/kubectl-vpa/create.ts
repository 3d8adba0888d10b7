import { type VpaManifest, unattended, vpaManifests } from '@vpa/core/advise/manifest.ts'
import type { UpdateMode } from '@vpa/core/api/update-mode.ts'
import type { Workload } from '@vpa/core/target/workload.ts'
import { createVpa } from '@vpa/kube/manifest.ts'
import { readSnapshot } from '@vpa/kube/snapshot.ts'
import { yamlText } from './document.ts'
import { EXIT, type ExitCode, Problem } from './problem.ts'
import { type ClusterFlags, type Session, withCluster } from './session.ts'
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
    const manifests = vpaManifests(chosen.filter((workload) => !targeted.includes(workload)), snapshot.vpas, flags.mode)
    if (manifests.length === 0) terminal.err('Every workload has a VPA already.\n')
    if (!flags.apply) terminal.out(manifests.map(yamlText).join('---\n'))
    else for (const manifest of manifests) await apply(session, manifest)
    return EXIT.done
  })
}

async function apply({ client, terminal }: Session, manifest: VpaManifest): Promise<void> {
  const { name, namespace } = manifest.metadata
  const answer = await createVpa(client, namespace, manifest)
  terminal.out(`verticalpodautoscaler.autoscaling.k8s.io/${name} ${answer === 'created' ? 'created' : 'exists already, and is left as it is'}\n`)
}
