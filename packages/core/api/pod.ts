import { type Quantity, type ResourceList, quantity } from '../quantity.ts'
import type { Labels } from '../selector.ts'
import { type EpochMs, parseTime } from '../time.ts'
import { type ObjectMeta, type OwnerReference, type RawMeta, projectMeta, projectOwners } from './object.ts'
import { keptPodAnnotations } from './pod-annotations.ts'

/**
 * What the trio needs of a pod: about ten fields of what may be hundreds of lines.
 * Managed fields, environment, volumes and the rest are never kept.
 */
export interface Pod extends ObjectMeta {
  /** Only while a pod is admitted: what its name will begin with. */
  readonly generateName?: string
  /** Those that we read, see {@link keptPodAnnotations}; empty where there are others only. undefined when the object has none at all: then a patch must add the map first. */
  readonly annotations?: Labels
  readonly owners: readonly OwnerReference[]
  readonly deleting: boolean
  readonly nodeName?: string
  readonly containers: readonly Container[]
  readonly initContainerNames: readonly string[]
  readonly phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown'
  readonly startedAt?: EpochMs
  readonly conditions: readonly PodCondition[]
  readonly containerStatuses: readonly ContainerStatus[]
}

export interface Container extends Resources {
  readonly name: string
  /** A resize of one of these resources restarts the container (`resizePolicy: RestartContainer`). */
  readonly restartsOnResizeOf: readonly string[]
}

/** undefined: the object has no such map; a patch must add it before it can fill it. */
export interface Resources {
  readonly requests?: ResourceList
  readonly limits?: ResourceList
}

/** Each pod's conditions have times of their own, so that nothing of them can be shared: those that nobody asks for are an eighth of its memory. */
const KEPT_CONDITIONS = ['Ready', 'PodResizePending', 'PodResizeInProgress'] as const

export interface PodCondition {
  readonly type: (typeof KEPT_CONDITIONS)[number]
  readonly status: string
  readonly reason: string
  readonly message: string
  readonly changedAt?: EpochMs
}

export interface ContainerStatus {
  readonly name: string
  readonly restartCount: number
  readonly state: 'running' | 'waiting' | 'terminated' | 'unknown'
  readonly terminated?: Termination
  readonly lastTermination?: Termination
  /** What the kubelet gave it; undefined where the kubelet does not report it. */
  readonly resources?: Resources
}

export interface Termination {
  readonly reason: string
  readonly startedAt?: EpochMs
  readonly finishedAt?: EpochMs
}

/**
 * @param raw a v1 Pod as the API server sends it
 * @throws RangeError when an amount is not a quantity
 */
export function projectPod(raw: unknown): Pod {
  const { metadata, spec, status } = raw as RawPod
  const { generateName, annotations, deletionTimestamp } = metadata ?? {}
  const startedAt = parseTime(status?.startTime)
  const containers = (spec?.containers ?? []).map(projectContainer)
  return {
    ...projectMeta(metadata),
    ...(generateName && { generateName }),
    ...(annotations && { annotations: keptPodAnnotations(annotations, containers.map(({ name }) => name)) }),
    owners: projectOwners(metadata),
    deleting: typeof deletionTimestamp === 'string',
    ...(spec?.nodeName && { nodeName: spec.nodeName }),
    containers,
    initContainerNames: (spec?.initContainers ?? []).map(({ name = '' }) => name),
    phase: status?.phase ?? 'Unknown',
    ...(startedAt !== undefined && { startedAt }),
    conditions: (status?.conditions ?? []).flatMap(projectCondition),
    containerStatuses: (status?.containerStatuses ?? []).map(projectContainerStatus),
  }
}

function projectContainer(raw: RawContainer): Container {
  const restarts = (raw.resizePolicy ?? []).filter(({ restartPolicy }) => restartPolicy === 'RestartContainer')
  return { name: raw.name ?? '', ...projectResources(raw.resources), restartsOnResizeOf: restarts.map(({ resourceName = '' }) => resourceName) }
}

/** One condition, or none where nobody asks for it. */
function projectCondition({ type, status = '', reason = '', message = '', lastTransitionTime }: RawCondition): readonly PodCondition[] {
  const kept = KEPT_CONDITIONS.find((known) => known === type)
  if (kept === undefined) return []
  const changedAt = parseTime(lastTransitionTime)
  return [{ type: kept, status, reason, message, ...(changedAt !== undefined && { changedAt }) }]
}

function projectContainerStatus({ name = '', restartCount = 0, state, lastState, resources }: RawContainerStatus): ContainerStatus {
  const terminated = state?.terminated
  const lastTerminated = lastState?.terminated
  return {
    name,
    restartCount,
    state: terminated ? 'terminated' : state?.running ? 'running' : state?.waiting ? 'waiting' : 'unknown',
    ...(terminated && { terminated: projectTermination(terminated) }),
    ...(lastTerminated && { lastTermination: projectTermination(lastTerminated) }),
    ...(resources && { resources: projectResources(resources) }),
  }
}

function projectTermination({ reason = '', startedAt, finishedAt }: RawTermination): Termination {
  const start = parseTime(startedAt)
  const finish = parseTime(finishedAt)
  return { reason, ...(start !== undefined && { startedAt: start }), ...(finish !== undefined && { finishedAt: finish }) }
}

function projectResources(raw: RawResources | null | undefined): Resources {
  return {
    ...(raw?.requests && { requests: projectResourceList(raw.requests) }),
    ...(raw?.limits && { limits: projectResourceList(raw.limits) }),
  }
}

/** Amounts may be JSON strings or numbers: `cpu: 1` is as good as `cpu: "1"`. No resource is called `__proto__`, which would be no entry but what the list inherits from. */
export function projectResourceList(raw: Readonly<Record<string, string | number>>): ResourceList {
  const list: Record<string, Quantity> = {}
  for (const [name, amount] of Object.entries(raw)) if (name !== '__proto__') list[name] = quantity(String(amount))
  return list
}

interface RawPod {
  readonly metadata?: RawMeta
  readonly spec?: { nodeName?: string; containers?: readonly RawContainer[] | null; initContainers?: readonly RawContainer[] | null }
  readonly status?: {
    phase?: Pod['phase']
    startTime?: string | null
    conditions?: readonly RawCondition[] | null
    containerStatuses?: readonly RawContainerStatus[] | null
  }
}
interface RawContainer {
  readonly name?: string
  readonly resources?: RawResources | null
  readonly resizePolicy?: readonly { resourceName?: string; restartPolicy?: string }[] | null
}
interface RawResources {
  readonly requests?: Readonly<Record<string, string | number>> | null
  readonly limits?: Readonly<Record<string, string | number>> | null
}
interface RawCondition {
  readonly type?: string
  readonly status?: string
  readonly reason?: string
  readonly message?: string
  readonly lastTransitionTime?: string | null
}
interface RawTermination {
  readonly reason?: string
  readonly startedAt?: string | null
  readonly finishedAt?: string | null
}
interface RawContainerStatus {
  readonly name?: string
  readonly restartCount?: number
  readonly resources?: RawResources | null
  readonly state?: { running?: unknown; waiting?: unknown; terminated?: RawTermination | null } | null
  readonly lastState?: { terminated?: RawTermination | null } | null
}
