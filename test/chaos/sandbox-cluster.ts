import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CPU_BUCKETS } from '@vpa/core/history/buckets.ts'
import type { EpochMs } from '@vpa/core/time.ts'
import { type Sandbox, startSandbox } from '@vpa/sandbox/sandbox.ts'
import type { ChaosCluster, KubeObject } from './chaos-cluster.ts'
import { NAMESPACE, STEADY } from './workloads.ts'

const METRIC_RESOLUTION_MS = 2000
/** Beyond the buckets of all other usage. */
const MOST_MILLICORES = 400
/** So many buckets take turns. */
const BUCKETS = 16

export interface SandboxCluster extends ChaosCluster {
  readonly sandbox: Sandbox
}

/** The embedded API. Its administrator does not go through HTTP, where the faults are. */
export async function openSandboxCluster(): Promise<SandboxCluster> {
  const directory = await mkdtemp(join(tmpdir(), 'vpa-chaos-'))
  const sandbox = await startSandbox({ metricResolution: METRIC_RESOLUTION_MS, bookmarkInterval: 10_000, delays: { start: 200, stop: 200 }, step: 50 })
  sandbox.load(NAMESPACE, { app: STEADY }, 'app', (at) => ({ cpuMillicores: steadyMillicores(at), memoryBytes: 50_000_000 }))
  const path = join(directory, 'kubeconfig')
  await writeFile(path, sandbox.kubeconfig)
  return {
    sandbox,
    kubeconfig: { recommender: path, updater: path, 'admission-controller': path, auditor: path },
    apply: async (manifest) => void (await sandbox.apply(manifest)),
    remove: async ({ kind, metadata }) => {
      if (sandbox.get(kind, { namespace: metadata.namespace, name: metadata.name })) sandbox.delete(kind, { namespace: metadata.namespace, name: metadata.name })
    },
    get: async ({ kind, metadata }) => sandbox.get(kind, { namespace: metadata.namespace, name: metadata.name }) as KubeObject | undefined,
    pods: async (namespace) => sandbox.list('Pod', namespace) as unknown as readonly KubeObject[],
    measurementsSince: (time) => {
      const last = Math.floor(time / METRIC_RESOLUTION_MS)
      return Array.from({ length: Math.floor(Date.now() / METRIC_RESOLUTION_MS) - last }, (_, index) => (last + 1 + index) * METRIC_RESOLUTION_MS)
    },
    metricResolutionMs: METRIC_RESOLUTION_MS,
    steadyMillicores,
    async close() {
      await sandbox.stop()
      await rm(directory, { recursive: true })
    },
  }
}

/**
 * Every other measurement has the most, so that the recommendation is the same from the second sample on; each between them has another bucket
 * of the histogram, so that one that is lost and one that counts twice do not hide each other. Among the others they still would.
 */
export function steadyMillicores(at: EpochMs): number {
  const count = Math.floor(at / METRIC_RESOLUTION_MS)
  if (count % 2 === 0) return MOST_MILLICORES
  const bucket = Math.floor(count / 2) % BUCKETS
  const { starts } = CPU_BUCKETS
  return Math.ceil(500 * ((starts[bucket] ?? 0) + (starts[bucket + 1] ?? 0)))
}
