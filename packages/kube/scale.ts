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
/** Discovery tells it, which remembers by itself: to ask again costs no request. */
const NOT_SCALABLE_LIFETIME = 5 * SECOND
const OTHER_LIFETIME = MINUTE
const UNUSED_LIFETIME = HOUR
/** In the owner of a pod, anybody may name what is not there; some 20 MB. */
const MOST_NOT_FOUND = 20_000
/** So that requests of other kinds do not wait behind all of these. */
const MOST_AT_ONCE = 50
/** Of any object in Kubernetes. */
const LONGEST = { namespace: 63, name: 253, kind: 63, apiVersion: 253 + '/'.length + 63 }

/**
 * Workloads of any kind that has a scale subresource. Reads are synchronous and come from a cache: an answer that is due is
 * still given while it is asked for again, and a workload that the API server was never asked about is on its way for the
 * next reader. (Upstream: ControllerFetcher and its controllerCacheStorage.)
 *
 * What was found is remembered as long as it is used: there is no more of it than the cluster has. Of all else, the latest {@link MOST_NOT_FOUND}.
 */
export class ScaleLookup {
  readonly #options: ScaleLookupOptions
  readonly #discovery: Discovery
  readonly #found = new Map<string, Entry>()
  /** The least recently used first. */
  readonly #notFound = new Map<string, Entry>()
  readonly #turns = new Turns(MOST_AT_ONCE)
  #sweptAt: DurationMs

  constructor(options: ScaleLookupOptions) {
    this.#options = options
    this.#discovery = options.discovery
    this.#sweptAt = options.clock.uptime()
  }

  lookup(namespace: string, ref: ObjectRef): WorkloadAnswer {
    if (isTooLong(namespace, ref)) return { missing: 'not-found', message: 'no object can have a name, namespace, kind or API version of that length' }
    return this.#entry(namespace, ref).answer
  }

  /** Resolves when there is an answer, which {@link lookup} then gives, unless too many wait for theirs. */
  async prefetch(namespace: string, ref: ObjectRef): Promise<void> {
    if (!isTooLong(namespace, ref)) await this.#entry(namespace, ref).asking
  }

  #entry(namespace: string, ref: ObjectRef): Entry {
    const now = this.#options.clock.uptime()
    // All versions of a group hold the same objects.
    const key = `${namespace}/${groupOf(ref)}/${ref.kind}/${ref.name}`
    const entry = this.#found.get(key) ?? this.#notFound.get(key) ?? {
      answer: { failed: `the scale of ${ref.kind} ${namespace}/${ref.name} has not been read yet` },
      askAgainAt: now,
      usedAt: now,
      asking: undefined,
    }
    entry.usedAt = now
    this.#remember(key, entry)
    if (now >= entry.askAgainAt && entry.asking === undefined && this.#turns.waiting < MOST_NOT_FOUND) {
      this.#sweep(now)
      entry.asking = this.#turns.take(() => this.#ask(entry, namespace, ref)).then(() => this.#remember(key, entry))
    }
    return entry
  }

  #remember(key: string, entry: Entry): void {
    this.#notFound.delete(key)
    if ('found' in entry.answer) return void this.#found.set(key, entry)
    this.#found.delete(key)
    this.#notFound.set(key, entry)
    const [oldest] = this.#notFound.keys()
    if (this.#notFound.size > MOST_NOT_FOUND && oldest !== undefined) this.#notFound.delete(oldest)
  }

  async #ask(entry: Entry, namespace: string, ref: ObjectRef): Promise<void> {
    const answer = await this.#read(namespace, ref).catch((error: unknown) => ({ failed: messageOf(error) }))
    // What was true before an outage is better than nothing.
    if (!('failed' in answer && 'found' in entry.answer)) entry.answer = answer
    entry.askAgainAt = this.#options.clock.uptime() + lifetimeOf(answer) * (1 + this.#options.random())
    entry.asking = undefined
  }

  async #read(namespace: string, ref: ObjectRef): Promise<WorkloadAnswer> {
    const group = groupOf(ref)
    const resources = await this.#discovery.resourcesOf(group, ref.kind)
    if (resources.length === 0) return { missing: 'not-scalable', message: `no matches for kind "${ref.kind}" in group "${group}"` }
    let missing: WorkloadAnswer = { missing: 'not-scalable', message: 'the server could not find the requested resource' }
    for (const resource of resources.filter(({ subresources }) => subresources.includes('scale'))) {
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
    for (const entries of [this.#found, this.#notFound]) {
      for (const [key, { usedAt }] of entries) if (now - usedAt >= UNUSED_LIFETIME) entries.delete(key)
    }
  }
}

function lifetimeOf(answer: WorkloadAnswer): DurationMs {
  if ('found' in answer) return FOUND_LIFETIME
  return 'missing' in answer && answer.missing === 'not-scalable' ? NOT_SCALABLE_LIFETIME : OTHER_LIFETIME
}

function isTooLong(namespace: string, { name, kind, apiVersion }: ObjectRef): boolean {
  return namespace.length > LONGEST.namespace || name.length > LONGEST.name || kind.length > LONGEST.kind || apiVersion.length > LONGEST.apiVersion
}

/** `apps` of `apps/v1`, empty of `v1`. */
function groupOf({ apiVersion }: ObjectRef): string {
  return apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''
}

interface RawScale {
  readonly metadata?: RawMeta
  readonly spec?: { readonly replicas?: number }
  readonly status?: { readonly selector?: string }
}
