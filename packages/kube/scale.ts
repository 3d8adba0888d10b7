import { type RawMeta, projectOwners } from '@vpa/core/api/object.ts'
import type { LabelSelector } from '@vpa/core/selector.ts'
import type { ObjectRef, WorkloadAnswer } from '@vpa/core/target/workload.ts'
import { type DurationMs, HOUR, MINUTE, SECOND } from '@vpa/core/time.ts'
import { isNotFound } from './api-error.ts'
import type { Client } from './client.ts'
import type { Clock } from './clock.ts'
import type { DiscoveredResource, Discovery } from './discovery.ts'
import { messageOf } from './error-message.ts'
import { objectPath } from './resources.ts'
import { parseSelector } from './selector-text.ts'
import { Turns } from './turns.ts'

export interface ScaleLookupOptions {
  readonly client: Client
  readonly discovery: Discovery
  readonly clock: Clock
  /** From 0 up to 1; spreads the times at which answers are asked for again. */
  readonly random: () => number
}

/** Times are the clock's uptime. */
interface Entry {
  answer: WorkloadAnswer
  askAgainAt: DurationMs
  usedAt: DurationMs
  asking: Promise<void> | undefined
}

const FOUND_LIFETIME = 10 * MINUTE
const NOT_FOUND_LIFETIME = MINUTE
const FAILED_LIFETIME = 5 * SECOND
const UNUSED_LIFETIME = HOUR
/** In a namespace: in the owner of a pod, anybody may name what is not there. Some 5 MB. */
const MOST_NOT_FOUND = 5000
/** So many are forgotten at once: to look for the oldest each time would be slow. */
const FORGOTTEN_AT_ONCE = 500
/** So that requests of other kinds do not wait behind all of these. */
const MOST_AT_ONCE = 50
/** Of any object in Kubernetes. */
const LONGEST = { namespace: 63, name: 253, kind: 63, apiVersion: 253 + '/'.length + 63 }

/**
 * Workloads of any kind that has a scale subresource. Reads are synchronous and come from a cache: an answer that is due is
 * still given while it is asked for again, and a workload that the API server was never asked about is on its way for the
 * next reader. (Upstream: ControllerFetcher and its controllerCacheStorage.)
 *
 * That a kind cannot be scaled is known of the kind, not of each object. What was found is remembered as long as it is used: there is no
 * more of it than the cluster has. Of all else, the latest {@link MOST_NOT_FOUND} of each namespace, so that none pushes out what others need.
 */
export class ScaleLookup {
  readonly #options: ScaleLookupOptions
  readonly #found = new Map<string, Entry>()
  /** By namespace; the least recently used first. */
  readonly #notFound = new Map<string, Map<string, Entry>>()
  readonly #turns = new Turns(MOST_AT_ONCE)
  #sweptAt: DurationMs

  constructor(options: ScaleLookupOptions) {
    this.#options = options
    this.#sweptAt = options.clock.uptime()
  }

  lookup(namespace: string, ref: ObjectRef): WorkloadAnswer {
    return this.#withoutAsking(namespace, ref) ?? this.#entry(namespace, ref).answer
  }

  /** Resolves when there is an answer, which {@link lookup} then gives, unless too many wait for theirs. */
  async prefetch(namespace: string, ref: ObjectRef): Promise<void> {
    if (isTooLong(namespace, ref)) return
    await this.#options.discovery.resourcesOf(groupOf(ref), ref.kind).catch(() => {})
    if (this.#withoutAsking(namespace, ref) === undefined) await this.#entry(namespace, ref).asking
  }

  /** What is known of any object of that kind, or with such a name; undefined where this very one must be asked for. */
  #withoutAsking(namespace: string, ref: ObjectRef): WorkloadAnswer | undefined {
    if (isTooLong(namespace, ref)) return { missing: 'not-found', message: 'no object can have a name, namespace, kind or API version of that length' }
    const resources = this.#options.discovery.knownResourcesOf(groupOf(ref), ref.kind)
    return resources && !resources.some(isScalable) ? notScalable(ref, resources) : undefined
  }

  #entry(namespace: string, ref: ObjectRef): Entry {
    const now = this.#options.clock.uptime()
    // All versions of a group hold the same objects.
    const key = `${namespace}/${groupOf(ref)}/${ref.kind}/${ref.name}`
    const entry = this.#found.get(key) ?? this.#notFound.get(namespace)?.get(key) ?? {
      answer: { failed: `the scale of ${ref.kind} ${namespace}/${ref.name} has not been read yet` },
      askAgainAt: now,
      usedAt: now,
      asking: undefined,
    }
    entry.usedAt = now
    this.#remember(namespace, key, entry)
    if (now >= entry.askAgainAt && entry.asking === undefined && this.#turns.waitingOf(namespace) < MOST_NOT_FOUND) {
      this.#sweep(now)
      entry.asking = this.#turns.take(namespace, () => this.#ask(entry, namespace, ref)).then(() => this.#remember(namespace, key, entry))
    }
    return entry
  }

  #remember(namespace: string, key: string, entry: Entry): void {
    const others = this.#notFound.get(namespace) ?? new Map<string, Entry>()
    others.delete(key)
    if ('found' in entry.answer) return void this.#found.set(key, entry)
    this.#found.delete(key)
    this.#notFound.set(namespace, others.set(key, entry))
    if (others.size <= MOST_NOT_FOUND) return
    for (const oldest of others.keys()) if (others.size > MOST_NOT_FOUND - FORGOTTEN_AT_ONCE) others.delete(oldest)
  }

  async #ask(entry: Entry, namespace: string, ref: ObjectRef): Promise<void> {
    const answer = await this.#read(namespace, ref).catch((error: unknown) => ({ failed: messageOf(error) }))
    // What was true before an outage is better than nothing.
    if (!('failed' in answer) || 'failed' in entry.answer) entry.answer = answer
    entry.askAgainAt = this.#options.clock.uptime() + lifetimeOf(answer) * (1 + this.#options.random())
    entry.asking = undefined
  }

  async #read(namespace: string, ref: ObjectRef): Promise<WorkloadAnswer> {
    const resources = await this.#options.discovery.resourcesOf(groupOf(ref), ref.kind)
    let missing = notScalable(ref, resources)
    for (const resource of resources.filter(isScalable)) {
      try {
        return await this.#readScale(namespace, ref, resource)
      } catch (error) {
        if (!isNotFound(error)) throw error
        missing = { missing: 'not-found', message: (error as Error).message }
      }
    }
    return missing
  }

  async #readScale(namespace: string, ref: ObjectRef, resource: DiscoveredResource): Promise<WorkloadAnswer> {
    const path = `${objectPath(resource, { namespace, name: ref.name })}/scale`
    const { metadata, spec, status } = await this.#options.client.request<RawScale>({ path })
    const selector: LabelSelector | undefined = status?.selector ? parseSelector(status.selector) : undefined
    if (status?.selector && selector === undefined) return { failed: `not a label selector: ${JSON.stringify(status.selector)}` }
    return {
      found: {
        apiVersion: ref.apiVersion,
        kind: ref.kind,
        namespace,
        name: ref.name,
        owners: projectOwners(metadata),
        ...(selector && { selector }),
        ...(spec?.replicas !== undefined && { replicas: spec.replicas }),
      },
    }
  }

  #sweep(now: DurationMs): void {
    if (now - this.#sweptAt < UNUSED_LIFETIME) return
    this.#sweptAt = now
    for (const entries of [this.#found, ...this.#notFound.values()]) {
      for (const [key, { usedAt }] of entries) if (now - usedAt >= UNUSED_LIFETIME) entries.delete(key)
    }
    for (const [namespace, entries] of this.#notFound) if (entries.size === 0) this.#notFound.delete(namespace)
  }
}

function lifetimeOf(answer: WorkloadAnswer): DurationMs {
  if ('failed' in answer) return FAILED_LIFETIME
  return 'found' in answer ? FOUND_LIFETIME : NOT_FOUND_LIFETIME
}

function isScalable({ subresources }: DiscoveredResource): boolean {
  return subresources.includes('scale')
}

/** @param resources where the kind is served; empty: nowhere */
function notScalable({ kind, ...ref }: ObjectRef, resources: readonly DiscoveredResource[]): WorkloadAnswer {
  return { missing: 'not-scalable', message: resources.length === 0 ? `no matches for kind "${kind}" in group "${groupOf(ref)}"` : 'the server could not find the requested resource' }
}

function isTooLong(namespace: string, { name, kind, apiVersion }: ObjectRef): boolean {
  return namespace.length > LONGEST.namespace || name.length > LONGEST.name || kind.length > LONGEST.kind || apiVersion.length > LONGEST.apiVersion
}

/** `apps` of `apps/v1`, empty of `v1`. */
function groupOf({ apiVersion }: Pick<ObjectRef, 'apiVersion'>): string {
  return apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''
}

interface RawScale {
  readonly metadata?: RawMeta
  readonly spec?: { readonly replicas?: number }
  readonly status?: { readonly selector?: string }
}
