import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startSandbox } from '@vpa/sandbox/sandbox.ts'
import type { DemoCluster } from './demo-cluster.ts'

/** The embedded Kubernetes API, in this process. The programs reach it over HTTP like any other. */
export async function openSandboxCluster(): Promise<DemoCluster> {
  const sandbox = await startSandbox()
  const directory = await mkdtemp(join(tmpdir(), 'vpa-demo-'))
  const kubeconfig = join(directory, 'kubeconfig')
  await writeFile(kubeconfig, sandbox.kubeconfig, { mode: 0o600 })
  return {
    kubeconfig,
    programs: { recommender: kubeconfig, updater: kubeconfig, 'admission-controller': kubeconfig },
    intervalSeconds: 1,
    patienceSeconds: 30,
    close: async () => {
      await sandbox.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
