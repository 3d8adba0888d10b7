import { isDeepStrictEqual } from 'node:util'
import type { JsonPatch } from '@vpa/core/admit/json-patch.ts'
import { checkpointStatusJson } from '@vpa/core/api/checkpoint.ts'
import { vpaStatusJson } from '@vpa/core/api/vpa.ts'
import { controllerOf } from '@vpa/core/target/owner.ts'
import { type WorkloadAnswer, isWellKnown } from '@vpa/core/target/workload.ts'
import { isConflict, isNotFound } from './api-error.ts'
import { Client, type ClientOptions } from './client.ts'
import type { CheckpointWrite, Cluster, ObjectName, Outcome } from './cluster.ts'
import { openCredentials } from './credentials.ts'
import { Discovery, servesResize } from './discovery.ts'
import { EventRecorder } from './events.ts'
import { readEventsAbout } from './events-about.ts'
import { readExternalMetric } from './external-metrics.ts'
import { type InformerOptions, Informers } from './informers.ts'
import { readLease } from './lease.ts'
import { readUsage } from './metrics-api.ts'
import { outcomeOf } from './outcome.ts'
import { CHECKPOINTS, PODS, VPAS, objectPath, pathOf } from './resources.ts'
import { ScaleLookup } from './scale.ts'

export interface OpenClientOptions extends Omit<ClientOptions, 'credentials' | 'userAgent'> {
  /** A file, or several that say one thing together; empty means the ServiceAccount of the pod we run in. */
  readonly kubeconfig: string | readonly string[]
  /** The current one of the kubeconfig unless told. */
  readonly context?: string | undefined
  /** Who we are in user agents and events, such as `vpa-updater`. */
  readonly source: string
}

export interface ConnectOptions extends OpenClientOptions, Omit<InformerOptions, 'client'> {
  /**
   * Whether this replica may work at this very moment. Nothing is done to the cluster otherwise: a process that was frozen in the middle of
   * its loop, and that another has followed meanwhile, would evict once more when it wakes, or put older usage into a checkpoint. Default: it may.
   */
  readonly leads?: () => boolean
}

type Writer = Pick<Client, 'request'>

/** Of owners: two or three are usual. */
const LONGEST_CHAIN = 10

/** @throws Error that says what is wrong with the kubeconfig or the ServiceAccount */
export async function openClient(options: OpenClientOptions): Promise<Client> {
  return new Client({ ...options, credentials: await openCredentials(options), userAgent: options.source })
}

/**
 * Opens the cluster and begins to watch what was asked for. That the API server cannot be reached is no error here: the watches
 * try until it can, and {@link Cluster.synced} waits for them.
 *
 * @throws Error that says what is wrong with the kubeconfig or the ServiceAccount
 */
export async function connect(options: ConnectOptions): Promise<Cluster> {
  const client = await openClient(options)
  const { clock, log, namespace, watch, random = Math.random, leads = () => true } = options
  if (!client.verifiesServer) log.warn("The API server's certificate is not verified: the kubeconfig says insecure-skip-tls-verify. Whoever answers at its address can read our token, and tell us anything")
  // A program that is told to stop must not wait for half a minute, and then evict, nor keep its lease for as long.
  const writer: Writer = { request: (request) => client.request({ ...request, retryUntil: options.signal, mayBeSent: leads }) }
  const stopped = new AbortController()
  const informers = new Informers({ ...options, client, signal: AbortSignal.any([options.signal, stopped.signal]) })
  const discovery = new Discovery(client, clock)
  const scales = new ScaleLookup({ client, discovery, clock, random })
  const events = new EventRecorder({ ...options, client: writer, signal: stopped.signal })
  const { vpas, pods, limitRanges, checkpoints, evictions, horizontalAutoscalers, nodes, resourceQuotas } = informers

  /** Targets without a store, and such owners of those that have one, are read as soon as a VPA names them, not when the first pod or tick asks. */
  async function readTarget({ namespace, spec: { targetRef } }: ReturnType<typeof vpas.get> & object): Promise<void> {
    let current = targetRef
    for (let links = 0; watch.workloads && current !== undefined && isWellKnown(current.kind) && links < LONGEST_CHAIN; links += 1) {
      const answer: WorkloadAnswer = informers.workload(current.kind, namespace, current.name)
      current = 'found' in answer ? controllerOf(answer.found) : undefined
    }
    if (current !== undefined && !isWellKnown(current.kind)) await scales.prefetch(namespace, current)
  }
  if (watch.vpas) vpas.subscribe(({ now }) => void (now && readTarget(now)))

  return {
    vpas,
    pods,
    limitRanges,
    checkpoints,
    evictions,
    horizontalAutoscalers,
    nodes,
    resourceQuotas,
    workload: (namespace, ref) => (isWellKnown(ref.kind) ? informers.workload(ref.kind, namespace, ref.name) : scales.lookup(namespace, ref)),
    usage: () => readUsage(client, log, namespace),
    externalMetric: (query) => readExternalMetric(client, query),
    eventsAbout: (query) => readEventsAbout(client, query),
    vpaExists: (vpa) => vpaExists(client, vpa),
    patchVpaStatus: (vpa, status) => patch(writer, `${objectPath(VPAS, vpa)}/status`, [{ op: 'add', path: '/status', value: vpaStatusJson(status) }]),
    editVpaStatus: (vpa, operations) => outcomeOf(patch(writer, `${objectPath(VPAS, vpa)}/status`, operations)),
    writeCheckpoint: (checkpoint) => writeCheckpoint(writer, checkpoint, checkpoints.get(checkpoint.namespace, checkpoint.name) !== undefined),
    deleteCheckpoint: (name) => deleteCheckpoint(writer, name),
    evict: (pod) => evict(writer, pod),
    resize: (pod, operations) => outcomeOf(patch(writer, `${objectPath(PODS, pod)}/resize`, [isStill(pod), ...operations])),
    patchPod: (pod, operations) => outcomeOf(patch(writer, objectPath(PODS, pod), [isStill(pod), ...operations.flatMap(addedOnce)])),
    servesResize: () => servesResize(discovery),
    readLease: (name) => readLease(client, name),
    event: (event) => events.record(event),
    async synced() {
      await informers.synced()
      if (watch.vpas) await Promise.all([...vpas.list()].map(readTarget))
    },
    async stop() {
      stopped.abort()
      await informers.ended()
      await client.close()
    },
  }
}

/** By a list of one: programs may list VPAs, but not get one. */
async function vpaExists(client: Client, { namespace, name }: ObjectName): Promise<boolean> {
  const { items } = await client.request<{ items?: readonly unknown[] }>({ path: pathOf(VPAS, namespace), query: { fieldSelector: `metadata.name=${name}` } })
  return items === undefined || items.length > 0
}

async function patch(client: Writer, path: string, operations: JsonPatch): Promise<void> {
  await client.request({ method: 'PATCH', path, body: operations })
}

/** Refuses the whole patch where another object has taken the name: that of a StatefulSet's pod is taken within seconds. */
function isStill({ uid }: { readonly uid: string }): JsonPatch[number] {
  return { op: 'test', path: '/metadata/uid', value: uid }
}

/** A map that is to be added before it can be filled may be there by now: an empty one would take its place, and what others have written into it would be gone. */
function addedOnce(operation: JsonPatch[number]): JsonPatch {
  const isEmptyMap = operation.op === 'add' && isDeepStrictEqual(operation.value, {})
  return isEmptyMap ? [{ op: 'test', path: operation.path, value: null }, operation] : [operation]
}

/** @param isStored whether our store has it: most often the only request that is needed is the right one then */
async function writeCheckpoint(client: Writer, checkpoint: CheckpointWrite, isStored: boolean): Promise<void> {
  const [write, other, isWrong] = isStored ? ([replaceCheckpoint, createCheckpoint, isNotFound] as const) : ([createCheckpoint, replaceCheckpoint, isConflict] as const)
  try {
    await write(client, checkpoint)
  } catch (error) {
    if (!isWrong(error)) throw error
    await other(client, checkpoint)
  }
}

/** The kind has no status subresource. The owner is written each time: the object may be of a VPA of this name that is gone. */
async function replaceCheckpoint(client: Writer, checkpoint: CheckpointWrite): Promise<void> {
  await patch(client, objectPath(CHECKPOINTS, checkpoint), [
    { op: 'test', path: '/spec/vpaObjectName', value: checkpoint.vpa.name },
    { op: 'test', path: '/spec/containerName', value: checkpoint.containerName },
    { op: 'add', path: '/metadata/ownerReferences', value: ownersOf(checkpoint) },
    { op: 'add', path: '/metadata/annotations', value: checkpoint.annotations },
    { op: 'add', path: '/status', value: checkpointStatusJson(checkpoint.status) },
  ])
}

async function createCheckpoint(client: Writer, checkpoint: CheckpointWrite): Promise<void> {
  const { namespace, name, vpa, containerName, annotations } = checkpoint
  const metadata = { namespace, name, ownerReferences: ownersOf(checkpoint), annotations }
  const spec = { vpaObjectName: vpa.name, containerName }
  const body = { apiVersion: CHECKPOINTS.groupVersion, kind: 'VerticalPodAutoscalerCheckpoint', metadata, spec, status: checkpointStatusJson(checkpoint.status) }
  await client.request({ method: 'POST', path: pathOf(CHECKPOINTS, namespace), body })
}

function ownersOf({ vpa }: CheckpointWrite): readonly object[] {
  return [{ apiVersion: vpa.apiVersion, kind: 'VerticalPodAutoscaler', name: vpa.name, uid: vpa.uid }]
}

async function deleteCheckpoint(client: Writer, name: ObjectName): Promise<void> {
  try {
    await client.request({ method: 'DELETE', path: objectPath(CHECKPOINTS, name) })
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}

/** Disruption budgets are enforced by the API server, which answers 429 where one says no. */
function evict(client: Writer, { namespace, name, uid }: ObjectName & { readonly uid: string }): Promise<Outcome> {
  const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { namespace, name }, deleteOptions: { preconditions: { uid } } }
  return outcomeOf(client.request({ method: 'POST', path: `${objectPath(PODS, { namespace, name })}/eviction`, body }))
}
