import { type FieldError, fieldErrorText } from './field-error.ts'

/** Why an object was refused, as `kubectl` shows it. Source: apimachinery's errors.NewInvalid. */
export interface Denial {
  readonly code: 422
  readonly reason: 'Invalid'
  readonly message: string
}

/** @param errors at least one */
export function denialOf(name: string, errors: readonly FieldError[]): Denial {
  const texts = [...new Set(errors.map(fieldErrorText))]
  const list = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`
  return { code: 422, reason: 'Invalid', message: `VerticalPodAutoscaler.autoscaling.k8s.io "${name}" is invalid: ${list}` }
}
