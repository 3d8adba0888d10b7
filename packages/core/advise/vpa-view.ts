import type { Amount, Resource } from '../amount.ts'
import type { ContainerRecommendation, Vpa, VpaCondition } from '../api/vpa.ts'
import type { Aggregate } from '../history/aggregate.ts'
import type { UsageByContainer } from '../history/merged-usage.ts'
import type { RecommendOptions } from '../recommend/recommendation.ts'
import type { EpochMs } from '../time.ts'
import type { Series } from '../timeline/timeline.ts'
import type { ContainerAdvice, ResourceAdvice } from './container-advice.ts'
import { derivationOf } from './derivation.ts'
import { derivationLines, samplesText } from './derivation-text.ts'
import { type Distribution, distributionOf } from './distribution.ts'
import type { Hindrance } from './hindrance.ts'
import type { Severity } from './severity.ts'
import { type VpaSummary, summaryOf } from './vpa-summary.ts'

/** One VPA with all that is known of it. */
export interface VpaView {
  readonly summary: VpaSummary
  readonly conditions: readonly { readonly type: string; readonly status: string; readonly reason: string; readonly message: string; readonly since: EpochMs | undefined }[]
  readonly hindrances: readonly Hindrance[]
  readonly containers: readonly ContainerView[]
}

export interface ContainerView {
  readonly name: string
  readonly severity: Severity
  readonly monthlySaving: number
  readonly oomKills: number
  /** `2,160 samples of usage in 35h`; undefined while nothing is known of its history. */
  readonly samples: string | undefined
  readonly resources: Readonly<Record<Resource, ResourceView>>
  /** undefined where it is not followed. */
  readonly series: Series | undefined
}

export interface ResourceView extends Omit<ResourceAdvice, 'verdict'> {
  readonly uncappedTarget: Amount | undefined
  readonly severity: Severity
  /** Why this number, a step on each line. */
  readonly why: readonly string[]
  readonly distribution: Distribution | undefined
}

export interface VpaViewFacts {
  readonly vpa: Vpa
  readonly advice: readonly ContainerAdvice[]
  /** Of its containers; empty where another replica has it. */
  readonly usage: UsageByContainer
  readonly options: RecommendOptions
  readonly hindrances: readonly Hindrance[]
  seriesOf(container: string): Series | undefined
}

export function vpaViewOf(facts: VpaViewFacts): VpaView {
  const { vpa, advice, hindrances } = facts
  return {
    summary: summaryOf(vpa, advice),
    conditions: (vpa.status.conditions ?? []).map((condition) => conditionOf(condition)),
    hindrances,
    containers: advice.map((each) => containerView(each, facts)),
  }
}

function conditionOf({ type, status, reason, message, lastTransitionTime }: VpaCondition): VpaView['conditions'][number] {
  return { type, status, reason, message, since: lastTransitionTime }
}

function containerView({ container, severity, monthly, oomKills, resources }: ContainerAdvice, facts: VpaViewFacts): ContainerView {
  const history = facts.usage.get(container)
  const recommended = facts.vpa.status.recommendation?.containerRecommendations?.find(({ containerName }) => containerName === container)
  const viewOf = (resource: Resource) => resourceView(resource, { advice: resources[resource], history, recommended }, facts)
  return {
    name: container,
    severity,
    monthlySaving: monthly.saving,
    oomKills,
    samples: history && samplesText(history.span),
    resources: { cpu: viewOf('cpu'), memory: viewOf('memory') },
    series: facts.seriesOf(container),
  }
}

interface ResourceFacts {
  readonly advice: ResourceAdvice
  readonly history: Aggregate | undefined
  readonly recommended: ContainerRecommendation | undefined
}

function resourceView(resource: Resource, { advice, history, recommended }: ResourceFacts, { vpa, advice: all, options }: VpaViewFacts): ResourceView {
  const { verdict, ...amounts } = advice
  const policies = vpa.spec.resourcePolicy?.containerPolicies
  const derivation = history && recommended && amounts.target !== undefined ? derivationOf(resource, { usage: history, containerCount: all.length, policies, recommended, options }) : undefined
  return {
    ...amounts,
    uncappedTarget: derivation?.uncapped,
    severity: verdict.severity,
    why: derivation === undefined ? [] : derivationLines(resource, derivation, 'what was published last is rounded, processed or older'),
    distribution: history && distributionOf(resource, history, options.estimates[resource]),
  }
}

