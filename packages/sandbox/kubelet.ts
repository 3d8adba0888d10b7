import { isDeepStrictEqual } from 'node:util'
import { type EpochMs, MINUTE, SECOND, formatTime, parseTime } from '@vpa/core/time.ts'
import { NODES, PODS } from './kind.ts'
import { limitsOf } from './load.ts'
import type { Condition, ContainerStatus, Pod, PodStatus } from './object.ts'
import { NODE_RESOURCES, allocatable, freeOn, requested } from './scheduler.ts'
import { type World, ownerOf, recordEvent, withCondition } from './world.ts'

const LONGEST_BACK_OFF = 5 * MINUTE

/** One step of every node's kubelet: pods start, are resized, run out of memory, finish and stop. */
export function runKubelet(world: World): void {
  const now = world.clock.now()
  for (const pod of world.storage.list(PODS) as readonly Pod[]) {
    if (!pod.spec.nodeName) continue
    if (pod.metadata.deletionTimestamp !== undefined) stop(world, pod, now)
    else if (pod.status.phase === 'Pending') start(world, pod, now)
    else if (pod.status.phase === 'Running') keepRunning(world, pod, now)
  }
}

function stop({ storage, delays }: World, pod: Pod, now: EpochMs): void {
  const grace = (pod.metadata.deletionGracePeriodSeconds ?? 0) * SECOND
  const since = (parseTime(pod.metadata.deletionTimestamp) ?? 0) - grace
  if (now - since >= Math.min(grace, delays.stop) && (pod.metadata.finalizers ?? []).length === 0) storage.remove(PODS, pod)
}

function start(world: World, pod: Pod, now: EpochMs): void {
  if (now - (parseTime(pod.metadata.creationTimestamp) ?? 0) < world.delays.start) return
  const startedAt = formatTime(now)
  const containerStatuses = pod.spec.containers.map(({ name, image = '', resources = {} }): ContainerStatus => ({
    name,
    image,
    ready: true,
    started: true,
    restartCount: 0,
    resources,
    ...(resources.requests && { allocatedResources: resources.requests }),
    state: { running: { startedAt } },
    lastState: {},
  }))
  const types = ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled']
  const conditions = types.reduce<Condition[]>((list, type) => withCondition(list, { type, status: 'True' }, now), pod.status.conditions ?? [])
  const status: PodStatus = { ...pod.status, phase: 'Running', startTime: startedAt, observedGeneration: pod.metadata.generation ?? 1, conditions, containerStatuses, hostIP: '127.0.0.1', podIP: podIp(pod) }
  world.storage.put(PODS, { ...pod, status })
  for (const { name } of pod.spec.containers) recordEvent(world, pod, { reason: 'Started', message: `Started container ${name}`, from: 'kubelet' })
}

/** Made of the pod's uid, for no pod listens there. */
function podIp({ metadata }: Pod): string {
  const bytes = [0, 2, 4].map((at) => Number.parseInt(metadata.uid.slice(at, at + 2), 16))
  return `10.${bytes.join('.')}`
}

function keepRunning(world: World, pod: Pod, now: EpochMs): void {
  const resized = resizeStep(world, pod, now)
  const containerStatuses = (resized.status.containerStatuses ?? []).map((status) => runContainer(world, resized, status, now))
  const next = finished(world, { ...resized, status: { ...resized.status, containerStatuses } }, now)
  const allReady = (next.status.containerStatuses ?? []).every(({ ready }) => ready)
  const ready = (type: string) => ({ type, status: allReady ? 'True' : 'False', ...(!allReady && { reason: 'ContainersNotReady' }) })
  const conditions = ['Ready', 'ContainersReady'].reduce((list, type) => withCondition(list, ready(type), now), next.status.conditions ?? [])
  const status = { ...next.status, conditions }
  if (!isDeepStrictEqual(status, pod.status)) world.storage.put(PODS, { ...pod, status })
}

/** Kills what exceeds its memory limit and restarts it: at once the first time, then after 10 s, 20 s, … up to 5 min. */
function runContainer(world: World, pod: Pod, status: ContainerStatus, now: EpochMs): ContainerStatus {
  const { running, terminated } = status.state
  if (running) {
    const { memoryBytes: limit = Infinity } = limitsOf(pod, status.name)
    if (world.loads.usage(pod, status.name, now).memoryBytes <= limit) return status
    recordEvent(world, pod, { type: 'Warning', reason: 'OOMKilling', message: `Memory cgroup out of memory: killed container ${status.name}`, from: 'kernel-monitor' })
    return { ...status, ready: false, started: false, state: { terminated: { reason: 'OOMKilled', exitCode: 137, startedAt: running.startedAt, finishedAt: formatTime(now) } } }
  }
  if (!terminated || pod.spec.restartPolicy === 'Never') return status
  const backOff = status.restartCount === 0 ? SECOND : Math.min(LONGEST_BACK_OFF, 10 * SECOND * 2 ** (status.restartCount - 1))
  if (now - (parseTime(terminated.finishedAt) ?? 0) < backOff) return status
  return { ...status, ready: true, started: true, restartCount: status.restartCount + 1, state: { running: { startedAt: formatTime(now) } }, lastState: { terminated } }
}

/** Resources asked for by the `resize` subresource: told at once in a condition, given after a while if the node has them. */
function resizeStep(world: World, pod: Pod, now: EpochMs): Pod {
  const { containerStatuses = [], conditions = [] } = pod.status
  const wanted = (name: string) => pod.spec.containers.find((container) => container.name === name)?.resources ?? {}
  const others = conditions.filter(({ type }) => type !== 'PodResizePending' && type !== 'PodResizeInProgress')
  const observedGeneration = pod.metadata.generation ?? 1
  if (containerStatuses.every(({ name, resources }) => isDeepStrictEqual(wanted(name), resources))) return { ...pod, status: { ...pod.status, conditions: others, observedGeneration } }

  const obstacle = resizeObstacle(world, pod)
  const condition = obstacle ?? { type: 'PodResizeInProgress', status: 'True' }
  const told = conditions.find(({ type }) => type === condition.type)
  const since = parseTime(told?.lastTransitionTime) ?? now
  if (obstacle || told === undefined || now - since < world.delays.resize) {
    return { ...pod, status: { ...pod.status, observedGeneration, conditions: [...others, { ...condition, lastTransitionTime: formatTime(since) }] } }
  }
  const resized = containerStatuses.map((status): ContainerStatus => {
    const resources = wanted(status.name)
    const restarts = !isDeepStrictEqual(resources, status.resources) && restartsOnResize(pod, status)
    return {
      ...status,
      resources,
      ...(resources.requests && { allocatedResources: resources.requests }),
      ...(restarts && { restartCount: status.restartCount + 1, state: { running: { startedAt: formatTime(now) } } }),
    }
  })
  return { ...pod, status: { ...pod.status, observedGeneration, conditions: others, containerStatuses: resized } }
}

function resizeObstacle(world: World, pod: Pod): Condition | undefined {
  const node = world.storage.list(NODES).find(({ metadata }) => metadata.name === pod.spec.nodeName)
  if (node === undefined) return undefined
  for (const name of NODE_RESOURCES) {
    const capacity = allocatable(node, name)
    const wants = requested(pod, name)
    if (wants > capacity) return { type: 'PodResizePending', status: 'True', reason: 'Infeasible', message: `Node didn't have enough capacity: ${name}, requested: ${wants}, capacity: ${capacity}` }
    const free = freeOn(world, node, name)
    if (free < 0) return { type: 'PodResizePending', status: 'True', reason: 'Deferred', message: `Node didn't have enough resource: ${name}, requested: ${wants}, used: ${capacity - free - wants}, capacity: ${capacity}` }
  }
  return undefined
}

function restartsOnResize({ spec }: Pod, { name, resources }: ContainerStatus): boolean {
  const container = spec.containers.find((candidate) => candidate.name === name)
  return (container?.resizePolicy ?? []).some(({ resourceName, restartPolicy }) => {
    const change = (list: 'requests' | 'limits') => container?.resources?.[list]?.[resourceName] !== resources[list]?.[resourceName]
    return restartPolicy === 'RestartContainer' && (change('requests') || change('limits'))
  })
}

/** A Job's pod succeeds after a while; a pod that never restarts fails with its container. */
function finished({ delays }: World, pod: Pod, now: EpochMs): Pod {
  const { status, spec, metadata } = pod
  const hasFailed = spec.restartPolicy === 'Never' && (status.containerStatuses ?? []).some(({ state }) => state.terminated)
  const isDone = ownerOf(metadata.ownerReferences)?.kind === 'Job' && now - (parseTime(status.startTime) ?? now) >= delays.job
  if (!hasFailed && !isDone) return pod
  const terminated = { reason: 'Completed', exitCode: 0, startedAt: status.startTime ?? formatTime(now), finishedAt: formatTime(now) }
  const containerStatuses = (status.containerStatuses ?? []).map((container) => ({ ...container, ready: false, started: false, state: container.state.terminated ? container.state : { terminated } }))
  return { ...pod, status: { ...status, phase: hasFailed ? 'Failed' : 'Succeeded', containerStatuses } }
}
