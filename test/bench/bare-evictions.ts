import { PODS, objectPath } from '@vpa/kube/resources.ts'
import { workThrough } from '@vpa/kube/work-through.ts'
import type { ControlPlane } from './control-plane.ts'

/** Evictions and what they took. */
export interface Evictions {
  readonly count: number
  readonly seconds: number
  /** Of the control plane, what it does because of them meanwhile included. */
  readonly cpuSeconds: number
}

/**
 * Evicts one pod of each group and does nothing else: what an updater that costs nothing, and asks as many at a time, would take here.
 * A group is the pods whose names differ in their last part only.
 */
export async function evictBare({ admin, cpuSeconds }: ControlPlane, namespace: string, workers: number): Promise<Evictions> {
  const pods = new Map((await admin.runningPods(namespace)).map(({ metadata }) => [metadata.name.replace(/-[^-]*$/, ''), metadata]))
  const [cpuBefore, startedAt] = [await cpuSeconds(), performance.now()]
  await workThrough([...pods.values()], workers, async ({ name, uid }) => {
    const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { namespace, name }, deleteOptions: { preconditions: { uid } } }
    await admin.request({ method: 'POST', path: `${objectPath(PODS, { namespace, name })}/eviction`, body })
    return true
  })
  return { count: pods.size, seconds: (performance.now() - startedAt) / 1000, cpuSeconds: (await cpuSeconds()) - cpuBefore }
}
