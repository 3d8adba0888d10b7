import { type FieldError, fieldErrorText } from '@vpa/core/admit/field-error.ts'
import { denialOf } from '@vpa/core/admit/denial.ts'
import { reviewVpa } from '@vpa/core/admit/validate.ts'
import { type Vector, type Verdict, compare } from './verdict.ts'

interface Input {
  readonly featureGates: Readonly<Record<string, boolean>>
  readonly object: unknown
  readonly oldObject?: unknown
}

/** Runs one vector of kind `validation`. */
export function runValidation(vector: Vector): Verdict {
  const { featureGates, object, oldObject } = vector.input as Input
  const gates = { perVpaConfig: featureGates.PerVPAConfig === true, cpuStartupBoost: featureGates.CPUStartupBoost === true, inPlace: featureGates.InPlace === true }
  const { errors, warnings, patch } = reviewVpa(object, oldObject, gates)
  const allowed = errors.length === 0
  const actual = {
    allowed,
    warnings: warnings.length > 0 ? warnings : null,
    patches: allowed ? patch : null,
    errors: errors.map(errorJson),
    ...(!allowed && { status: statusJson(errors) }),
  }
  return compare(withoutGoTypes(actual), { ...vector, expected: withoutGoTypes(vector.expected) })
}

function errorJson(error: FieldError): unknown {
  const { field, type, badValue, detail } = error
  return { field, type, badValue: type === 'InternalError' ? detail : `${badValue ?? ''}`, detail, text: fieldErrorText(error) }
}

function statusJson(errors: readonly FieldError[]): unknown {
  const { code, message, reason } = denialOf({ name: 'vpa', group: 'autoscaling.k8s.io', kind: 'VerticalPodAutoscaler' }, errors)
  return { code, message, reason }
}

/** Go's decoder names its own types where a value is of the wrong type; what follows the kind of value is not compared. */
function withoutGoTypes(json: unknown): unknown {
  return JSON.parse(JSON.stringify(json).replaceAll(/(json: cannot unmarshal [^"\\]*?) into [^"\\]*/g, '$1'))
}
