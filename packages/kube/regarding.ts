import type { Pod } from '@vpa/core/api/pod.ts'
import type { Vpa } from '@vpa/core/api/vpa.ts'
import type { EventWrite } from './cluster.ts'

/** What an event is about: a pod. */
export function regardingPod({ namespace, name, uid }: Pick<Pod, 'namespace' | 'name' | 'uid'>): EventWrite['regarding'] {
  return { apiVersion: 'v1', kind: 'Pod', namespace, name, uid }
}

/** What an event is about: a VPA, in the API version it was read in. */
export function regardingVpa({ apiVersion, namespace, name, uid }: Pick<Vpa, 'apiVersion' | 'namespace' | 'name' | 'uid'>): EventWrite['regarding'] {
  return { apiVersion, kind: 'VerticalPodAutoscaler', namespace, name, uid }
}
