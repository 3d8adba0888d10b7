import { setTimeout as sleep } from 'node:timers/promises'
import type { ChaosCluster, Manifest } from '../chaos/chaos-cluster.ts'
import { NAMESPACE, exactly, vpa } from '../chaos/workloads.ts'

const GROUPS = 20
/** Of a group, under its Deployment: one may be evicted while the other runs. */
const REPLICAS = 2
/** Without an owner, in all groups together. */
const LOOSE_PODS = 100
/** A VPA wants something else as often. At 20 changes a second a group's pods are replaced every 100 seconds, time enough to know how each came back. */
const CHANGES_FOR_A_WISH = 100
/** As often a group is rolled out: its new pods have another hash among their labels, and so a history of their own. */
const ROLL_OUT_EVERY_MS = 60_000
/** What is still to be made up for where the cluster is slower than asked; more is let go. */
const MOST_BEHIND_MS = 1000
const USAGE = { 'kwok.x-k8s.io/usage-cpu': '1m', 'kwok.x-k8s.io/usage-memory': '1Mi' }

/** A Deployment and a VPA for each group. */
export async function addGroups(cluster: ChaosCluster): Promise<void> {
  await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } })
  for (let group = 0; group < GROUPS; group += 1) {
    const metadata = { namespace: NAMESPACE, name: `web-${group}` }
    const labels = { app: metadata.name }
    const template = { metadata: { labels, annotations: USAGE }, spec: podSpec }
    await cluster.apply({ apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { replicas: REPLICAS, selector: { matchLabels: labels }, template } })
    await cluster.apply(vpaOf(group, 0))
  }
}

export interface ChurnOptions {
  /** When to end, by `Date.now()`. */
  readonly end: number
  /** At this moment. */
  readonly changesPerSecond: () => number
  readonly signal: AbortSignal
}

/**
 * Keeps the number of loose pods, with others all the time: the oldest goes, a new one comes, one group after the other with a new template's
 * hash. Now and then a VPA wants something else for its Deployment, whose pods are then evicted and come back with it.
 *
 * @returns when each change was made
 */
export async function churn(cluster: ChaosCluster, { end, changesPerSecond, signal }: ChurnOptions): Promise<readonly number[]> {
  const alive: Manifest[] = []
  const changes: number[] = []
  const begin = Date.now()
  for (let due = begin; Date.now() < end; changes.push(Date.now())) {
    const count = changes.length
    const oldest = alive.length < LOOSE_PODS || count % 2 === 0 ? undefined : alive.shift()
    if (oldest) {
      await cluster.remove(oldest)
    } else {
      const next = loosePod(count, Math.floor((Date.now() - begin) / ROLL_OUT_EVERY_MS))
      await cluster.apply(next)
      alive.push(next)
    }
    const wish = count / CHANGES_FOR_A_WISH
    if (Number.isInteger(wish)) await cluster.apply(vpaOf(wish % GROUPS, 1 + Math.floor(wish / GROUPS)))
    due = Math.max(due + 1000 / changesPerSecond(), Date.now() - MOST_BEHIND_MS)
    if (due > Date.now()) await sleep(due - Date.now(), undefined, { signal })
    signal.throwIfAborted()
  }
  return changes
}

const podSpec = { terminationGracePeriodSeconds: 0, containers: [{ name: 'app', image: 'none', resources: { requests: { cpu: '1m', memory: '1Mi' } } }] }

/** @param turn of the wishes of this group: each is for more, since to and fro would be taken for flapping, and held back */
function vpaOf(group: number, turn: number): Manifest {
  return vpa(`web-${group}`, exactly({ cpu: `${20 + 5 * turn}m`, memory: '20Mi' }))
}

/**
 * Its group's VPA knows it by its label; the group's ReplicaSet does not, as it asks for one more.
 *
 * @param rollOuts of all groups, one after the other
 */
function loosePod(count: number, rollOuts: number): Manifest {
  const group = count % GROUPS
  const labels = { app: `web-${group}`, 'pod-template-hash': `${Math.floor((rollOuts + GROUPS - 1 - group) / GROUPS)}` }
  return { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: NAMESPACE, name: `${labels.app}-${count}`, labels, annotations: USAGE }, spec: podSpec }
}
