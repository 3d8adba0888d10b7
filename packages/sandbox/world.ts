import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { type DurationMs, formatTime } from '@vpa/core/time.ts'
import type { Api } from './api.ts'
import type { Clock } from './clock.ts'
import { EVENTS, type Kind, PODS } from './kind.ts'
import type { Loads } from './load.ts'
import type { NameSource } from './names.ts'
import type { Condition, KubeObject, OwnerReference, Pod, PodController } from './object.ts'
import type { Storage } from './storage.ts'

/** What the simulated controllers and the kubelet work with. */
export interface World {
  readonly storage: Storage
  readonly api: Api
  readonly clock: Clock
  readonly names: NameSource
  readonly loads: Loads
  readonly delays: Delays
}

/** How long things take on a node. */
export interface Delays {
  readonly start: DurationMs
  readonly stop: DurationMs
  readonly resize: DurationMs
  readonly job: DurationMs
}

/** Writes a status, if it differs: controllers run again and again. */
export function setStatus(world: World, kind: Kind, object: KubeObject, status: object): void {
  const current = world.storage.get(kind, `${object.metadata.namespace}/${object.metadata.name}`)
  if (current !== undefined && !isDeepStrictEqual(current.status, status)) world.storage.put(kind, { ...current, status })
}

/** Pods that a controller owns and that count: neither deleting nor finished. */
export function activePodsOf(world: World, owner: KubeObject): readonly Pod[] {
  return podsOf(world, owner).filter(({ metadata, status }) => metadata.deletionTimestamp === undefined && !['Succeeded', 'Failed'].includes(status.phase))
}

export function podsOf({ storage }: World, owner: KubeObject): readonly Pod[] {
  return (storage.list(PODS) as readonly Pod[]).filter(({ metadata }) => ownerOf(metadata.ownerReferences)?.uid === owner.metadata.uid)
}

export function ownerOf(references: readonly OwnerReference[] | undefined): OwnerReference | undefined {
  return references?.find(({ controller }) => controller === true)
}

export function ownerReference({ apiVersion, kind, metadata }: KubeObject): OwnerReference {
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true, blockOwnerDeletion: true }
}

/** Creates a pod of a controller's template; one that is refused is tried again with the next step. */
export async function createPod(world: World, owner: PodController, { name, labels }: { name?: string; labels?: Record<string, string> } = {}): Promise<void> {
  const { template } = owner.spec
  const metadata = {
    ...(name === undefined ? { generateName: `${owner.metadata.name}-` } : { name }),
    labels: { ...template.metadata?.labels, ...labels },
    ...(template.metadata?.annotations && { annotations: template.metadata.annotations }),
    ownerReferences: [ownerReference(owner)],
  }
  try {
    const pod = await world.api.create(PODS, owner.metadata.namespace, { metadata, spec: structuredClone(template.spec) })
    recordEvent(world, owner, { reason: 'SuccessfulCreate', message: `Created pod: ${pod.metadata.name}`, from: `${owner.kind.toLowerCase()}-controller` })
  } catch (error) {
    recordEvent(world, owner, { type: 'Warning', reason: 'FailedCreate', message: `Error creating: ${error instanceof Error ? error.message : String(error)}`, from: `${owner.kind.toLowerCase()}-controller` })
  }
}

export function isReady({ status }: Pod): boolean {
  return (status.conditions ?? []).some((condition) => condition.type === 'Ready' && condition.status === 'True')
}

/** The conditions with one of them set; its time changes only with its status. */
export function withCondition(conditions: readonly Condition[] | undefined, condition: Condition, now: number): Condition[] {
  const before = conditions?.find(({ type }) => type === condition.type)
  const lastTransitionTime = before?.status === condition.status && before.lastTransitionTime ? before.lastTransitionTime : formatTime(now)
  const next = { ...condition, lastTransitionTime }
  return before ? (conditions ?? []).map((other) => (other === before ? next : other)) : [...(conditions ?? []), next]
}

/** What people see in `kubectl describe`. The same event again raises its count: its name is a hash of what it says, so that it is found without a search through thousands. */
export function recordEvent({ storage, clock, names }: World, about: KubeObject, { type = 'Normal', reason, message, from }: { type?: string; reason: string; message: string; from: string }): void {
  const { namespace = 'default', name, uid, resourceVersion } = about.metadata
  const time = formatTime(clock.now())
  const id = createHash('sha256').update(JSON.stringify([uid, reason, message])).digest('hex').slice(0, 16)
  const eventName = `${name}.${id}`
  const earlier = storage.get(EVENTS, `${namespace}/${eventName}`)
  if (earlier) {
    storage.put(EVENTS, { ...earlier, count: Number(earlier['count']) + 1, lastTimestamp: time })
    return
  }
  storage.put(EVENTS, {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: eventName, namespace, uid: names.uid(), resourceVersion: '', creationTimestamp: time },
    involvedObject: { apiVersion: about.apiVersion, kind: about.kind, namespace, name, uid, resourceVersion },
    type,
    reason,
    message,
    count: 1,
    firstTimestamp: time,
    lastTimestamp: time,
    source: { component: from },
    reportingComponent: from,
    reportingInstance: '',
  })
}
