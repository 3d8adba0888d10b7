import { type FieldError, fieldErrorText } from './field-error.ts'

/** A `v1.Status` that says why an object was refused; `kubectl` shows its message. Source: apimachinery's errors.NewInvalid. */
export interface Denial {
  readonly status: 'Failure'
  readonly code: 422
  readonly reason: 'Invalid'
  readonly message: string
  readonly details: Refused & { readonly causes: readonly { readonly reason: string; readonly message: string; readonly field: string }[] }
}

/** What was refused. */
export interface Refused {
  readonly name: string
  readonly group: string
  readonly kind: string
}

/** @param errors at least one */
export function denialOf({ name, group, kind }: Refused, errors: readonly FieldError[]): Denial {
  const texts = [...new Set(errors.map(fieldErrorText))]
  const list = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`
  const causes = errors.map((error) => ({ reason: error.type, message: fieldErrorText(error).slice(error.field.length + 2), field: error.field }))
  return { status: 'Failure', code: 422, reason: 'Invalid', message: `${kind}.${group} "${name}" is invalid: ${list}`, details: { name, group, kind, causes } }
}
