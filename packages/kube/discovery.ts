import { type DurationMs, MINUTE, SECOND } from '@vpa/core/time.ts'
import type { Client } from './client.ts'
import type { Clock } from './clock.ts'
import { type Resource, rootOf } from './resources.ts'

export interface DiscoveredResource extends Resource {
  /** Such as `scale` and `status`. */
  readonly subresources: readonly string[]
}

interface GroupResource extends DiscoveredResource {
  readonly kind: string
}

const LIFETIME = 5 * MINUTE
/** Of what is not there, and of failures: whatever is named, nothing is read more often. */
const SHORT_LIFETIME = 5 * SECOND

/** By group, its versions, the preferred one first. */
type Versions = ReadonlyMap<string, readonly string[]>

/** The last reading; `at` is the clock's uptime when it began. */
interface Reading<T> {
  readonly at: DurationMs
  readonly answer: Promise<T>
  /** Of the last one that went well: what was true before an outage is better than nothing. */
  known: T | undefined
  hasFailed: boolean
}

/**
 * Which kinds the API server serves, and where; remembered for five minutes per group. Anybody may name a group, in the owner of a pod or the
 * target of a VPA: one that is not served costs neither a request of its own nor memory.
 */
export class Discovery {
  readonly #client: Client
  readonly #clock: Clock
  #list: Reading<Versions> | undefined
  /** Of groups that are served, or were. */
  readonly #groups = new Map<string, Reading<readonly GroupResource[]>>()

  constructor(client: Client, clock: Clock) {
    this.#client = client
    this.#clock = clock
  }

  /**
   * @param group empty for the core group
   * @returns the kind in each version of its group, the preferred one first; empty where it is not served
   * @throws ApiError or Error when the API server could not be asked
   */
  async resourcesOf(group: string, kind: string): Promise<readonly DiscoveredResource[]> {
    const known = this.#groups.get(group)
    const resources = await (known && this.#isFresh(known, kind) ? known.answer : this.#read(group))
    return ofKind(resources, kind)
  }

  /** What {@link resourcesOf} last told, or would have, without a wait; undefined before the first answer. What is due is asked for, for the next reader. */
  knownResourcesOf(group: string, kind: string): readonly DiscoveredResource[] | undefined {
    const known = this.#groups.get(group)
    const isNotServed = known === undefined && group !== '' && this.#list?.known?.has(group) === false
    const isFresh = isNotServed ? this.#isListFresh() : known && this.#isFresh(known, kind)
    if (!isFresh) void this.#read(group).catch(() => {})
    return isNotServed ? [] : known?.known && ofKind(known.known, kind)
  }

  #isFresh({ at, known, hasFailed }: Reading<readonly GroupResource[]>, kind: string): boolean {
    const isThere = !hasFailed && (known === undefined || ofKind(known, kind).length > 0)
    return this.#clock.uptime() - at < (isThere ? LIFETIME : SHORT_LIFETIME)
  }

  #isListFresh(): boolean {
    return this.#list !== undefined && this.#clock.uptime() - this.#list.at < SHORT_LIFETIME
  }

  async #read(group: string): Promise<readonly GroupResource[]> {
    const due = this.#clock.uptime()
    const versions = group === '' ? ['v1'] : (await this.#versions()).get(group)
    const before = this.#groups.get(group)
    if (versions === undefined) {
      this.#groups.delete(group)
      return []
    }
    // Others may have waited for the list as well.
    if (before !== undefined && before.at >= due) return before.answer
    const answer = Promise.all(versions.map((version) => this.#readVersion(version))).then((perVersion) => perVersion.flat())
    this.#groups.set(group, readingOf(due, answer, before?.known))
    return answer
  }

  #versions(): Promise<Versions> {
    if (this.#list === undefined || !this.#isListFresh()) this.#list = readingOf(this.#clock.uptime(), this.#readVersions(), this.#list?.known)
    return this.#list.answer
  }

  async #readVersions(): Promise<Versions> {
    const { groups = [] } = await this.#client.request<ApiGroupList>({ path: '/apis' })
    return new Map(groups.map(({ name, versions = [], preferredVersion }) => {
      const names = versions.map(({ groupVersion }) => groupVersion)
      return [name, preferredVersion ? [preferredVersion.groupVersion, ...names.filter((other) => other !== preferredVersion.groupVersion)] : names]
    }))
  }

  async #readVersion(groupVersion: string): Promise<readonly GroupResource[]> {
    const { resources = [] } = await this.#client.request<ApiResourceList>({ path: rootOf(groupVersion) })
    return resources
      .filter(({ name, namespaced }) => namespaced && !name.includes('/'))
      .map(({ name, kind }) => ({ kind, groupVersion, plural: name, subresources: subresourcesOf(name, resources) }))
  }
}

/**
 * Whether `pods/resize` is served. An API server that cannot be asked now is taken to serve it: a resize that it refuses is an outcome like others.
 *
 * @param onUnknown told why it cannot be asked
 */
export async function servesResize(discovery: Discovery, onUnknown: (error: unknown) => void = () => {}): Promise<boolean> {
  try {
    const kinds = await discovery.resourcesOf('', 'Pod')
    return kinds.some(({ subresources }) => subresources.includes('resize'))
  } catch (error) {
    onUnknown(error)
    return true
  }
}

function readingOf<T>(at: DurationMs, answer: Promise<T>, known: T | undefined): Reading<T> {
  const reading: Reading<T> = { at, answer, known, hasFailed: false }
  answer.then((read) => (reading.known = read), () => (reading.hasFailed = true))
  return reading
}

function ofKind(resources: readonly GroupResource[], kind: string): readonly DiscoveredResource[] {
  return resources.filter((resource) => resource.kind === kind)
}

function subresourcesOf(plural: string, resources: readonly { name: string }[]): readonly string[] {
  const prefix = `${plural}/`
  return resources.filter(({ name }) => name.startsWith(prefix)).map(({ name }) => name.slice(prefix.length))
}

interface ApiGroupList {
  readonly groups?: readonly {
    readonly name: string
    readonly versions?: readonly { groupVersion: string }[]
    readonly preferredVersion?: { groupVersion: string }
  }[]
}

interface ApiResourceList {
  readonly resources?: readonly { name: string; kind: string; namespaced: boolean }[]
}
