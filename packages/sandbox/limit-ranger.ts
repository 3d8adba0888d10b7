import { forbidden } from './api-error.ts'
import { amountOf } from './amount.ts'
import { type Kind, PODS } from './kind.ts'
import type { Container, KubeObject, Pod, Resources } from './object.ts'
import type { Storage } from './storage.ts'

export type LimitRanger = (pod: KubeObject) => KubeObject

type Amounts = Record<string, string | number>
interface LimitItem { type: string; min?: Amounts; max?: Amounts; default?: Amounts; defaultRequest?: Amounts }

/** The admission plugin of that name: a namespace's LimitRanges give containers their defaults and refuse what is out of bounds. */
export function limitRanger(storage: Storage, limitRanges: Kind): LimitRanger {
  return (object) => {
    const pod = object as Pod
    const items = storage.list(limitRanges)
      .filter(({ metadata }) => metadata.namespace === pod.metadata.namespace)
      .flatMap(({ spec }) => (spec as { limits?: LimitItem[] }).limits ?? [])
      .filter(({ type }) => type === 'Container')
    if (items.length === 0) return pod
    const containers = pod.spec.containers.map((container) => items.reduce(withItem, container))
    for (const container of containers) for (const item of items) check(pod, container, item)
    return { ...pod, spec: { ...pod.spec, containers } }
  }
}

function withItem(container: Container, item: LimitItem): Container {
  const given = container.resources ?? {}
  const limits = { ...item.default, ...given.limits }
  const requests = { ...(item.defaultRequest ?? item.default), ...given.limits, ...given.requests }
  const resources: Resources = { ...(Object.keys(limits).length > 0 && { limits }), ...(Object.keys(requests).length > 0 && { requests }) }
  return { ...container, resources }
}

function check(pod: Pod, { resources = {} }: Container, { min, max }: LimitItem): void {
  for (const name of ['cpu', 'memory'] as const) {
    const low = amountOf(min, name)
    const high = amountOf(max, name)
    const request = amountOf(resources.requests, name) ?? 0
    const limit = amountOf(resources.limits, name) ?? Infinity
    if (low !== undefined && request < low) throw forbidden(PODS, pod.metadata.name, `minimum ${name} usage per Container is ${min?.[name]}, but request is ${resources.requests?.[name] ?? 0}`)
    if (high !== undefined && limit > high) throw forbidden(PODS, pod.metadata.name, `maximum ${name} usage per Container is ${max?.[name]}, but limit is ${resources.limits?.[name] ?? 'not set'}`)
  }
}
