import { NODES, PODS, objectPath } from '@vpa/kube/resources.ts'
import { type Admin, type Manifest, forEach } from './admin.ts'
import type { Bench } from './bench.ts'
import { type ContainerUse, usageAnnotations } from './workload.ts'

export const NODE_COUNT = 4
const PATIENCE_MS = 600_000
const SAY_EVERY_MS = 10_000

export interface Pods {
  readonly namespace: string
  readonly prefix: string
  labels(index: number): Readonly<Record<string, string>>
  readonly usage: ContainerUse
  /** On no node, so that KWOK leaves it as it is: Succeeded. */
  readonly isFinished?: boolean
}

/**
 * Pods that belong to their node, as static pods do: neither the scheduler nor a controller has to work them off. For a pod that belongs to
 * nobody, controllers look through all ReplicaSets and more of its namespace, each time that it changes: with 10,000 of them, for half an hour.
 */
export async function createPods(admin: Admin, pods: Pods, indices: readonly number[]): Promise<void> {
  const nodes = await admin.list(NODES)
  await forEach(indices, async (index) => {
    const name = `${pods.prefix}-${index}`
    const node = nodes[index % nodes.length]
    if (node === undefined) throw new Error('there is no node')
    const place = pods.isFinished ? { schedulerName: 'nobody' } : { nodeName: node.metadata.name }
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name: node.metadata.name, uid: node.metadata.uid, controller: true }]
    const spec = { ...place, terminationGracePeriodSeconds: 0, containers: [{ name: 'app', image: 'example.test/app', resources: { requests: { cpu: '100m', memory: '128Mi' } } }] }
    const metadata = { namespace: pods.namespace, name, labels: pods.labels(index), annotations: usageAnnotations(pods.usage), ownerReferences }
    await admin.create({ apiVersion: 'v1', kind: 'Pod', metadata, spec } as Manifest)
    if (!pods.isFinished) return
    await admin.request({ method: 'PATCH', patch: 'merge', path: `${objectPath(PODS, { namespace: pods.namespace, name })}/status`, body: { status: { phase: 'Succeeded' } } })
  })
}

export async function untilPodsRun(bench: Bench, admin: Admin, namespace: string, count: number): Promise<void> {
  let saidAt = Date.now()
  for (const deadline = Date.now() + PATIENCE_MS; ; await new Promise((resolve) => setTimeout(resolve, 500))) {
    const running = (await admin.runningPods(namespace)).length
    if (running >= count) return
    if (Date.now() > deadline) throw new Error(`only ${running} of ${count} pods run`)
    if (Date.now() - saidAt < SAY_EVERY_MS) continue
    saidAt = Date.now()
    bench.say(`${running} of ${count} pods run`)
  }
}
