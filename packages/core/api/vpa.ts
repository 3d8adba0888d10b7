import * as z from 'zod'
import { type Quantity, type ResourceList, formatQuantity, notAQuantity, parseQuantity } from '../quantity.ts'
import { formatTime, parseTime } from '../time.ts'
import { type ObjectMeta, type RawMeta, projectMeta } from './object.ts'
import type { Labels } from '../selector.ts'
import type { UpdateMode } from './update-mode.ts'
import { keptVpaAnnotations } from './vpa-annotations.ts'

/**
 * The VerticalPodAutoscaler object, `autoscaling.k8s.io/v1`. Fields bear the names that users write in YAML;
 * amounts are parsed, absent and null are undefined, unknown fields are dropped.
 */
const amount = z.union([z.string(), z.number()]).transform((text, context): Quantity => {
  const parsed = parseQuantity(String(text))
  if (parsed !== undefined) return parsed
  context.addIssue({ code: 'custom', message: notAQuantity(String(text)) })
  return z.NEVER
})
const resources = z.record(z.string(), amount)
const optional = <T extends z.ZodType>(type: T) => type.nullish().transform((value) => value ?? undefined)

const cpuStartupBoost = z.object({
  type: optional(z.string()),
  factor: optional(z.number()),
  quantity: optional(amount),
  durationSeconds: optional(z.number()),
})
const startupBoost = z.object({ cpu: optional(cpuStartupBoost) })

const containerPolicy = z.object({
  containerName: optional(z.string()),
  mode: optional(z.string()),
  minAllowed: optional(resources),
  maxAllowed: optional(resources),
  controlledResources: optional(z.array(z.string())),
  controlledValues: optional(z.string()),
  oomBumpUpRatio: optional(amount),
  oomMinBumpUp: optional(amount),
  memoryAggregationIntervalSeconds: optional(z.number()),
  memoryAggregationIntervalCount: optional(z.number()),
  startupBoost: optional(startupBoost),
})

const evictionRequirement = z.object({
  resources: z.array(z.string()),
  changeRequirement: z.enum(['TargetHigherThanRequests', 'TargetLowerThanRequests']),
})

const updatePolicy = z.object({
  updateMode: optional(z.string()),
  minReplicas: optional(z.number()),
  evictionRequirements: optional(z.array(evictionRequirement)),
  evictAfterOOMSeconds: optional(z.number()),
})

export const VpaSpec = z.object({
  targetRef: optional(z.object({ apiVersion: z.string().default(''), kind: z.string(), name: z.string() })),
  updatePolicy: optional(updatePolicy),
  resourcePolicy: optional(z.object({ containerPolicies: optional(z.array(containerPolicy)) })),
  recommenders: optional(z.array(z.object({ name: z.string() }))),
  startupBoost: optional(startupBoost),
})

const containerRecommendation = z.object({
  containerName: z.string().default(''),
  target: optional(resources),
  lowerBound: optional(resources),
  upperBound: optional(resources),
  uncappedTarget: optional(resources),
})

const condition = z.object({
  type: z.string(),
  status: z.string(),
  reason: z.string().default(''),
  message: z.string().default(''),
  lastTransitionTime: z.string().nullish().transform(parseTime),
})

export const VpaStatus = z.object({
  recommendation: optional(z.object({ containerRecommendations: optional(z.array(containerRecommendation)) })),
  conditions: optional(z.array(condition)),
  observedGeneration: optional(z.number()),
})

export type VpaSpec = z.output<typeof VpaSpec>
export type VpaStatus = z.output<typeof VpaStatus>
export type ContainerPolicy = z.output<typeof containerPolicy>
export type ContainerRecommendation = z.output<typeof containerRecommendation>
export type VpaCondition = z.output<typeof condition>
export type EvictionRequirement = z.output<typeof evictionRequirement>
export type StartupBoost = z.output<typeof startupBoost>
/** Per container, as `status.recommendation.containerRecommendations`. */
export type Recommendation = readonly ContainerRecommendation[]

export interface Vpa extends ObjectMeta {
  readonly apiVersion: string
  readonly generation: number
  /** Those that we read, see {@link keptVpaAnnotations}. */
  readonly annotations: Labels
  readonly spec: VpaSpec
  readonly status: VpaStatus
}

/**
 * @param raw a VerticalPodAutoscaler as the API server sends it
 * @throws z.ZodError that names the field, what was expected and what came
 */
export function projectVpa(raw: unknown): Vpa {
  const { apiVersion, metadata, spec, status } = raw as { apiVersion?: string; metadata?: RawMeta; spec?: unknown; status?: unknown }
  return {
    ...projectMeta(metadata),
    apiVersion: apiVersion ?? 'autoscaling.k8s.io/v1',
    generation: metadata?.generation ?? 0,
    annotations: keptVpaAnnotations(metadata?.annotations ?? {}),
    spec: VpaSpec.parse(spec ?? {}),
    status: VpaStatus.parse(status ?? {}),
  }
}

/** Missing or empty means Recreate (upstream: GetUpdateMode). */
export function updateModeOf(vpa: Vpa): UpdateMode {
  return (vpa.spec.updatePolicy?.updateMode || 'Recreate') as UpdateMode
}

/** The oldest VPA wins, then the first by name, wherever only one can (upstream: GetControllingVPAForPod). */
export function isOlder(a: Vpa, b: Vpa): boolean {
  const difference = (a.createdAt ?? 0) - (b.createdAt ?? 0)
  return difference === 0 ? a.name < b.name : difference < 0
}

/** The status as it is written to the API: quantities canonical, times in seconds, empty strings and lists left out as Go's omitempty does. */
export function vpaStatusJson(status: VpaStatus): object {
  const { recommendation, conditions, observedGeneration } = status
  return {
    ...(recommendation && { recommendation: recommendationJson(recommendation.containerRecommendations) }),
    ...(conditions && conditions.length > 0 && { conditions: conditions.map(conditionJson) }),
    ...(observedGeneration && { observedGeneration }),
  }
}

function recommendationJson(containers: Recommendation | undefined): object {
  if (containers === undefined || containers.length === 0) return {}
  return {
    containerRecommendations: containers.map((container) => ({
      containerName: container.containerName,
      target: resourceListJson(container.target ?? {}),
      ...(hasAny(container.lowerBound) && { lowerBound: resourceListJson(container.lowerBound) }),
      ...(hasAny(container.upperBound) && { upperBound: resourceListJson(container.upperBound) }),
      ...(hasAny(container.uncappedTarget) && { uncappedTarget: resourceListJson(container.uncappedTarget) }),
    })),
  }
}

function hasAny(list: ResourceList | undefined): list is ResourceList {
  return list !== undefined && Object.keys(list).length > 0
}

export function conditionJson({ type, status, reason, message, lastTransitionTime }: VpaCondition): object {
  return {
    type,
    status,
    ...(lastTransitionTime !== undefined && { lastTransitionTime: formatTime(lastTransitionTime) }),
    ...(reason && { reason }),
    ...(message && { message }),
  }
}

export function resourceListJson(list: ResourceList): Record<string, string> {
  return Object.fromEntries(Object.entries(list).map(([name, value]) => [name, formatQuantity(value)]))
}

