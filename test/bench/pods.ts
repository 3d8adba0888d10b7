import { PODS, objectPath } from '@vpa/kube/resources.ts'
import { type Admin, type Manifest, forEach } from './admin.ts'
import type { Bench } from './bench.ts'
import { type ContainerUse, usageAnnotations } from './workload.ts'

export const NODES = 4
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

/** Pods without a controller, each put on its node: neither the scheduler nor a controller has to work them off. */
export async function createPods(admin: Admin, pods: Pods, indices: readonly number[]): Promise<void> {
  await forEach(indices, async (index) => {
    const name = `${pods.prefix}-${index}`
    const node = pods.isFinished ? { schedulerName: 'nobody' } : { nodeName: `kwok-node-${index % NODES}` }
    const spec = { ...node, terminationGracePeriodSeconds: 0, containers: [{ name: 'app', image: 'example.test/app', resources: { requests: { cpu: '100m', memory: '128Mi' } } }] }
    await admin.create({ apiVersion: 'v1', kind: 'Pod', metadata: { namespace: pods.namespace, name, labels: pods.labels(index), annotations: usageAnnotations(pods.usage) }, spec } as Manifest)
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
