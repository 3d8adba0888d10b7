import { EXPLICIT_UPDATE_MODES } from '../api/update-mode.ts'
import { type Quantity, compareQuantities, formatQuantity, milliValue, wholeValue } from '../quantity.ts'
import { type FieldError, forbidden, internalError, invalid, notSupported, required, tooMany } from './field-error.ts'
import type { JsonPatch } from './json-patch.ts'
import { type SubmittedBoost, type SubmittedContainerPolicy, type SubmittedSpec, decodeVpa } from './submitted-vpa.ts'

/** Feature gates that decide what a VPA object may use. */
export interface VpaGates {
  readonly perVpaConfig: boolean
  readonly cpuStartupBoost: boolean
  readonly inPlace: boolean
}

export interface VpaReview {
  /** All that is wrong; empty: the object is admitted. */
  readonly errors: readonly FieldError[]
  /** The Go implementation's. */
  readonly warnings: readonly string[]
  /** Warnings that Go does not give: what has no effect. */
  readonly advice: readonly string[]
  /** Defaults that the object lacks. */
  readonly patch: JsonPatch
}

/** In the order in which Go lists them. */
const MODES: readonly string[] = EXPLICIT_UPDATE_MODES.toSorted()
const AUTO_WARNING = `spec.updatePolicy: "Auto" mode is deprecated and will be removed in a future API version. Use explicit update modes like: [${MODES.join(' ')}]. See https://github.com/kubernetes/autoscaler/issues/8424 for more details.`
const CONTROLLABLE: readonly string[] = ['cpu', 'memory']
const WHOLE_MILLIS = 'must be a whole number of milli CPUs'
const WHOLE_BYTES = 'must be a whole number of bytes'

/** What may be used: by a gate, or because the object uses it already, so that it stays editable when a gate is switched off. */
interface Allowed extends VpaGates {
  /** Resources that a controlledResources list already names. */
  readonly controlledResources: ReadonlySet<string>
}

/**
 * Whether a VPA object may be created or changed to this. Errors, warnings and their order are those of the Go implementation
 * (upstream: pkg/admission-controller/resource/vpa/validation.go).
 *
 * @param object as submitted
 * @param oldObject as it is now; undefined on creation
 */
export function reviewVpa(object: unknown, oldObject: unknown, gates: VpaGates): VpaReview {
  const decoded = decodeVpa(object)
  if ('undecodable' in decoded) return { errors: [internalError(decoded.undecodable)], warnings: [], advice: [], patch: [] }
  const old = decodeVpa(oldObject ?? {})
  const { spec } = decoded
  const { errors, warnings } = validateSpec(spec, allowedOf('spec' in old ? old.spec : {}, gates))
  const patch: JsonPatch = spec.updatePolicy ? [] : [{ op: 'add', path: '/spec/updatePolicy', value: { updateMode: 'Recreate' } }]
  return { errors, warnings, advice: withoutEffect(spec), patch: errors.length === 0 ? patch : [] }
}

function allowedOf({ updatePolicy, resourcePolicy, startupBoost }: Partial<SubmittedSpec>, gates: VpaGates): Allowed {
  const policies = resourcePolicy?.containerPolicies ?? []
  return {
    perVpaConfig: gates.perVpaConfig || updatePolicy?.evictAfterOOMSeconds !== undefined || policies.some(usesPerVpaConfig),
    cpuStartupBoost: gates.cpuStartupBoost || startupBoost?.cpu !== undefined || policies.some((policy) => policy.startupBoost !== undefined),
    inPlace: gates.inPlace || updatePolicy?.updateMode === 'InPlace',
    controlledResources: new Set(policies.flatMap(({ controlledResources = [] }) => controlledResources)),
  }
}

function usesPerVpaConfig(policy: SubmittedContainerPolicy): boolean {
  return [policy.oomBumpUpRatio, policy.oomMinBumpUp, policy.memoryAggregationIntervalSeconds, policy.memoryAggregationIntervalCount].some((value) => value !== undefined)
}

function validateSpec(spec: SubmittedSpec, allowed: Allowed): { errors: FieldError[]; warnings: string[] } {
  const errors: FieldError[] = []
  const warnings: string[] = []
  if (spec.updatePolicy) errors.push(...validateUpdatePolicy(spec.updatePolicy, allowed))
  if (spec.updatePolicy?.updateMode === 'Auto') warnings.push(AUTO_WARNING)
  for (const [index, policy] of (spec.resourcePolicy?.containerPolicies ?? []).entries()) {
    const path = `spec.resourcePolicy.containerPolicies[${index}]`
    const resources = validateControlledResources(policy, path, allowed)
    warnings.push(...resources.warnings)
    errors.push(...validateContainerPolicy(policy, path), ...resources.errors, ...validatePerVpaConfig(policy, path, allowed))
    if (policy.startupBoost) errors.push(...validateBoost(policy.startupBoost, `${path}.startupBoost`, allowed))
  }
  if (spec.startupBoost) errors.push(...validateBoost(spec.startupBoost, 'spec.startupBoost', allowed))
  const recommenders = spec.recommenders?.length ?? 0
  if (recommenders > 1) errors.push(tooMany('spec.recommenders', recommenders, 1))
  return { errors, warnings }
}

function* validateUpdatePolicy({ updateMode, minReplicas, evictAfterOOMSeconds }: NonNullable<SubmittedSpec['updatePolicy']>, allowed: Allowed): Iterable<FieldError> {
  const path = 'spec.updatePolicy'
  if (updateMode === undefined) yield required(`${path}.updateMode`, 'updateMode is required if UpdatePolicy is used')
  else if (updateMode !== 'Auto' && !MODES.includes(updateMode)) yield notSupported(`${path}.updateMode`, updateMode, MODES)
  if (updateMode === 'InPlace' && !allowed.inPlace) yield forbidden(`${path}.updateMode`, gateMissing('UpdateMode InPlace', 'InPlace'))
  if (minReplicas !== undefined && minReplicas <= 0) yield invalid(`${path}.minReplicas`, minReplicas, 'minReplicas has to be positive')
  if (evictAfterOOMSeconds !== undefined) yield* validateAtLeastOne(`${path}.evictAfterOOMSeconds`, evictAfterOOMSeconds, allowed)
}

function* validateContainerPolicy({ containerName, mode, minAllowed = {}, maxAllowed = {}, controlledValues }: SubmittedContainerPolicy, path: string): Iterable<FieldError> {
  if (!containerName) yield required(`${path}.containerName`, '')
  if (mode !== undefined && mode !== 'Auto' && mode !== 'Off') yield notSupported(`${path}.mode`, mode, ['Auto', 'Off'])
  for (const [resource, min] of byName(minAllowed)) {
    yield* validateWhole(`${path}.minAllowed[${resource}]`, resource, min)
    const max = maxAllowed[resource]
    if (max === undefined || compareQuantities(max, min) >= 0) continue
    yield invalid(`${path}.maxAllowed[${resource}]`, formatQuantity(max), `max resource for ${resource} is lower than min of "${formatQuantity(min)}"`)
  }
  for (const [resource, max] of byName(maxAllowed)) yield* validateWhole(`${path}.maxAllowed[${resource}]`, resource, max)
  if (mode === 'Off' && controlledValues === 'RequestsAndLimits') {
    yield forbidden(`${path}.controlledValues`, "controlledValues shouldn't be specified if container scaling mode is off")
  }
}

/** An unknown resource that the object had before is only warned about: it could otherwise not be edited any more. */
function validateControlledResources({ controlledResources = [] }: SubmittedContainerPolicy, path: string, allowed: Allowed) {
  const errors: FieldError[] = []
  const warnings: string[] = []
  for (const [index, resource] of controlledResources.entries()) {
    const field = `${path}.controlledResources[${index}]`
    if (resource === 'cpu' || resource === 'memory') continue
    if (!allowed.controlledResources.has(resource)) errors.push(notSupported(field, resource, ['cpu', 'memory']))
    else warnings.push(`${field}: unsupported value "${resource}" is allowed only because it is present in the existing VPA object; supported values: "cpu", "memory"`)
  }
  return { errors, warnings }
}

function* validatePerVpaConfig(policy: SubmittedContainerPolicy, path: string, allowed: Allowed): Iterable<FieldError> {
  const { oomBumpUpRatio, oomMinBumpUp, memoryAggregationIntervalSeconds, memoryAggregationIntervalCount } = policy
  if (oomBumpUpRatio !== undefined) {
    const ratio = Number(milliValue(oomBumpUpRatio)) / 1000
    if (!allowed.perVpaConfig) yield perVpaConfigMissing(`${path}.oomBumpUpRatio`)
    else if (ratio < 1) yield invalid(`${path}.oomBumpUpRatio`, ratio, 'must be greater than or equal to 1.0')
  }
  if (oomMinBumpUp !== undefined) {
    const bytes = wholeValue(oomMinBumpUp)
    if (!allowed.perVpaConfig) yield perVpaConfigMissing(`${path}.oomMinBumpUp`)
    else if (bytes < 0n) yield invalid(`${path}.oomMinBumpUp`, bytes, 'must be greater than or equal to 0')
  }
  if (memoryAggregationIntervalSeconds !== undefined) yield* validateAtLeastOne(`${path}.memoryAggregationIntervalSeconds`, memoryAggregationIntervalSeconds, allowed)
  if (memoryAggregationIntervalCount !== undefined) yield* validateAtLeastOne(`${path}.memoryAggregationIntervalCount`, memoryAggregationIntervalCount, allowed)
}

function* validateBoost({ cpu }: SubmittedBoost, path: string, allowed: Allowed): Iterable<FieldError> {
  if (!allowed.cpuStartupBoost) return yield forbidden(path, gateMissing('startupBoost', 'CPUStartupBoost'))
  if (cpu === undefined) return
  switch (cpu.type ?? '') {
    case '':
      return yield required(`${path}.cpu.type`, 'must be either Factor or Quantity')
    case 'Factor':
      if (cpu.factor === undefined) yield required(`${path}.cpu.factor`, 'required when type is Factor')
      else if (cpu.factor < 1) yield invalid(`${path}.cpu.factor`, cpu.factor, 'must be >= 1 for type Factor')
      return
    case 'Quantity':
      if (cpu.quantity === undefined) yield required(`${path}.cpu.quantity`, 'required when type is Quantity')
      else yield* validateWhole(`${path}.cpu.quantity`, 'cpu', cpu.quantity)
      return
    default:
      yield notSupported(`${path}.cpu.type`, cpu.type ?? '', ['Factor', 'Quantity'])
  }
}

function* validateAtLeastOne(field: string, value: number, { perVpaConfig }: Allowed): Iterable<FieldError> {
  if (!perVpaConfig) yield perVpaConfigMissing(field)
  else if (value < 1) yield invalid(field, value, 'must be greater than or equal to 1')
}

/** Finer amounts of cpu and memory would be rounded when they are applied. */
function* validateWhole(field: string, resource: string, amount: Quantity): Iterable<FieldError> {
  if (resource === 'cpu' && amount.nanos % 1_000_000n !== 0n) yield invalid(field, formatQuantity(amount), WHOLE_MILLIS)
  if (resource === 'memory' && amount.nanos % 1_000_000_000n !== 0n) yield invalid(field, formatQuantity(amount), WHOLE_BYTES)
}

function perVpaConfigMissing(field: string): FieldError {
  return forbidden(field, 'not supported when feature flag PerVPAConfig is disabled')
}

function gateMissing(feature: string, gate: string): string {
  return `in order to use ${feature}, you must enable feature gate ${gate} in the admission-controller args`
}

function byName(amounts: Readonly<Record<string, Quantity>>): readonly [string, Quantity][] {
  return Object.entries(amounts).toSorted(([a], [b]) => (a < b ? -1 : 1))
}

/** What is accepted, as the Go implementation does, yet cannot be meant: told in warnings, which refuse nothing. */
function withoutEffect({ updatePolicy, resourcePolicy }: SubmittedSpec): string[] {
  const names = (resourcePolicy?.containerPolicies ?? []).map(({ containerName = '' }) => containerName)
  const repeated = names.flatMap((name, index) => {
    // Of several entries of one name the first counts; of those named "*", the last.
    const counts = name === '*' ? names.lastIndexOf(name) : names.indexOf(name)
    return index === counts ? [] : [`spec.resourcePolicy.containerPolicies[${index}]: has no effect, containerPolicies[${counts}] is for ${JSON.stringify(name)} too`]
  })
  const never = (updatePolicy?.evictionRequirements ?? []).flatMap((requirement, index) => {
    const path = `spec.updatePolicy.evictionRequirements[${index}].resources`
    const resources = requirement?.resources ?? []
    if (resources.length === 0) return [`${path}: an empty list is never met, so that no pod is ever updated; supported values: "cpu", "memory"`]
    return resources.filter((resource) => !CONTROLLABLE.includes(resource)).map((resource) => `${path}: ${JSON.stringify(resource)} is never changed; supported values: "cpu", "memory"`)
  })
  return [...repeated, ...never]
}
