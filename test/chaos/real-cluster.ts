import type { EpochMs } from '@vpa/core/time.ts'
import { isConflict, isNotFound } from '@vpa/kube/api-error.ts'
import type { ApiRequest, Client } from '@vpa/kube/client.ts'
import { systemClock } from '@vpa/kube/clock.ts'
import { openClient } from '@vpa/kube/connect.ts'
import { Registry } from 'prom-client'
import { Api } from '../../hack/demo/api.ts'
import { openClusterOf } from '../../hack/demo/current-cluster.ts'
import type { ChaosCluster, KubeObject, Manifest } from './chaos-cluster.ts'
import { NAMESPACE, STEADY } from './workloads.ts'

const POLL_MS = 1000
/** As the control plane of the tests has it. */
const METRIC_RESOLUTION_MS = 10_000

export interface RealCluster extends ChaosCluster {
  readonly client: Client
}

/** A real API server. The programs have the tokens of their ServiceAccounts; the auditor is the administrator. */
export async function openRealCluster(kubeconfig: string): Promise<RealCluster> {
  const cluster = await openClusterOf(await Api.open(kubeconfig), kubeconfig)
  const client = await openClient({ kubeconfig, source: 'chaos', qps: 0, burst: 0, clock: systemClock, registry: new Registry() })
  const request = <T>(options: ApiRequest) => client.request<T>({ ...options, timeout: 5000 })
  const measurements = new Set<EpochMs>()
  const polling = setInterval(() => {
    request<{ items: { timestamp: string }[] }>({ path: `/apis/metrics.k8s.io/v1beta1/namespaces/${NAMESPACE}/pods`, query: { labelSelector: `app=${STEADY}` } }).then(
      ({ items }) => items.forEach(({ timestamp }) => measurements.add(Date.parse(timestamp))),
      () => {},
    )
  }, POLL_MS)
  return {
    client,
    kubeconfig: { ...cluster.programs, auditor: kubeconfig },
    async apply(manifest) {
      try {
        await request({ method: 'POST', path: collectionOf(manifest), body: manifest })
      } catch (error) {
        if (!isConflict(error)) throw error
        if (manifest.spec) await request({ method: 'PATCH', path: pathOf(manifest), patch: 'merge', body: { spec: manifest.spec } })
      }
    },
    remove: (manifest) => request<void>({ method: 'DELETE', path: pathOf(manifest) }).catch(unlessGone),
    get: (manifest) => request<KubeObject>({ path: pathOf(manifest) }).catch(unlessGone),
    pods: async (namespace) => (await request<{ items: KubeObject[] }>({ path: `/api/v1/namespaces/${namespace}/pods` })).items,
    measurementsSince: (time) => [...measurements].filter((at) => at > time).toSorted((a, b) => a - b),
    metricResolutionMs: METRIC_RESOLUTION_MS,
    async close() {
      clearInterval(polling)
      await request({ method: 'DELETE', path: `/api/v1/namespaces/${NAMESPACE}` }).catch(unlessGone)
      await client.close()
      await cluster.close()
    },
  }
}

function unlessGone(error: unknown): undefined {
  if (!isNotFound(error)) throw error
}

function collectionOf({ apiVersion, kind, metadata: { namespace } }: Manifest): string {
  const group = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
  return `${group}${namespace ? `/namespaces/${namespace}` : ''}/${kind.toLowerCase()}s`
}

function pathOf(manifest: Manifest): string {
  return `${collectionOf(manifest)}/${manifest.metadata.name}`
}
