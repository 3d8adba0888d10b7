/** One thing that is wrong with an object, worded as Kubernetes words it. Source: apimachinery's validation/field. */
export interface FieldError {
  /** Such as `spec.resourcePolicy.containerPolicies[0].mode`. */
  readonly field: string
  readonly type: 'FieldValueRequired' | 'FieldValueInvalid' | 'FieldValueForbidden' | 'FieldValueNotSupported' | 'FieldValueTooMany' | 'InternalError'
  readonly badValue?: string | number | bigint
  readonly detail: string
}

const WORDS: Readonly<Record<FieldError['type'], string>> = {
  FieldValueRequired: 'Required value',
  FieldValueInvalid: 'Invalid value',
  FieldValueForbidden: 'Forbidden',
  FieldValueNotSupported: 'Unsupported value',
  FieldValueTooMany: 'Too many',
  InternalError: 'Internal error',
}

export function required(field: string, detail: string): FieldError {
  return { field, type: 'FieldValueRequired', detail }
}

export function invalid(field: string, badValue: string | number | bigint, detail: string): FieldError {
  return { field, type: 'FieldValueInvalid', badValue, detail }
}

export function forbidden(field: string, detail: string): FieldError {
  return { field, type: 'FieldValueForbidden', detail }
}

export function notSupported(field: string, badValue: string, supported: readonly string[]): FieldError {
  return { field, type: 'FieldValueNotSupported', badValue, detail: `supported values: ${supported.map((value) => JSON.stringify(value)).join(', ')}` }
}

export function tooMany(field: string, actual: number, max: number): FieldError {
  return { field, type: 'FieldValueTooMany', badValue: actual, detail: `must have at most ${max} ${max === 1 ? 'item' : 'items'}` }
}

export function internalError(detail: string): FieldError {
  return { field: '.', type: 'InternalError', detail }
}

/** `spec.recommenders: Too many: 3: must have at most 1 item`. */
export function fieldErrorText({ field, type, badValue, detail }: FieldError): string {
  const value = typeof badValue === 'string' ? JSON.stringify(badValue) : badValue?.toString()
  return `${field}: ${[WORDS[type], value, detail].filter((part) => part !== undefined && part !== '').join(': ')}`
}
