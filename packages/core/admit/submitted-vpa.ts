import * as z from 'zod'
import { type Quantity, parseQuantity } from '../quantity.ts'

/**
 * The spec of a VerticalPodAutoscaler as a user submits it, before anything is known to be right but the types.
 * What the Go implementation's decoder would refuse is refused, what it would take is taken: what is null is absent, unknown fields are dropped.
 */
const optional = <T extends z.ZodType>(type: T) => type.nullish().transform((value) => value ?? undefined)
const text = optional(z.string())
const int32 = optional(z.int32())
const int64 = optional(z.int())

const quantity = z.unknown().transform((value, context): Quantity => {
  const parsed = parseQuantity(value === null ? '0' : String(value).trim())
  if (parsed !== undefined) return parsed
  context.addIssue({ code: 'custom', params: { quantity: true }, message: problemOfQuantity(String(value)) })
  return z.NEVER
})
const quantities = optional(z.record(z.string(), quantity))
const optionalQuantity = optional(quantity)

const startupBoost = optional(z.object({ cpu: optional(z.object({ type: text, factor: int32, quantity: optionalQuantity, durationSeconds: int32 })) }))

/** An entry that is null is an empty one. */
const containerPolicy = z.preprocess((policy) => policy ?? {}, z.object({
  containerName: text,
  mode: text,
  minAllowed: quantities,
  maxAllowed: quantities,
  controlledResources: optional(z.array(z.string())),
  controlledValues: text,
  oomBumpUpRatio: optionalQuantity,
  oomMinBumpUp: optionalQuantity,
  memoryAggregationIntervalSeconds: int32,
  memoryAggregationIntervalCount: int64,
  startupBoost,
}))

const Submitted = z.object({
  spec: z.preprocess(
    (spec) => spec ?? {},
    z.object({
      targetRef: optional(z.object({ apiVersion: text, kind: text, name: text })),
      updatePolicy: optional(
        z.object({
          updateMode: text,
          minReplicas: int32,
          evictAfterOOMSeconds: int32,
          evictionRequirements: optional(z.array(optional(z.object({ resources: optional(z.array(z.string())), changeRequirement: text })))),
        }),
      ),
      resourcePolicy: optional(z.object({ containerPolicies: optional(z.array(containerPolicy)) })),
      startupBoost,
      recommenders: optional(z.array(optional(z.object({ name: text })))),
    }),
  ),
})

export type SubmittedSpec = z.output<typeof Submitted>['spec']
export type SubmittedContainerPolicy = z.output<typeof containerPolicy>
export type SubmittedBoost = NonNullable<z.output<typeof startupBoost>>

/**
 * Lists, objects and what is in them. The hundred policies that the CRD's schema allows come to some 2,500; but we are asked before the
 * schema is, and three megabytes of nothing but empty policies would take us seconds and all our memory.
 */
const MOST_VALUES = 5000

/** @returns in `undecodable` the words of the Go implementation for quantities, and the beginning of its words for types */
export function decodeVpa(raw: unknown): { readonly spec: SubmittedSpec } | { readonly undecodable: string } {
  if (hasMoreValues(member(raw, 'spec'), MOST_VALUES)) return { undecodable: `spec: expected at most ${MOST_VALUES} values, got more` }
  const result = Submitted.safeParse(raw)
  if (result.success) return { spec: result.data.spec }
  const { issues } = result.error
  // Go's decoder stops at a bad quantity, but reads on after a wrong type.
  const issue = issues.find(({ code }) => code === 'custom') ?? issues[0]
  if (issue === undefined || issue.code === 'custom') return { undecodable: issue?.message ?? 'not readable' }
  const value = issue.path.reduce(member, raw)
  const isNumber = typeof value === 'number' && (issue.code !== 'invalid_type' || issue.expected === 'int' || issue.expected === 'number')
  return { undecodable: `json: cannot unmarshal ${isNumber ? `number ${value}` : kindOf(value)} into field ${issue.path.join('.')}: ${issue.message}` }
}

/** The first is what mistyped quantities lead to; tests of users match on it. */
function problemOfQuantity(text: string): string {
  const isShaped = /^[+-]?[0-9.]+(?:(?:[eEinumkKMGTP]+[-+]?|[-+])[0-9]*)?$/.test(text.trim())
  return isShaped ? "unable to parse quantity's suffix" : "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
}

function hasMoreValues(root: unknown, most: number): boolean {
  const left = [root]
  for (let count = 1; left.length > 0; ) {
    const value = left.pop()
    if (typeof value !== 'object' || value === null) continue
    const values: readonly unknown[] = Object.values(value)
    count += values.length
    if (count > most) return true
    left.push(...values)
  }
  return false
}

function member(value: unknown, key: PropertyKey): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  return typeof value === 'boolean' ? 'bool' : typeof value
}
