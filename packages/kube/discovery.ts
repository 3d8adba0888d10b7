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
/** Whatever groups are named, the list of all is read no more often. */
const LIST_LIFETIME = 5 * SECOND

/** By group, its versions, the preferred one first. */
type Versions = ReadonlyMap<string, readonly string[]>

/** `at` is the clock's uptime. */
interface Read<T> {
  readonly at: DurationMs
  readonly answer: Promise<T>
}

/**
 * Which kinds the API server serves, and where; remembered for five minutes per group. Anybody may name a group, in the owner of a pod or the
 * target of a VPA: one that is not served costs neither a request of its own nor memory.
 */
export class Discovery {
  readonly #client: Client
  readonly #clock: Clock
  #list: Read<Versions> | undefined
  /** Of groups that are served, or were. */
  readonly #groups = new Map<string, Read<readonly GroupResource[]>>()

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
    const resources = await (this.#known(group) ?? this.#read(group))
    return resources.filter((resource) => resource.kind === kind)
  }

  #known(group: string): Promise<readonly GroupResource[]> | undefined {
    const known = this.#groups.get(group)
    return known !== undefined && this.#clock.uptime() - known.at < LIFETIME ? known.answer : undefined
  }

  async #read(group: string): Promise<readonly GroupResource[]> {
    const versions = group === '' ? ['v1'] : (await this.#versions()).get(group)
    if (versions === undefined) {
      this.#groups.delete(group)
      return []
    }
    // Others may have waited for the list as well.
    const known = this.#known(group)
    if (known !== undefined) return known
    const answer = Promise.all(versions.map((version) => this.#readVersion(version))).then((perVersion) => perVersion.flat())
    this.#groups.set(group, { at: this.#clock.uptime(), answer })
    // A failure is not worth remembering.
    answer.catch(() => this.#groups.delete(group))
    return answer
  }

  /** Also a failure is remembered: each of many groups would ask again. */
  #versions(): Promise<Versions> {
    if (this.#list === undefined || this.#clock.uptime() - this.#list.at >= LIST_LIFETIME) this.#list = { at: this.#clock.uptime(), answer: this.#readVersions() }
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
