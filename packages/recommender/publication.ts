import type { Recommendation, Vpa, VpaStatus } from '@vpa/core/api/vpa.ts'
import type { UsageByContainer } from '@vpa/core/history/merged-usage.ts'
import { capToPolicy } from '@vpa/core/policy/cap.ts'
import { withDeadBand } from '@vpa/core/recommend/dead-band.ts'
import { type Explanation, newlyHolding, withExplanations } from '@vpa/core/recommend/explanation.ts'
import { lowConfidence } from '@vpa/core/recommend/low-confidence.ts'
import { obstaclesTo } from '@vpa/core/recommend/obstacles.ts'
import { postProcess } from '@vpa/core/recommend/post-process.ts'
import { recommend } from '@vpa/core/recommend/recommendation.ts'
import { nextStatus, sameStatus } from '@vpa/core/recommend/status.ts'
import type { EpochMs } from '@vpa/core/time.ts'
import type { Cluster } from '@vpa/kube/cluster.ts'
import { regardingVpa } from '@vpa/kube/regarding.ts'
import type { RecommenderOptions } from './config.ts'
import type { Metrics } from './metrics.ts'
import type { Neighbourhood } from './neighbourhood.ts'
import type { QualityMetrics } from './quality-metrics.ts'
import { type Subject, podCountOf, podsOf } from './subject.ts'

/** What is published about one VPA. */
export interface Publication {
  readonly subject: Subject
  readonly usage: UsageByContainer
  readonly recommendation: Recommendation
}

export interface PublicationContext {
  readonly cluster: Pick<Cluster, 'patchVpaStatus' | 'event' | 'pods'>
  readonly options: RecommenderOptions
  readonly metrics: Metrics
  readonly quality: QualityMetrics
  /** Undefined where nothing is to be explained. */
  readonly neighbourhood: Neighbourhood | undefined
  readonly now: EpochMs
}

/** From usage to what a VPA shows: percentiles, rounding, caps, and what is published already where it has hardly changed. */
export function recommendationFor(vpa: Vpa, usage: UsageByContainer, options: RecommenderOptions): Recommendation {
  const policies = vpa.spec.resourcePolicy?.containerPolicies
  const recommendation = postProcess(recommend(usage, policies, options.recommend), vpa, options.postProcess)
  const published = vpa.status.recommendation?.containerRecommendations ?? []
  // What is kept may be from before the policy was changed.
  return capToPolicy(withDeadBand(recommendation, published, options.deadBand), policies, options.postProcess.globalMaxAllowed)
}

/**
 * Writes the VPA's status where it changes, and events of what it did not explain before.
 *
 * @throws ApiError or Error when the status cannot be written
 */
export async function publish(publication: Publication, context: PublicationContext): Promise<void> {
  const { subject, recommendation } = publication
  const { vpa, target } = subject
  const { cluster, metrics, now } = context
  observeChanges(publication, context)
  if (recommendation.length > 0 && !hasRecommendation(vpa.status)) metrics.firstRecommendation(vpa)
  const explanations = explain(publication, context)
  const unsupported = 'unsupported' in target ? target.unsupported : undefined
  const status = withExplanations(nextStatus(vpa, { recommendation, podCount: podCountOf(subject), unsupported }, now), explanations, vpa.status, now)
  if (sameStatus(status, vpa.status)) return
  await cluster.patchVpaStatus(vpa, status)
  for (const { type, message } of newlyHolding(explanations, vpa.status)) {
    // A VPA without usage yet is nothing unusual.
    if (type === 'LowConfidence') continue
    cluster.event({ regarding: regardingVpa(vpa), type: 'Warning', reason: type, message })
  }
}

function explain({ subject, usage, recommendation }: Publication, { cluster, neighbourhood, options }: PublicationContext): readonly Explanation[] {
  if (neighbourhood === undefined) return []
  const { vpa } = subject
  const doubt = lowConfidence(usage, vpa.spec.resourcePolicy?.containerPolicies, options.recommend.minSamples)
  const published = { ...vpa, status: { ...vpa.status, recommendation: recommendation.length > 0 ? { containerRecommendations: [...recommendation] } : undefined } }
  return [...(doubt ? [doubt] : []), ...obstaclesTo(neighbourhood.around(published, podsOf(subject, cluster.pods)))]
}

function observeChanges({ subject, recommendation }: Publication, { quality }: PublicationContext): void {
  const { vpa, groups } = subject
  for (const { containerName, uncappedTarget = {} } of recommendation) {
    const before = vpa.status.recommendation?.containerRecommendations?.find((container) => container.containerName === containerName)?.uncappedTarget
    if (before === undefined) continue
    for (const { aggregates } of groups) if (aggregates.has(containerName)) quality.observeChange(vpa, podCountOf(subject), before, uncappedTarget)
  }
}

function hasRecommendation({ recommendation, conditions = [] }: VpaStatus): boolean {
  const provided = conditions.some(({ type, status }) => type === 'RecommendationProvided' && status === 'True')
  return provided && (recommendation?.containerRecommendations ?? []).length > 0
}
