import type { ChaosCluster, KubeObject, Manifest } from './chaos-cluster.ts'

export const NAMESPACE = 'chaos'
/** The Deployment whose recommendation is changed again and again. */
export const PROBE = 'probe'
/** The Deployment that nothing happens to: its usage, always the same, is what must not be lost. */
export const STEADY = 'steady'
/** An updater may evict half of a group at a time. */
export const REPLICAS = 4

export function deployment(name: string, replicas: number): Manifest {
  const labels = { app: name }
  const container = { name: 'app', image: 'none', resources: { requests: { cpu: '50m', memory: '50Mi' } } }
  const template = { metadata: { labels, annotations: { 'kwok.x-k8s.io/usage-cpu': '50m', 'kwok.x-k8s.io/usage-memory': '50Mi' } }, spec: { terminationGracePeriodSeconds: 0, containers: [container] } }
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { namespace: NAMESPACE, name }, spec: { replicas, selector: { matchLabels: labels }, template } }
}

export function vpa(name: string, spec: object = {}): Manifest {
  return { apiVersion: 'autoscaling.k8s.io/v1', kind: 'VerticalPodAutoscaler', metadata: { namespace: NAMESPACE, name }, spec: { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name }, ...spec } }
}

/** The spec of a VPA whose pods are to have exactly that, by way of the bounds that recommendations keep to, and are evicted until they do. */
export function exactly(bound: { readonly cpu: string; readonly memory: string }): object {
  return { updatePolicy: { updateMode: 'Recreate' }, resourcePolicy: { containerPolicies: [{ containerName: '*', minAllowed: bound, maxAllowed: bound }] } }
}

/** The running pods of the probe, as the administrator sees them. */
export async function runningPods(cluster: ChaosCluster): Promise<readonly KubeObject[]> {
  const pods = await cluster.pods(NAMESPACE)
  return pods.filter(({ metadata, status }) => metadata.name.startsWith(`${PROBE}-`) && metadata.deletionTimestamp === undefined && (status as { phase?: string } | undefined)?.phase === 'Running')
}

export function millicoresOf({ spec }: KubeObject): number {
  const { containers = [] } = (spec ?? {}) as { containers?: { resources?: { requests?: { cpu?: string } } }[] }
  const cpu = containers[0]?.resources?.requests?.cpu ?? '0'
  return cpu.endsWith('m') ? Number(cpu.slice(0, -1)) : Number(cpu) * 1000
}
