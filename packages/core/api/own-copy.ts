/** Texts that are parts of a long one keep all of that in memory; those of a copy do not. What is copied must be JSON. */
export function ownCopy<T extends string | readonly object[]>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T
}
