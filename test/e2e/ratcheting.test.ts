import { readFile } from 'node:fs/promises'
import type { Client } from '@vpa/kube/client.ts'
import { systemClock } from '@vpa/kube/clock.ts'
import { openClient } from '@vpa/kube/connect.ts'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { kubeconfig } from './control-plane.ts'

/** The same kind in a group of its own, so that its schema can change under objects without hurting other tests. */
const GROUP = 'ratcheting.example.com'
const KIND = `verticalpodautoscalers.${GROUP}`
const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const OBJECTS = `/apis/${GROUP}/v1/namespaces/default/verticalpodautoscalers`
const targetRef = { kind: 'Deployment', name: 'web' }
let client: Client

interface Crd {
  metadata: { name: string; annotations?: object }
  spec: { group: string; names: Record<string, unknown>; versions: { name: string; schema: { openAPIV3Schema: { properties: { spec: Json } } } }[] }
}
type Json = { [key: string]: Json } | Json[] | string | number | boolean

/** What is stored comes from a cluster in which only the Go implementation's webhook has set bounds. */
beforeAll(async () => {
  client = await openClient({ kubeconfig, source: 'e2e', qps: 0, burst: 0, clock: systemClock, registry: new Registry() })
  const [ours] = parseAllDocuments(await readFile('manifests/crd.yaml', 'utf8')).map((document) => document.toJS() as Crd)
  if (ours === undefined) throw new Error('manifests/crd.yaml is empty')
  const { names, versions } = ours.spec
  const crd = { ...ours, metadata: { name: KIND }, spec: { ...ours.spec, group: GROUP, names: { ...names, shortNames: [] }, versions: versions.filter(({ name }) => name === 'v1') } }
  const bounded = crd.spec.versions
  const unbounded = bounded.map((version) => ({ ...version, schema: { openAPIV3Schema: { ...version.schema.openAPIV3Schema, properties: { spec: withoutBounds(version.schema.openAPIV3Schema.properties.spec), status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } } } } }))
  await client.request({ method: 'POST', path: CRDS, body: { ...crd, spec: { ...crd.spec, versions: unbounded } } })
  await vi.waitFor(() => client.request({ path: OBJECTS }), { timeout: 30_000, interval: 250 })
  for (const [name, containerPolicies] of Object.entries(STORED)) await client.request({ method: 'POST', path: OBJECTS, body: object(name, { targetRef, resourcePolicy: { containerPolicies } }) })
  await client.request({ method: 'PATCH', path: `${CRDS}/${KIND}`, patch: 'merge', body: { spec: { versions: bounded } } })
  await vi.waitFor(async () => {
    if (await isAccepted({ targetRef, resourcePolicy: { containerPolicies: STORED['too-many'] } })) throw new Error('the bounds are not in force yet')
  }, { timeout: 30_000, interval: 250 })
})

afterAll(async () => {
  await client.request({ method: 'DELETE', path: `${CRDS}/${KIND}` })
  await client.close()
})

const STORED = {
  'too-many': Array.from({ length: 101 }, (_, index) => ({ containerName: `c${index}` })),
  'too-wide': [{ containerName: 'a', minAllowed: Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`example.com/r${index}`, 1])) }],
  'too-long': [{ containerName: 'a', minAllowed: { cpu: `0.${'0'.repeat(40)}1` } }],
  'other-resource': [{ containerName: 'a', controlledResources: ['cpu', 'nvidia.com/gpu'] }, { containerName: 'b' }],
}

function withoutBounds(schema: Json): Json {
  const bounds = new Set(['maxItems', 'minLength', 'maxLength', 'maxProperties', 'x-kubernetes-validations'])
  if (Array.isArray(schema)) return schema.map(withoutBounds)
  if (typeof schema !== 'object') return schema
  return Object.fromEntries(Object.entries(schema).flatMap(([key, value]) => (bounds.has(key) ? [] : [[key, withoutBounds(value)]])))
}

function object(name: string, spec: object) {
  return { apiVersion: `${GROUP}/v1`, kind: 'VerticalPodAutoscaler', metadata: { name }, spec }
}

function create(spec: object) {
  return client.request({ method: 'POST', path: OBJECTS, query: { dryRun: 'All' }, body: object('new', spec) })
}

function isAccepted(spec: object): Promise<boolean> {
  return create(spec).then(() => true, () => false)
}

function edit(name: string, change: object, subresource = '') {
  return client.request({ method: 'PATCH', path: `${OBJECTS}/${name}${subresource}`, patch: 'merge', body: change })
}

describe.for(Object.keys(STORED))('an object from before the bounds that is %s', (name) => {
  test.for([
    ['its labels', { metadata: { labels: { team: 'a' } } }, ''],
    ['its update policy', { spec: { updatePolicy: { updateMode: 'Off' } } }, ''],
    ['its status, by the recommender', { status: { recommendation: { containerRecommendations: [{ containerName: 'a', target: { cpu: '1' } }] } } }, '/status'],
  ] as const)('can be edited: %s', async ([, change, subresource]) => {
    await expect(edit(name, change, subresource)).resolves.toBeDefined()
  })
})

const policies = (...containerPolicies: object[]) => ({ spec: { resourcePolicy: { containerPolicies } } })

test('a resource that cannot be controlled stays where it was, beside other changes of the policies', async () => {
  await expect(edit('other-resource', policies({ containerName: 'a', controlledResources: ['nvidia.com/gpu'], minAllowed: { cpu: '1' } }))).resolves.toBeDefined()
})

test.for([
  ['a new object names one', () => create({ targetRef, ...policies({ containerName: 'a', controlledResources: ['nvidia.com/gpu'] }).spec })],
  ['an object names another one than before', () => edit('other-resource', policies({ containerName: 'a', controlledResources: ['example.com/other'] }))],
] as const)('a resource that cannot be controlled is refused where %s', async ([, attempt]) => {
  await expect(attempt()).rejects.toThrow(/controlledResources has an unsupported value/)
})
