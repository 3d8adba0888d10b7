import { type LimitRange, projectLimitRange } from '@vpa/core/api/limit-range.ts'
import { type Pod, projectPod } from '@vpa/core/api/pod.ts'
import type { Vpa } from '@vpa/core/api/vpa.ts'
import { vpaWith } from './objects.ts'

/** Amounts as users write them. */
export type Amounts = Readonly<Record<string, string>>

export interface ContainerAmounts {
  readonly requests?: Amounts
  readonly limits?: Amounts
}

/** Pod `web-0` in namespace `default`, of ReplicaSet `web`, on its way into the cluster. */
export function podOf(containers: Readonly<Record<string, ContainerAmounts>>, metadata: object = {}): Pod {
  return projectPod(rawPodOf(containers, metadata))
}

export function rawPodOf(containers: Readonly<Record<string, ContainerAmounts>>, metadata: object = {}): object {
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', controller: true }
  return {
    metadata: { name: 'web-0', namespace: 'default', labels: { app: 'web' }, ownerReferences: [owner], ...metadata },
    spec: { containers: Object.entries(containers).map(([name, resources]) => ({ name, resources })) },
  }
}

export interface Recommended {
  readonly target: Amounts
  readonly lowerBound?: Amounts
  readonly upperBound?: Amounts
}

/** Without `recommended` it has no recommendation yet. */
export function vpaOf(recommended?: Readonly<Record<string, Recommended>>, spec: object = {}): Vpa {
  const containerRecommendations = recommended && Object.entries(recommended).map(([containerName, amounts]) => ({ containerName, ...amounts }))
  return vpaWith(spec, containerRecommendations && { recommendation: { containerRecommendations } })
}

export function limitRangeOf(name: string, ...limits: readonly object[]): LimitRange {
  return projectLimitRange({ metadata: { name, namespace: 'default' }, spec: { limits } })
}
