import { randomUUID } from 'node:crypto'
import type { Store } from '@vpa/kube/cluster.ts'
import { assert, asyncProperty, constantFrom, nat, oneof, record, string } from 'fast-check'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { CASES, type Json, harmOfReading, hostileText } from '../../test/support/hostile-input.ts'
import { limitRangeOf, vpaOf } from '../../test/support/new-pods.ts'
import { fakeClock } from '../../test/support/fake-clock.ts'
import { silentLog } from '../../test/support/recorded-log.ts'
import { certificatesFor } from './certificates.ts'
import { AdmissionMetrics } from './metrics.ts'
import { Reviewer } from './review.ts'
import { admissionServer } from './server.ts'

/** Whatever owns a pod of these labels has a VPA, in a namespace with limits. */
const reviewer = new Reviewer(
  {
    vpas: storeOf(vpaOf({ app: { target: { cpu: '548m', memory: '1Gi' } } }, { targetRef: { kind: 'ReplicaSet', name: 'web-1' }, startupBoost: { cpu: { type: 'Factor', factor: 2 } } })),
    limitRanges: storeOf(limitRangeOf('limits', { type: 'Container', max: { cpu: '4' }, default: { memory: '512Mi' } }), limitRangeOf('pods', { type: 'Pod', max: { memory: '8Gi' } })),
    workload: (namespace, ref) => ({ found: { ...ref, namespace, owners: [], selector: { matchLabels: { app: 'web' } } } }),
  },
  { gates: { perVpaConfig: true, cpuStartupBoost: true, inPlace: true }, startupBoost: { enabled: true, maxAllowed: undefined } },
)
const server = admissionServer({
  tls: { ...(await certificatesFor(['localhost'], Date.now())), minVersion: 'TLSv1.2' },
  metrics: new AdmissionMetrics(new Registry()),
  clock: fakeClock(),
  log: silentLog,
  review: (request) => reviewer.review(request),
  beat: () => {},
})

const pod = {
  metadata: { generateName: 'web-', namespace: 'default', labels: { app: 'web' }, annotations: {}, ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-1', controller: true }] },
  spec: { containers: [{ name: 'app', resources: { requests: { cpu: '1' }, limits: { memory: '1Gi' } } }], initContainers: [{ name: 'init' }] },
}
const vpa = { metadata: { name: 'v' }, spec: { targetRef: { kind: 'Deployment', name: 'web' }, updatePolicy: { updateMode: 'Recreate', minReplicas: 1 }, resourcePolicy: { containerPolicies: [{ containerName: '*', maxAllowed: { cpu: '1' } }] } } }
const review = (resource: Json, object: Json): Json => ({ kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', request: { uid: randomUUID(), resource, name: 'x', namespace: 'default', operation: 'CREATE', object, oldObject: null } })
const POD_RESOURCE = { group: '', version: 'v1', resource: 'pods' }
const VPA_RESOURCE = { group: 'autoscaling.k8s.io', version: 'v1', resource: 'verticalpodautoscalers' }
const SEEDS = [review(POD_RESOURCE, pod), review(VPA_RESOURCE, vpa)]

/** `response` of admission.k8s.io/v1, as far as we use it; nothing else may be in it. */
const WellFormed = z.strictObject({
  kind: z.literal('AdmissionReview'),
  apiVersion: z.literal('admission.k8s.io/v1'),
  response: z.strictObject({
    uid: z.string().optional(),
    allowed: z.boolean(),
    status: z.strictObject({ metadata: z.strictObject({}), status: z.literal('Failure'), code: z.literal(422), reason: z.literal('Invalid'), message: z.string().min(1), details: z.looseObject({ kind: z.string() }) }).optional(),
    patch: z.base64().transform((text) => z.array(z.looseObject({ op: z.enum(['add', 'remove', 'replace']), path: z.string().startsWith('/') })).min(1).parse(JSON.parse(atob(text)))).optional(),
    patchType: z.literal('JSONPatch').optional(),
    warnings: z.array(z.string().min(1)).optional(),
  }).refine(({ patch, patchType }) => (patch === undefined) === (patchType === undefined)),
})

function storeOf<T>(...items: readonly T[]): Store<T> {
  return { list: () => items, get: () => undefined, size: items.length, heardAt: undefined, subscribe: () => () => {} }
}

const text = oneof(
  hostileText(...SEEDS),
  record({ seed: constantFrom(...SEEDS), at: nat(400), junk: string() }).map(({ seed, at, junk }) => JSON.stringify(seed).slice(0, at) + junk),
)

const policies = (count: number, policy: (index: number) => Json) => review(VPA_RESOURCE, { spec: { resourcePolicy: { containerPolicies: Array.from({ length: count }, (_, index) => policy(index)) } } })
const containers = (count: number, container: (index: number) => Json) => review(POD_RESOURCE, { ...pod, spec: { containers: Array.from({ length: count }, (_, index) => container(index)) } })

// The API server asks before it looks at schemas and limits of its own.
test.for([
  ['a VPA of a million empty policies', policies(1_000_000, () => ({})), false],
  ['a VPA of a million policies that are none', policies(1_000_000, () => 0), false],
  ['a VPA of 100,000 policies, each for another container', policies(100_000, (index) => ({ containerName: `c${index}` })), false],
  ['a VPA with an amount of a million digits', policies(1, () => ({ containerName: 'app', minAllowed: { cpu: `${'1'.repeat(1_000_000)}e1.5` } })), false],
  ['a pod of a million empty containers', containers(1_000_000, () => ({})), true],
  ['a pod of 100,000 containers', containers(100_000, (index) => ({ name: `c${index}` })), true],
  ['a pod with a request of a million digits', containers(1, () => ({ name: 'app', resources: { requests: { cpu: `${'1'.repeat(1_000_000)}e1.5` } } })), true],
] as const)('%s: answered soon, and in few words', async ([, asked, allowed]) => {
  const payload = JSON.stringify(asked)
  let body = ''
  expect(await harmOfReading(async () => void ({ body } = await server.inject({ method: 'POST', url: '/', headers: { 'content-type': 'application/json' }, payload })))).toBeUndefined()
  expect(WellFormed.parse(JSON.parse(body)).response.allowed).toBe(allowed)
  expect(body.length).toBeLessThan(1000)
})

test(`${CASES} mutated reviews: no crash, always a well-formed answer, no pod denied`, async () => {
  let patched = 0
  await assert(
    asyncProperty(text, async (payload) => {
      let answer: { readonly statusCode: number; json(): unknown } | undefined
      const ask = async () => void (answer = await server.inject({ method: 'POST', url: '/', headers: { 'content-type': 'application/json' }, payload }))
      expect(await harmOfReading(ask)).toBeUndefined()
      expect(answer?.statusCode).toBe(200)
      const { response } = WellFormed.parse(answer?.json())
      const isVpa = payload.includes('verticalpodautoscalers')
      expect(response.allowed ? response.status === undefined : isVpa && response.status !== undefined).toBe(true)
      if (!isVpa && response.patch) patched += 1
    }),
    { numRuns: CASES },
  )
  // Not all are turned away at the door.
  expect(patched).toBeGreaterThan(CASES / 20)
}, 900_000)
