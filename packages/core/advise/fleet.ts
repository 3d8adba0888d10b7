import { type Amount, RESOURCES, type Resource } from '../amount.ts'
import type { Pod } from '../api/pod.ts'
import type { Vpa } from '../api/vpa.ts'
import { SelectorIndex } from '../target/selector-index.ts'
import { selectorOfTarget } from '../target/target-check.ts'
import type { WorkloadLookup } from '../target/workload.ts'
import { type ContainerAdvice, type UsageOf, adviceFor } from './container-advice.ts'
import type { Prices } from './price.ts'
import { SEVERITIES, type Severity } from './severity.ts'

/** All that is advised, and what it comes to. */
export interface Fleet {
  readonly containers: readonly ContainerAdvice[]
  readonly totals: FleetTotals
}

export interface FleetTotals {
  readonly vpas: number
  readonly pods: number
  /** All requests of all pods, now and as recommended; millicores and bytes. */
  readonly requested: Readonly<Record<Resource, Amount>>
  readonly recommended: Readonly<Record<Resource, Amount>>
  readonly monthly: ContainerAdvice['monthly']
  readonly severities: Readonly<Record<Severity, number>>
}

export const FLEET_ORDERS = ['waste', 'severity', 'name', 'cpu', 'memory'] as const
export type FleetOrder = (typeof FLEET_ORDERS)[number]

export interface FleetFacts {
  readonly vpas: readonly Vpa[]
  readonly pods: readonly Pod[]
  readonly usage: readonly UsageOf[]
  readonly workload: WorkloadLookup
}

/** Advice on every container of every VPA; in order of waste, which is what could be saved a month, unless told otherwise. */
export function fleetOf({ vpas, pods, usage, workload }: FleetFacts, prices: Prices, order: FleetOrder): Fleet {
  const podsOf = podsByVpa(vpas, pods.filter(({ deleting }) => !deleting), workload)
  const usageOf = Map.groupBy(usage, ({ namespace, podName }) => `${namespace}/${podName}`)
  const containers = [...podsOf].flatMap(([vpa, own]) => adviceFor(vpa, own, own.flatMap(({ namespace, name }) => usageOf.get(`${namespace}/${name}`) ?? []), prices))
  return { containers: containers.toSorted(byName).toSorted(ORDERS[order]), totals: totalsOf(containers) }
}

/** As the recommender sees it: by the selector of the target, so that a VPA has pods also beside an older one of the same target. */
export function podsByVpa(vpas: readonly Vpa[], pods: readonly Pod[], workload: WorkloadLookup): ReadonlyMap<Vpa, readonly Pod[]> {
  const podsOf = new Map<Vpa, Pod[]>(vpas.map((vpa) => [vpa, []]))
  const index = new SelectorIndex<Vpa>()
  for (const vpa of vpas) {
    const answer = selectorOfTarget(vpa, workload)
    if ('selector' in answer) index.add(vpa.namespace, answer.selector, vpa)
  }
  for (const pod of pods) for (const vpa of index.matching(pod.namespace, pod.labels)) podsOf.get(vpa)?.push(pod)
  return podsOf
}

const ORDERS: Readonly<Record<FleetOrder, (a: ContainerAdvice, b: ContainerAdvice) => number>> = {
  waste: (a, b) => b.monthly.saving - a.monthly.saving,
  severity: (a, b) => SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity),
  name: () => 0,
  cpu: (a, b) => surplus(b, 'cpu') - surplus(a, 'cpu'),
  memory: (a, b) => surplus(b, 'memory') - surplus(a, 'memory'),
}

function surplus({ pods, resources }: ContainerAdvice, resource: Resource): Amount {
  const { request = 0, target } = resources[resource]
  return target === undefined ? 0 : pods * (request - target)
}

function byName(a: ContainerAdvice, b: ContainerAdvice): number {
  const [left, right] = [a, b].map(({ namespace, vpa, container }) => `${namespace}/${vpa}/${container}`) as [string, string]
  return left < right ? -1 : Number(left > right)
}

function totalsOf(containers: readonly ContainerAdvice[]): FleetTotals {
  const sum = (value: (container: ContainerAdvice) => number) => containers.reduce((total, container) => total + value(container), 0)
  const both = (value: (container: ContainerAdvice, resource: Resource) => number) => Object.fromEntries(RESOURCES.map((resource) => [resource, sum((container) => value(container, resource))])) as Record<Resource, Amount>
  const podsOfVpa = new Map<string, number>()
  for (const { namespace, vpa, pods } of containers) podsOfVpa.set(`${namespace}/${vpa}`, Math.max(pods, podsOfVpa.get(`${namespace}/${vpa}`) ?? 0))
  return {
    vpas: podsOfVpa.size,
    pods: [...podsOfVpa.values()].reduce((total, pods) => total + pods, 0),
    requested: both(({ pods, resources }, resource) => pods * (resources[resource].request ?? 0)),
    recommended: both(({ pods, resources }, resource) => pods * (resources[resource].target ?? resources[resource].request ?? 0)),
    monthly: { now: sum(({ monthly }) => monthly.now), recommended: sum(({ monthly }) => monthly.recommended), saving: sum(({ monthly }) => monthly.saving) },
    severities: Object.fromEntries(SEVERITIES.map((severity) => [severity, containers.filter((container) => container.severity === severity).length])) as Record<Severity, number>,
  }
}
