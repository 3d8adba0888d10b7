import { type Amount, RESOURCES, type Resource } from '../amount.ts'
import type { Pod } from '../api/pod.ts'
import type { UpdateMode } from '../api/update-mode.ts'
import { type Vpa, updateModeOf } from '../api/vpa.ts'
import { policyFor, scalingModeOf } from '../policy/container-policy.ts'
import { currentResources } from '../policy/current-resources.ts'
import { type Quantity, type ResourceList, milliValue, wholeValue } from '../quantity.ts'
import { type Prices, monthlyCost } from './price.ts'
import { type Severity, type Verdict, severityOf, verdictText, worstOf } from './severity.ts'

/** One resource of one container of all pods of a VPA. Millicores or bytes; what is undefined is not known, or not set. */
export interface ResourceAdvice {
  /** What most of the pods have. */
  readonly request: Amount | undefined
  readonly limit: Amount | undefined
  readonly target: Amount | undefined
  readonly lowerBound: Amount | undefined
  readonly upperBound: Amount | undefined
  /** Of the pod that uses most now. */
  readonly usage: Amount | undefined
  /** Target less request, as part of the request: -0.7 where 300m are recommended instead of 1000m. */
  readonly change: number | undefined
  readonly verdict: Verdict
}

export interface ContainerAdvice {
  readonly namespace: string
  readonly vpa: string
  readonly target: { readonly kind: string; readonly name: string } | undefined
  readonly mode: UpdateMode
  readonly container: string
  readonly pods: number
  readonly resources: Readonly<Record<Resource, ResourceAdvice>>
  readonly severity: Severity
  /** What all its pods' requests cost a month, now and as recommended; what has no recommendation costs the same. */
  readonly monthly: { readonly now: number; readonly recommended: number; readonly saving: number }
  /** Times its containers were killed for want of memory, that their pods still tell of. */
  readonly oomKills: number
}

export interface UsageOf {
  readonly namespace: string
  readonly podName: string
  readonly containerName: string
  readonly cpu: Amount | undefined
  readonly memory: Amount | undefined
}

/** What is advised for each container of a VPA's pods, and for those of its recommendation. Containers whose policy says Off are left out. */
export function adviceFor(vpa: Vpa, pods: readonly Pod[], usage: readonly UsageOf[], prices: Prices): readonly ContainerAdvice[] {
  const recommended = vpa.status.recommendation?.containerRecommendations ?? []
  const names = new Set([...pods.flatMap(({ containers }) => containers.map(({ name }) => name)), ...recommended.map(({ containerName }) => containerName)])
  const scaled = [...names].filter((name) => scalingModeOf(policyFor(vpa.spec.resourcePolicy?.containerPolicies, name)) !== 'Off')
  return scaled.map((name) => containerAdvice(name, { vpa, pods, usage, prices }))
}

interface Subject {
  readonly vpa: Vpa
  readonly pods: readonly Pod[]
  readonly usage: readonly UsageOf[]
  readonly prices: Prices
}

function containerAdvice(container: string, { vpa, pods, usage, prices }: Subject): ContainerAdvice {
  const own = pods.filter(({ containers }) => containers.some(({ name }) => name === container))
  const uses = usage.filter(({ containerName }) => containerName === container)
  const statuses = own.flatMap(({ containerStatuses }) => containerStatuses.filter(({ name }) => name === container))
  const oomKills = statuses.filter(({ terminated, lastTermination }) => (terminated ?? lastTermination)?.reason === 'OOMKilled').length
  const recommended = vpa.status.recommendation?.containerRecommendations?.find(({ containerName }) => containerName === container)
  const current = own.map((pod) => currentResources(pod, container))

  const adviceOn = (resource: Resource): ResourceAdvice => {
    const amount = (list: ResourceList | undefined) => amountIn(list, resource)
    const request = mostCommon(current.map(({ requests }) => amount(requests)))
    const target = amount(recommended?.target)
    return {
      request,
      limit: mostCommon(current.map(({ limits }) => amount(limits))),
      target,
      lowerBound: amount(recommended?.lowerBound),
      upperBound: amount(recommended?.upperBound),
      usage: highest(uses.map((each) => each[resource])),
      change: request === undefined || request === 0 || target === undefined ? undefined : (target - request) / request,
      verdict: own.length === 0 ? NO_PODS : severityOf(resource, { request, target, oomKilled: oomKills > 0 }),
    }
  }
  const resources = { cpu: adviceOn('cpu'), memory: adviceOn('memory') }
  const requested = (resource: Resource) => sum(current.map(({ requests }) => amountIn(requests, resource)))
  const wanted = (resource: Resource) => (resources[resource].target === undefined ? requested(resource) : own.length * (resources[resource].target ?? 0))
  const now = monthlyCost({ cpu: requested('cpu'), memory: requested('memory') }, prices)
  const then = monthlyCost({ cpu: wanted('cpu'), memory: wanted('memory') }, prices)
  return {
    namespace: vpa.namespace,
    vpa: vpa.name,
    target: vpa.spec.targetRef,
    mode: updateModeOf(vpa),
    container,
    pods: own.length,
    resources,
    severity: worstOf(RESOURCES.map((resource) => resources[resource].verdict.severity)),
    monthly: { now, recommended: then, saving: now - then },
    oomKills,
  }
}

/** What is behind the severity, for people: `cpu more than it needs, memory fits`. */
export function whyText(resources: ContainerAdvice['resources']): string {
  const [cpu, memory] = RESOURCES.map((resource) => verdictText(resources[resource].verdict.why))
  return cpu === memory ? `${cpu}` : `cpu ${cpu}, memory ${memory}`
}

/** Where nothing runs, nothing is wrong. */
const NO_PODS: Verdict = { severity: 'unknown', why: 'no-recommendation' }

/** In core's units: millicores or bytes, rounded up. */
export function amountIn(list: ResourceList | undefined, resource: Resource): Amount | undefined {
  const quantity: Quantity | undefined = list?.[resource]
  return quantity && Number(resource === 'cpu' ? milliValue(quantity) : wholeValue(quantity))
}

/** Of several that are as common, the first. */
function mostCommon(amounts: readonly (Amount | undefined)[]): Amount | undefined {
  const counts = new Map<Amount | undefined, number>()
  for (const amount of amounts) counts.set(amount, (counts.get(amount) ?? 0) + 1)
  return [...counts].toSorted(([, a], [, b]) => b - a)[0]?.[0]
}

/** What is not reported, or is no amount, does not count. */
function highest(amounts: readonly (Amount | undefined)[]): Amount | undefined {
  const known = amounts.filter((amount) => amount !== undefined && !Number.isNaN(amount)) as readonly Amount[]
  return known.length === 0 ? undefined : known.reduce((a, b) => Math.max(a, b))
}

function sum(amounts: readonly (Amount | undefined)[]): Amount {
  return amounts.reduce<Amount>((total, amount = 0) => total + amount, 0)
}
