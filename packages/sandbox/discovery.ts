import { type Kind, groupVersionOf } from './kind.ts'

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']
const VERSION = { major: '1', minor: '35', gitVersion: 'v1.35.4', gitCommit: '', gitTreeState: 'clean', buildDate: '2026-01-01T00:00:00Z', goVersion: 'go1.25.0', compiler: 'gc', platform: 'linux/amd64' }
const SHOWN_BY_GET_ALL = new Set(['Pod', 'Service', 'ReplicationController', 'Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet', 'Job', 'CronJob'])
const METRICS = { group: 'metrics.k8s.io', version: 'v1beta1' }

/** What clients ask before they ask for objects; undefined for any other path. */
export function discovery(path: string, kinds: readonly Kind[]): object | string | undefined {
  switch (path) {
    case '/healthz':
    case '/livez':
    case '/readyz':
      return 'ok'
    case '/version':
      return VERSION
    case '/api':
      return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] }
    case '/apis':
      return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups(kinds) }
    case '/openapi/v3':
      return openApiIndex(kinds)
  }
  const [, root, group = '', version] = path.split('/')
  if (root === 'openapi') return openApi(kinds.filter((kind) => path.endsWith(`/${groupVersionOf(kind)}`)))
  if (root === 'api' && version === undefined && group === 'v1') return resourceList('v1', kinds)
  if (root === 'apis' && version === undefined) return groups(kinds).find(({ name }) => name === group)
  return root === 'apis' && path.split('/').length === 4 ? resourceList(`${group}/${version}`, kinds) : undefined
}

/** Within a group that is served, what is not found is told by a Status; elsewhere by plain text. */
export function isServedGroup(path: string, kinds: readonly Kind[]): boolean {
  const [, root, group = ''] = path.split('/')
  return root === 'api' || (root === 'apis' && [...kinds, METRICS].some((kind) => kind.group === group))
}

function groups(kinds: readonly Kind[]) {
  const known = [...kinds, METRICS].filter(({ group }) => group !== '')
  return [...new Set(known.map(({ group }) => group))].map((name) => {
    const versions = [...new Set(known.filter(({ group }) => group === name).map(({ version }) => version))].map((version) => ({ groupVersion: `${name}/${version}`, version }))
    return { kind: 'APIGroup', apiVersion: 'v1', name, versions, preferredVersion: versions[0] }
  })
}

function resourceList(groupVersion: string, kinds: readonly Kind[]): object | undefined {
  const metrics = ['nodes', 'pods'].map((name) => ({ name, singularName: '', namespaced: name === 'pods', kind: name === 'pods' ? 'PodMetrics' : 'NodeMetrics', verbs: ['get', 'list'] }))
  const resources = groupVersion === 'metrics.k8s.io/v1beta1' ? metrics : kinds.filter((kind) => groupVersionOf(kind) === groupVersion).flatMap(resourcesOf)
  return resources.length > 0 ? { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources } : undefined
}

function resourcesOf(kind: Kind): object[] {
  const { resource: name, kind: kindName, namespaced, shortNames, subresources } = kind
  const categories = SHOWN_BY_GET_ALL.has(kindName) && { categories: ['all'] }
  const main = { name, singularName: kindName.toLowerCase(), namespaced, kind: kindName, verbs: VERBS, ...(shortNames.length > 0 && { shortNames }), ...categories }
  return [main, ...subresources.map((subresource) => ({ name: `${name}/${subresource}`, singularName: '', namespaced, ...subresourceKind(kind, subresource) }))]
}

function subresourceKind({ kind }: Kind, subresource: string): object {
  switch (subresource) {
    case 'eviction':
      return { group: 'policy', version: 'v1', kind: 'Eviction', verbs: ['create'] }
    case 'binding':
      return { kind: 'Binding', verbs: ['create'] }
    case 'scale':
      return { group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: ['get', 'patch', 'update'] }
    default:
      return { kind, verbs: ['get', 'patch', 'update'] }
  }
}

function openApiIndex(kinds: readonly Kind[]): object {
  const names = [...new Set(kinds.map((kind) => `${kind.group ? 'apis' : 'api'}/${groupVersionOf(kind)}`))]
  return { paths: Object.fromEntries(names.map((name) => [name, { serverRelativeURL: `/openapi/v3/${name}` }])) }
}

/** Just enough for `kubectl apply`: that a PATCH of these kinds takes `fieldValidation`, so that validation is left to the server. */
function openApi(kinds: readonly Kind[]): object {
  const paths = kinds.map((kind) => {
    const { group, version, resource, kind: kindName, namespaced } = kind
    const path = `/${group ? 'apis' : 'api'}/${groupVersionOf(kind)}${namespaced ? '/namespaces/{namespace}' : ''}/${resource}/{name}`
    const parameters = [{ name: 'fieldValidation', in: 'query', schema: { type: 'string' } }]
    return [path, { patch: { 'x-kubernetes-group-version-kind': { group, version, kind: kindName }, parameters, responses: {} } }]
  })
  return { openapi: '3.0.0', info: { title: 'Kubernetes', version: VERSION.gitVersion }, paths: Object.fromEntries(paths) }
}
