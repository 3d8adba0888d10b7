import { CHECKPOINTS, VPAS, objectPath, pathOf } from '@vpa/kube/resources.ts'
import { workThrough } from '@vpa/kube/work-through.ts'
import type { Admin, ApiObject } from './admin.ts'

/** What a first loop of the recommender leaves behind. */
export interface Written {
  readonly vpas: readonly ApiObject[]
  readonly checkpoints: readonly (ApiObject & { readonly spec: object })[]
}

export async function readWritten(admin: Admin, namespace: string): Promise<Written> {
  return { vpas: await admin.list(VPAS, namespace), checkpoints: await admin.list(CHECKPOINTS, namespace) }
}

/**
 * Writes it once more, to VPAs that are there and have no status, and does nothing else: what a recommender that costs nothing, and
 * writes as many at a time, would take here.
 *
 * @returns seconds
 */
export async function writeBare(admin: Admin, { vpas, checkpoints }: Written, workers: number): Promise<number> {
  const startedAt = performance.now()
  await workThrough(vpas, workers, async ({ metadata, status }) => {
    await admin.request({ method: 'PATCH', path: `${objectPath(VPAS, metadata)}/status`, body: [{ op: 'add', path: '/status', value: status }] })
    return true
  })
  await workThrough(checkpoints, workers, async ({ metadata: { name, namespace, annotations }, spec, status }) => {
    const body = { apiVersion: CHECKPOINTS.groupVersion, kind: 'VerticalPodAutoscalerCheckpoint', metadata: { name, namespace, annotations }, spec, status }
    await admin.request({ method: 'POST', path: pathOf(CHECKPOINTS, namespace), body })
    return true
  })
  return (performance.now() - startedAt) / 1000
}
