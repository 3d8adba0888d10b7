import { amountOf } from './amount.ts'
import { NODES, PODS } from './kind.ts'
import { type KubeObject, type Pod, valueAt } from './object.ts'
import { type World, recordEvent, withCondition } from './world.ts'

export type NodeResource = 'cpu' | 'memory'
export const NODE_RESOURCES = ['cpu', 'memory'] as const

/** Puts waiting pods on the first node that has room for what they request. */
export function runScheduler(world: World): void {
  const { storage, clock } = world
  for (const pod of storage.list(PODS) as readonly Pod[]) {
    if (pod.spec.nodeName || pod.metadata.deletionTimestamp) continue
    const node = storage.list(NODES).find((candidate) => NODE_RESOURCES.every((name) => requested(pod, name) <= freeOn(world, candidate, name)))
    if (node === undefined) {
      const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: `0/${storage.list(NODES).length} nodes are available: insufficient cpu or memory.` }
      if ((pod.status.conditions ?? []).some(({ reason }) => reason === condition.reason)) continue
      storage.put(PODS, { ...pod, status: { ...pod.status, conditions: withCondition(pod.status.conditions, condition, clock.now()) } })
      recordEvent(world, pod, { type: 'Warning', reason: 'FailedScheduling', message: condition.message, from: 'default-scheduler' })
      continue
    }
    const conditions = withCondition(pod.status.conditions, { type: 'PodScheduled', status: 'True' }, clock.now())
    storage.put(PODS, { ...pod, spec: { ...pod.spec, nodeName: node.metadata.name }, status: { ...pod.status, conditions } })
    recordEvent(world, pod, { reason: 'Scheduled', message: `Successfully assigned ${pod.metadata.namespace}/${pod.metadata.name} to ${node.metadata.name}`, from: 'default-scheduler' })
  }
}

/** What a pod's containers request together: millicores or bytes. */
export function requested({ spec }: Pod, name: NodeResource): number {
  return spec.containers.reduce((sum, { resources }) => sum + (amountOf(resources?.requests, name) ?? 0), 0)
}

export function allocatable(node: KubeObject, name: NodeResource): number {
  return amountOf(valueAt(node, 'status.allocatable') as Record<string, string> | undefined, name) ?? 0
}

/** What is left on a node beside its unfinished pods. */
export function freeOn({ storage }: World, node: KubeObject, name: NodeResource): number {
  const pods = (storage.list(PODS) as readonly Pod[]).filter(({ spec, status }) => spec.nodeName === node.metadata.name && !['Succeeded', 'Failed'].includes(status.phase))
  return allocatable(node, name) - pods.reduce((sum, pod) => sum + requested(pod, name), 0)
}
