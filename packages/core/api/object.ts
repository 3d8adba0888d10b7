import type { Labels } from '../selector.ts'
import { type EpochMs, parseTime } from '../time.ts'

/** What every Kubernetes object of ours carries; the projection of `metadata`. */
export interface ObjectMeta {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
  readonly labels: Labels
  readonly createdAt: EpochMs | undefined
}

export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly controller: boolean
}

/** `metadata` as the API server sends it. */
export interface RawMeta {
  readonly namespace?: string
  readonly name?: string
  readonly generateName?: string
  readonly uid?: string
  readonly resourceVersion?: string
  readonly generation?: number
  readonly labels?: Labels | null
  readonly annotations?: Labels | null
  readonly creationTimestamp?: string | null
  readonly deletionTimestamp?: string | null
  readonly ownerReferences?: readonly { apiVersion?: string; kind?: string; name?: string; controller?: boolean | null }[] | null
}

export function projectMeta(raw: RawMeta | undefined): ObjectMeta {
  return {
    namespace: raw?.namespace ?? '',
    name: raw?.name ?? '',
    uid: raw?.uid ?? '',
    resourceVersion: raw?.resourceVersion ?? '',
    labels: raw?.labels ?? {},
    createdAt: parseTime(raw?.creationTimestamp),
  }
}

export function projectOwners(raw: RawMeta | undefined): readonly OwnerReference[] {
  return (raw?.ownerReferences ?? []).map(({ apiVersion = '', kind = '', name = '', controller }) => ({ apiVersion, kind, name, controller: controller === true }))
}
