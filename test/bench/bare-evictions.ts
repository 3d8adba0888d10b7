import { setTimeout as sleep } from 'node:timers/promises'
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

/** Less than a tenth of a processor: what leases and probes take. */
const QUIET = 0.1
const PATIENCE_S = 120

/**
 * Evicts one pod of each group and does nothing else: what an updater that costs nothing, and asks as many at a time, would take here.
 * A group is the pods whose names differ in their last part only.
 */
export async function evictBare({ admin, cpuSeconds }: ControlPlane, namespace: string, workers: number): Promise<Evictions> {
  await untilQuiet(cpuSeconds)
  const pods = new Map((await admin.runningPods(namespace)).map(({ metadata }) => [metadata.name.replace(/-[^-]*$/, ''), metadata]))
  const [cpuBefore, startedAt] = [await cpuSeconds(), performance.now()]
  await workThrough([...pods.values()], workers, async ({ name, uid }) => {
    const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { namespace, name }, deleteOptions: { preconditions: { uid } } }
    await admin.request({ method: 'POST', path: `${objectPath(PODS, { namespace, name })}/eviction`, body })
    return true
  })
  return { count: pods.size, seconds: (performance.now() - startedAt) / 1000, cpuSeconds: (await cpuSeconds()) - cpuBefore }
}

/** The run before has left new pods behind, which the control plane works off. */
async function untilQuiet(cpuSeconds: () => Promise<number>): Promise<void> {
  for (let second = 0; second < PATIENCE_S; second += 1) {
    const before = await cpuSeconds()
    await sleep(1000)
    if ((await cpuSeconds()) - before < QUIET) return
  }
}
