import { type Checkpoint, projectCheckpoint } from '@vpa/core/api/checkpoint.ts'
import { type DisruptionBudget, projectDisruptionBudget } from '@vpa/core/api/disruption-budget.ts'
import { type HorizontalAutoscaler, projectHorizontalAutoscaler } from '@vpa/core/api/horizontal-autoscaler.ts'
import { type LimitRange, projectLimitRange } from '@vpa/core/api/limit-range.ts'
import { type Node, projectNode } from '@vpa/core/api/node.ts'
import { type Pod, projectPod } from '@vpa/core/api/pod.ts'
import { type ResourceQuota, projectResourceQuota } from '@vpa/core/api/resource-quota.ts'
import { type Vpa, projectVpa } from '@vpa/core/api/vpa.ts'
import { WELL_KNOWN_KINDS, isWellKnown, type WorkloadLookup } from '@vpa/core/target/workload.ts'
import { ApiError, isNotFound } from './api-error.ts'
import type { Client } from './client.ts'
import type { Clock } from './clock.ts'
import type { ContainerUsage } from './cluster.ts'
import { Discovery, servesResize } from './discovery.ts'
import { messageOf } from './error-message.ts'
import { readList } from './list.ts'
import type { Log } from './log.ts'
import { readUsage } from './metrics-api.ts'
import { CHECKPOINTS, DISRUPTION_BUDGETS, HORIZONTAL_AUTOSCALERS, LIMIT_RANGES, NODES, PODS, RESOURCE_QUOTAS, type Resource, UNFINISHED_PODS, VPAS, pathOf } from './resources.ts'
import { ScaleLookup } from './scale.ts'
import { type StoredWorkload, WORKLOAD_RESOURCES, projectWorkload, workloadAnswer } from './workloads.ts'

/** The cluster at one moment: what commands read that ask once and end. */
export interface Snapshot {
  readonly vpas: readonly Vpa[]
  /** Those that have not ended. */
  readonly pods: readonly Pod[]
  readonly workloads: readonly StoredWorkload[]
  readonly workload: WorkloadLookup
  /** undefined where metrics.k8s.io does not answer. */
  readonly usage: readonly ContainerUsage[] | undefined
}

/** Everything that decides about a recommendation and about pods. */
export interface FullSnapshot extends Snapshot {
  readonly checkpoints: readonly Checkpoint[]
  readonly limitRanges: readonly LimitRange[]
  readonly horizontalAutoscalers: readonly HorizontalAutoscaler[]
  readonly budgets: readonly DisruptionBudget[]
  readonly quotas: readonly ResourceQuota[]
  readonly nodes: readonly Node[]
  /** Whether the API server serves `pods/resize`. */
  readonly servesResize: boolean
}

export interface SnapshotOptions {
  readonly client: Client
  readonly clock: Clock
  readonly log: Log
  /** undefined for all. */
  readonly namespace: string | undefined
  /** Told what could not be read, in words: the answer is less complete for it. */
  readonly missing: (what: string) => void
}

/** There is no CustomResourceDefinition of the Vertical Pod Autoscaler. */
export class NoVpaKind extends Error {}

/**
 * Reads VPAs, pods, workloads and usage, each with one list, all at the same time.
 *
 * @throws NoVpaKind; ApiError or Error when VPAs, pods or workloads cannot be read
 */
export async function readSnapshot(options: SnapshotOptions, discovery = new Discovery(options.client, options.clock)): Promise<Snapshot> {
  const [vpas, pods, workloads, usage] = await Promise.all([readVpas(options), listOf(options, PODS, projectPod, UNFINISHED_PODS), readWorkloads(options), readUsageIfServed(options)])
  return { vpas, pods, workloads, usage, workload: await lookupIn(options, discovery, vpas, workloads) }
}

/** As {@link readSnapshot}, with everything that stands around them. What our account may not read is left out, and told. */
export async function readFullSnapshot(options: SnapshotOptions): Promise<FullSnapshot> {
  const { client, clock, missing } = options
  const discovery = new Discovery(client, clock)
  const optional = <T>(resource: Resource, project: (raw: unknown) => T) => listOf(options, resource, project).catch((error: unknown) => leaveOut(options, resource.plural, error))
  const [snapshot, checkpoints, limitRanges, horizontalAutoscalers, budgets, quotas, nodes, resizes] = await Promise.all([
    readSnapshot(options, discovery),
    optional(CHECKPOINTS, projectCheckpoint),
    optional(LIMIT_RANGES, projectLimitRange),
    optional(HORIZONTAL_AUTOSCALERS, projectHorizontalAutoscaler),
    optional(DISRUPTION_BUDGETS, projectDisruptionBudget),
    optional(RESOURCE_QUOTAS, projectResourceQuota),
    optional(NODES, projectNode),
    servesResize(discovery, (error) => missing(`whether pods can be resized in place is not known, and taken to be so: ${messageOf(error)}`)),
  ])
  return { ...snapshot, checkpoints, limitRanges, horizontalAutoscalers, budgets, quotas, nodes, servesResize: resizes }
}

async function readVpas(options: SnapshotOptions): Promise<readonly Vpa[]> {
  try {
    return await listOf(options, VPAS, projectVpa)
  } catch (error) {
    if (isNotFound(error)) throw new NoVpaKind('the cluster does not know the kind VerticalPodAutoscaler', { cause: error })
    throw error
  }
}

async function readWorkloads(options: SnapshotOptions): Promise<readonly StoredWorkload[]> {
  const lists = await Promise.all(WELL_KNOWN_KINDS.map((kind) => listOf(options, WORKLOAD_RESOURCES[kind], (raw) => projectWorkload(kind, raw))))
  return lists.flat()
}

async function readUsageIfServed(options: SnapshotOptions): Promise<readonly ContainerUsage[] | undefined> {
  try {
    return await readUsage(options.client, options.log, options.namespace)
  } catch (error) {
    options.missing(`no usage: metrics.k8s.io does not answer (is metrics-server installed?): ${messageOf(error)}`)
    return undefined
  }
}

/** Well-known kinds are known by now; of others, those that a VPA targets are asked for. */
async function lookupIn({ client, clock, namespace }: SnapshotOptions, discovery: Discovery, vpas: readonly Vpa[], workloads: readonly StoredWorkload[]): Promise<WorkloadLookup> {
  const known = new Map(workloads.map((workload) => [`${workload.namespace}/${workload.kind}/${workload.name}`, workload]))
  const scales = new ScaleLookup({ client, discovery, clock, random: () => 0 })
  await Promise.all(vpas.map((vpa) => vpa.spec.targetRef && !isWellKnown(vpa.spec.targetRef.kind) && scales.prefetch(vpa.namespace || (namespace ?? ''), vpa.spec.targetRef)))
  return (namespace, ref) => {
    if (!isWellKnown(ref.kind)) return scales.lookup(namespace, ref)
    return workloadAnswer(known.get(`${namespace}/${ref.kind}/${ref.name}`), ref.kind, namespace, ref.name)
  }
}

async function listOf<T>({ client, namespace, log }: SnapshotOptions, resource: Resource, project: (raw: unknown) => T, fieldSelector?: string): Promise<readonly T[]> {
  const objects: T[] = []
  const onItem = (text: string) => {
    try {
      objects.push(project(JSON.parse(text)))
    } catch (error) {
      log.warn('Cannot read an object', { kind: resource.plural, error })
    }
  }
  await readList(client, { path: pathOf(resource, resource.clusterScoped ? undefined : namespace), query: { fieldSelector }, pageSize: 500, onItem })
  return objects
}

function leaveOut({ missing }: SnapshotOptions, plural: string, error: unknown): readonly never[] {
  if (!(error instanceof ApiError)) throw error
  missing(`${plural} cannot be read: ${error.message}`)
  return []
}
