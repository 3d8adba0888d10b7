/** RFC 6902, as far as the trio writes it. */
export type JsonPatch = readonly JsonPatchOperation[]

export interface JsonPatchOperation {
  readonly op: 'add' | 'remove' | 'replace' | 'test'
  readonly path: string
  readonly value?: unknown
}

/** A member name inside a JSON pointer: `a/b~c` is `a~1b~0c` (RFC 6901). */
export function pointerSegment(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}
