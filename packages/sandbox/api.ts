import { isDeepStrictEqual } from 'node:util'
import { formatTime } from '@vpa/core/time.ts'
import { MODIFIED, alreadyExists, badRequest, conflict, invalid, notFound } from './api-error.ts'
import type { Clock } from './clock.ts'
import { withDefaults } from './defaults.ts'
import { convertEvent } from './event.ts'
import { type Kind, BUILT_IN, CUSTOM_RESOURCES, NAMESPACES, NODES, PODS, groupVersionOf, kindsOf } from './kind.ts'
import type { LimitRanger } from './limit-ranger.ts'
import type { NameSource } from './names.ts'
import { type KubeObject, type Metadata, isRecord, keyOf } from './object.ts'
import { checkPodChange, checkResize } from './pod-change.ts'
import type { Storage } from './storage.ts'

export interface ObjectRef {
  readonly namespace: string | undefined
  readonly name: string
}

export interface WriteOptions {
  readonly dryRun?: boolean
  /** Which part of the object the write may change. */
  readonly part?: 'object' | 'status' | 'resize'
}

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number
  readonly propagationPolicy?: string
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string }
}

/** Asks the admission webhooks; resolves with the object as they changed it. */
export type Admission = (operation: 'CREATE' | 'UPDATE', kind: Kind, object: KubeObject, before?: KubeObject) => Promise<KubeObject>

interface ApiParts {
  readonly storage: Storage
  readonly clock: Clock
  readonly names: NameSource
  readonly limitRanger: LimitRanger
}

/** The verbs on single objects, as the API server's generic registry has them: defaults, admission, conflicts, generations, finalizers. */
export class Api {
  readonly #parts: ApiParts
  #kinds: readonly Kind[] = BUILT_IN
  /** Set once the webhooks are there; the simulation's own writes go through it too. */
  admission: Admission = (_operation, _kind, object) => Promise.resolve(object)

  constructor(parts: ApiParts) {
    this.#parts = parts
  }

  get kinds(): readonly Kind[] {
    return this.#kinds
  }

  /** @throws ApiError 404 */
  get(kind: Kind, { namespace, name }: ObjectRef): KubeObject {
    const object = this.#parts.storage.get(kind, keyOf({ name, ...(namespace && { namespace }) }))
    if (object === undefined) throw notFound(kind, name)
    return inVersion(kind, object)
  }

  has(kind: Kind, { namespace, name }: ObjectRef): boolean {
    return this.#parts.storage.get(kind, namespace ? `${namespace}/${name}` : name) !== undefined
  }

  /** @throws ApiError 400, 404 (no such namespace), 409, 422, or what a webhook denies */
  async create(kind: Kind, namespace: string | undefined, body: unknown, { dryRun = false }: WriteOptions = {}): Promise<KubeObject> {
    const prepared = withDefaults(kind, this.#withNewMetadata(kind, namespace, body))
    const limited = kind === PODS ? this.#parts.limitRanger(prepared) : prepared
    const admitted = withDefaults(kind, await this.admission('CREATE', kind, limited))
    const { storage } = this.#parts
    if (storage.get(kind, keyOf(admitted.metadata))) throw alreadyExists(kind, admitted.metadata.name)
    if (dryRun) return admitted
    const stored = storage.put(kind, asStored(kind, admitted))
    if (kind === CUSTOM_RESOURCES) this.#serve(stored)
    return inVersion(kind, storage.get(kind, keyOf(stored.metadata)) ?? stored)
  }

  /**
   * Replaces what `edit` makes of the current object, and again if somebody else was faster.
   *
   * @throws ApiError 404, 409 when the edited object carries another resource version, 422, or what a webhook denies
   */
  async update(kind: Kind, ref: ObjectRef, edit: (current: KubeObject) => KubeObject, options: WriteOptions = {}): Promise<KubeObject> {
    const { storage } = this.#parts
    for (;;) {
      const current = this.get(kind, ref)
      const edited = edit(current)
      this.#checkIdentity(kind, current, edited)
      const confined = confine(kind, current, edited, options.part ?? 'object')
      const next = options.part ? confined : withDefaults(kind, await this.admission('UPDATE', kind, confined, current))
      const stored = storage.get(kind, keyOf(current.metadata))
      if (stored?.metadata.resourceVersion !== current.metadata.resourceVersion) continue
      if (isDeepStrictEqual(next, current)) return current
      const numbered = this.#withGeneration(kind, current, next)
      if (options.dryRun) return numbered
      if (numbered.metadata.deletionTimestamp && (numbered.metadata.finalizers ?? []).length === 0 && kind !== PODS) {
        storage.remove(kind, numbered)
        return numbered
      }
      const written = storage.put(kind, asStored(kind, numbered))
      if (kind === CUSTOM_RESOURCES) this.#serve(written)
      return inVersion(kind, written)
    }
  }

  /**
   * Deletes, or marks as deleting what has finalizers, or is a pod on a node that must stop first.
   *
   * @returns the object that is still there, or undefined
   */
  delete(kind: Kind, ref: ObjectRef, options: DeleteOptions = {}): KubeObject | undefined {
    const { storage, clock } = this.#parts
    const current = this.get(kind, ref)
    const { uid, resourceVersion } = options.preconditions ?? {}
    checkPrecondition(kind, current, { what: 'UID', expected: uid, actual: current.metadata.uid, or: 'deleted and then recreated' })
    checkPrecondition(kind, current, { what: 'ResourceVersion', expected: resourceVersion, actual: current.metadata.resourceVersion, or: 'modified' })
    const grace = kind === PODS ? gracePeriod(current, options) : 0
    if (grace === 0 && (current.metadata.finalizers ?? []).length === 0) {
      storage.remove(kind, current)
      if (kind === NAMESPACES) this.#removeAll(({ metadata }) => metadata.namespace === current.metadata.name)
      if (kind === CUSTOM_RESOURCES) this.#withdraw(current)
      return undefined
    }
    if (current.metadata.deletionTimestamp) return current
    const metadata = { ...current.metadata, deletionTimestamp: formatTime(clock.now() + grace * 1000), deletionGracePeriodSeconds: grace }
    return storage.put(kind, { ...current, metadata })
  }

  #removeAll(isMeant: (object: KubeObject) => boolean, kinds = this.#kinds): void {
    const { storage } = this.#parts
    for (const kind of kinds) for (const object of storage.list(kind)) if (isMeant(object)) storage.remove(kind, object)
  }

  #withdraw(definition: KubeObject): void {
    const withdrawn = kindsOf(definition)
    this.#removeAll(() => true, withdrawn)
    this.#kinds = this.#kinds.filter((kind) => !withdrawn.some((other) => isSameKind(kind, other)))
  }

  #serve(definition: KubeObject): void {
    const served = kindsOf(definition)
    this.#kinds = [...this.#kinds.filter((kind) => !served.some((other) => isSameKind(kind, other))), ...served]
    const since = formatTime(this.#parts.clock.now())
    const conditions = ['NamesAccepted', 'Established'].map((type) => ({ type, status: 'True', reason: 'InitialNamesAccepted', message: 'the initial names have been accepted', lastTransitionTime: since }))
    const { names } = definition.spec as { names: object }
    const status = { conditions, acceptedNames: names, storedVersions: served.map(({ version }) => version) }
    if (!definition.status) this.#parts.storage.put(CUSTOM_RESOURCES, { ...definition, status })
  }

  #withNewMetadata(kind: Kind, namespace: string | undefined, body: unknown): KubeObject {
    const { storage, clock, names } = this.#parts
    const object = checkBody(kind, body)
    const given = object.metadata as Partial<Metadata> | undefined
    if (namespace !== undefined && given?.namespace && given.namespace !== namespace) throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
    if (namespace !== undefined && !storage.get(NAMESPACES, namespace)) throw notFound(NAMESPACES, namespace)
    const name = given?.name || (given?.generateName ? given.generateName + names.suffix() : '')
    checkName(kind, name)
    const metadata: Metadata = {
      ...given,
      name,
      ...(namespace !== undefined && { namespace }),
      uid: names.uid(),
      resourceVersion: '',
      creationTimestamp: formatTime(clock.now()),
      ...((kind.subresources.includes('status') || kind.custom) && { generation: 1 }),
    }
    const { status, ...rest } = object
    const dropStatus = kind.subresources.includes('status') && kind !== NODES
    return { ...rest, ...(status !== undefined && !dropStatus && { status }), metadata } as KubeObject
  }

  #checkIdentity(kind: Kind, current: KubeObject, edited: KubeObject): void {
    checkBody(kind, edited)
    const { name, resourceVersion, uid } = edited.metadata
    if (name !== current.metadata.name) throw badRequest(`the name of the object (${name}) does not match the name on the URL (${current.metadata.name})`)
    if (resourceVersion && resourceVersion !== current.metadata.resourceVersion) throw conflict(kind, name, MODIFIED)
    if (uid && uid !== current.metadata.uid) throw conflict(kind, name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata.uid}`)
  }

  /** A change of anything but metadata and status is a new generation. */
  #withGeneration(kind: Kind, current: KubeObject, next: KubeObject): KubeObject {
    if (current.metadata.generation === undefined) return next
    const facts = ({ metadata: _metadata, status, ...rest }: KubeObject) => (kind.subresources.includes('status') ? rest : { ...rest, status })
    const changed = !isDeepStrictEqual(facts(current), facts(next))
    return { ...next, metadata: { ...next.metadata, generation: current.metadata.generation + (changed ? 1 : 0) } }
  }
}

function isSameKind(a: Kind, b: Kind): boolean {
  return a.group === b.group && a.version === b.version && a.resource === b.resource
}

function confine(kind: Kind, current: KubeObject, edited: KubeObject, part: 'object' | 'status' | 'resize'): KubeObject {
  const { namespace, uid, creationTimestamp, deletionTimestamp, resourceVersion, generation } = current.metadata
  const fixed = { namespace, uid, creationTimestamp, deletionTimestamp, resourceVersion, generation }
  const metadata = { ...edited.metadata, ...(Object.fromEntries(Object.entries(fixed).filter(([, value]) => value !== undefined)) as unknown as Metadata) }
  if (part === 'status') return { ...current, ...(edited.status !== undefined && { status: edited.status }) }
  if (part === 'resize') return checkResize(kind, current, edited)
  const { status: _status, ...rest } = edited
  const keepsStatus = kind.subresources.includes('status')
  const next = keepsStatus ? { ...rest, ...(current.status !== undefined && { status: current.status }), metadata } : { ...edited, metadata }
  if (kind === PODS) checkPodChange(kind, current, next)
  return next
}

function checkBody(kind: Kind, body: unknown): Record<string, unknown> & { metadata?: unknown } {
  if (!isRecord(body)) throw badRequest('the object provided is unrecognized (must be of type ' + kind.kind + ')')
  const expected = groupVersionOf(kind)
  if (body['kind'] !== undefined && body['kind'] !== kind.kind) throw badRequest(`${body['kind']} in version "${body['apiVersion']}" cannot be handled as a ${kind.kind}: converting to ${kind.kind} is not possible`)
  if (body['apiVersion'] !== undefined && body['apiVersion'] !== expected) throw badRequest(`the API version in the data (${body['apiVersion']}) does not match the expected API version (${expected})`)
  return { ...body, apiVersion: expected, kind: kind.kind }
}

function checkName(kind: Kind, name: string): void {
  if (name === '') throw invalid(kind, '', [{ reason: 'FieldValueRequired', field: 'metadata.name', message: 'Required value: name or generateName is required' }])
  if (kind.group === 'rbac.authorization.k8s.io' || /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(name)) return
  const rule = 'a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, \'-\' or \'.\', and must start and end with an alphanumeric character'
  throw invalid(kind, name, [{ reason: 'FieldValueInvalid', field: 'metadata.name', message: `Invalid value: ${JSON.stringify(name)}: ${rule}` }])
}

function checkPrecondition(kind: Kind, { metadata }: KubeObject, { what, expected, actual, or }: { what: string; expected: string | undefined; actual: string; or: string }): void {
  if (expected === undefined || expected === actual) return
  // Here alone the message names the kind, not the resource.
  const problem = `the ${what} in the precondition (${expected}) does not match the ${what} in record (${actual}). The object might have been ${or}`
  throw conflict({ ...kind, resource: kind.kind }, metadata.name, problem)
}

/** Seconds until a deleted pod is gone; none on no node, where nothing has to stop. */
function gracePeriod(pod: KubeObject, { gracePeriodSeconds }: DeleteOptions): number {
  const spec = pod.spec as { nodeName?: string; terminationGracePeriodSeconds?: number }
  return spec.nodeName ? (gracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? 30) : 0
}

/** Both kinds of events are stored as core events. */
function asStored(kind: Kind, object: KubeObject): KubeObject {
  return kind.group === 'events.k8s.io' ? convertEvent(object, 'v1') : object
}

/** The object in the version it is asked for. */
export function inVersion(kind: Kind, object: KubeObject): KubeObject {
  const expected = groupVersionOf(kind)
  if (object.apiVersion === expected) return object
  return kind.resource === 'events' ? convertEvent(object, expected) : { ...object, apiVersion: expected }
}
