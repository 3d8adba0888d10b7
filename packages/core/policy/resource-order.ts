/** The names of a resource list's entries: cpu, memory, then all others by name. Go leaves this order to chance. */
export function orderedResources(list: Readonly<Record<string, unknown>> | undefined): readonly string[] {
  return Object.keys(list ?? {}).toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
}

function rank(resource: string): number {
  if (resource === 'cpu') return 0
  return resource === 'memory' ? 1 : 2
}
