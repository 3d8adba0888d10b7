import { setTimeout as sleep } from 'node:timers/promises'
import type { ChaosCluster, Manifest } from '../chaos/chaos-cluster.ts'

/** Where what the soak makes lives; both kinds of cluster remove it at the end. */
const NAMESPACE = 'chaos'
const GROUPS = 20
const PODS = 100

/** A Deployment and a VPA for each group. Its pods are made and deleted by {@link churn}; its ReplicaSet wants none, and has a label more than they. */
export async function addVpas(cluster: ChaosCluster): Promise<void> {
  await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } })
  for (let group = 0; group < GROUPS; group += 1) {
    const metadata = { namespace: NAMESPACE, name: `web-${group}` }
    const labels = { app: metadata.name }
    const template = { metadata: { labels }, spec: { containers: [{ name: 'app', image: 'none' }] } }
    await cluster.apply({ apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { replicas: 0, selector: { matchLabels: labels }, template } })
    await cluster.apply({ apiVersion: 'autoscaling.k8s.io/v1', kind: 'VerticalPodAutoscaler', metadata, spec: { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: metadata.name }, updatePolicy: { updateMode: 'Off' } } })
  }
}

/**
 * Keeps the number of pods, with others all the time: the oldest goes, a new one comes. The number of changes that were made.
 *
 * @param changesPerSecond at this moment
 */
export async function churn(cluster: ChaosCluster, { until, changesPerSecond }: { readonly until: number; readonly changesPerSecond: () => number }): Promise<number> {
  const alive: Manifest[] = []
  let changes = 0
  for (let [count, due] = [0, Date.now()]; Date.now() < until; count += 1, changes += 1) {
    if (alive.length < PODS || count % 2 === 0) {
      const next = pod(count)
      await cluster.apply(next)
      alive.push(next)
    } else {
      const oldest = alive.shift()
      if (oldest) await cluster.remove(oldest)
    }
    due += 1000 / changesPerSecond()
    if (due > Date.now()) await sleep(due - Date.now())
  }
  return changes
}

function pod(count: number): Manifest {
  const labels = { app: `web-${count % GROUPS}` }
  const annotations = { 'kwok.x-k8s.io/usage-cpu': '1m', 'kwok.x-k8s.io/usage-memory': '1Mi' }
  const containers = [{ name: 'app', image: 'none', resources: { requests: { cpu: '1m', memory: '1Mi' } } }]
  return { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: NAMESPACE, name: `${labels.app}-${count}`, labels, annotations }, spec: { terminationGracePeriodSeconds: 0, containers } }
}
