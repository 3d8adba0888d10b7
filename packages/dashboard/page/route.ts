/** What the address says after its `#`, so that it can be shared and gone back to. */
export type Route = { readonly page: 'list'; readonly query: ListRoute } | { readonly page: 'vpa'; readonly namespace: string; readonly name: string }

/** Of the API's query, what is not as usual. */
export type ListRoute = Readonly<Partial<Record<(typeof PARAMETERS)[number], string>>>

const PARAMETERS = ['text', 'namespace', 'mode', 'severity', 'sort', 'direction', 'page'] as const

export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2)
  const [, namespace, name] = path.split('/').map(decoded)
  if (namespace && name) return { page: 'vpa', namespace, name }
  const given = new URLSearchParams(query)
  return { page: 'list', query: Object.fromEntries(PARAMETERS.flatMap((parameter) => (given.get(parameter) ? [[parameter, given.get(parameter)]] : []))) }
}

export function listHash(query: ListRoute): string {
  const given = new URLSearchParams(PARAMETERS.flatMap((parameter) => (query[parameter] ? [[parameter, query[parameter]]] : [])))
  return given.size === 0 ? '#/vpas' : `#/vpas?${given}`
}

export function vpaHash({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `#/vpas/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
