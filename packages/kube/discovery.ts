import { type DurationMs, MINUTE } from '@vpa/core/time.ts'
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

/** Which kinds the API server serves, and where; remembered for five minutes per group. */
export class Discovery {
  readonly #client: Client
  readonly #clock: Clock
  /** `at` is the clock's uptime. */
  readonly #groups = new Map<string, { readonly at: DurationMs; readonly resources: Promise<readonly GroupResource[]> }>()

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
    const resources = await this.#group(group)
    return resources.filter((resource) => resource.kind === kind)
  }

  #group(group: string): Promise<readonly GroupResource[]> {
    const known = this.#groups.get(group)
    if (known !== undefined && this.#clock.uptime() - known.at < LIFETIME) return known.resources
    const resources = this.#readGroup(group)
    this.#groups.set(group, { at: this.#clock.uptime(), resources })
    // A failure is not worth remembering.
    resources.catch(() => this.#groups.delete(group))
    return resources
  }

  async #readGroup(group: string): Promise<readonly GroupResource[]> {
    const versions = group === '' ? ['v1'] : await this.#versionsOf(group)
    const perVersion = await Promise.all(versions.map((version) => this.#readVersion(version)))
    return perVersion.flat()
  }

  async #versionsOf(group: string): Promise<readonly string[]> {
    const { versions = [], preferredVersion } = (await this.#client.find<ApiGroup>({ path: `/apis/${encodeURIComponent(group)}` })) ?? {}
    const names = versions.map(({ groupVersion }) => groupVersion)
    return preferredVersion ? [preferredVersion.groupVersion, ...names.filter((name) => name !== preferredVersion.groupVersion)] : names
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

interface ApiGroup {
  readonly versions?: readonly { groupVersion: string }[]
  readonly preferredVersion?: { groupVersion: string }
}

interface ApiResourceList {
  readonly resources?: readonly { name: string; kind: string; namespaced: boolean }[]
}
