import { randomUUID } from 'node:crypto'
import { array, assert, asyncProperty, constantFrom, jsonValue, nat, oneof, record, string } from 'fast-check'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { certificatesFor } from './certificates.ts'
import { AdmissionMetrics } from './metrics.ts'
import { Reviewer } from './review.ts'
import { admissionServer } from './server.ts'

/** `npm run fuzz` asks for many more. */
const CASES = Number(process.env['FUZZ_CASES'] ?? 2000)
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silent }
const nothing = { list: () => [], get: () => undefined, size: 0, heardAt: undefined, subscribe: () => () => {} }
const reviewer = new Reviewer(
  { vpas: nothing, limitRanges: nothing, workload: (_, { kind, name }) => ({ missing: 'not-found', message: `${kind} ${name}` }) },
  { gates: { perVpaConfig: true, cpuStartupBoost: true, inPlace: true }, startupBoost: { enabled: true, maxAllowed: undefined } },
)
const server = admissionServer({
  tls: { ...(await certificatesFor(['localhost'], Date.now())), minVersion: 'TLSv1.2' },
  metrics: new AdmissionMetrics(new Registry()),
  log: silent,
  review: (request) => reviewer.review(request),
  beat: () => {},
})

const pod = {
  metadata: { generateName: 'web-', namespace: 'n', labels: { app: 'web' }, annotations: {}, ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-1', controller: true }] },
  spec: { containers: [{ name: 'app', resources: { requests: { cpu: '1' }, limits: { memory: '1Gi' } } }], initContainers: [{ name: 'init' }] },
}
const vpa = { metadata: { name: 'v' }, spec: { targetRef: { kind: 'Deployment', name: 'web' }, updatePolicy: { updateMode: 'Recreate', minReplicas: 1 }, resourcePolicy: { containerPolicies: [{ containerName: '*', maxAllowed: { cpu: '1' } }] } } }
const review = (resource: object, object: object) => ({ kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', request: { uid: randomUUID(), resource, name: 'x', namespace: 'n', operation: 'CREATE', object, oldObject: null } })
const SEEDS = [review({ group: '', version: 'v1', resource: 'pods' }, pod), review({ group: 'autoscaling.k8s.io', version: 'v1', resource: 'verticalpodautoscalers' }, vpa)]

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** Puts a value that does not belong there somewhere into a review. */
function mutated(seed: Json, path: readonly number[], value: Json): Json {
  const [step, ...rest] = path
  if (step === undefined || seed === null || typeof seed !== 'object') return value
  const keys = Object.keys(seed)
  const key = keys[step % Math.max(keys.length, 1)]
  if (key === undefined) return value
  const child = mutated((seed as Record<string, Json>)[key] ?? null, rest, value)
  return Array.isArray(seed) ? seed.with(Number(key), child) : { ...seed, [key]: child }
}

const text = oneof(
  record({ seed: constantFrom(...SEEDS), path: array(nat(7), { maxLength: 8 }), value: jsonValue() }).map(({ seed, path, value }) => JSON.stringify(mutated(seed as Json, path, value as Json))),
  record({ seed: constantFrom(...SEEDS), at: nat(400), junk: string() }).map(({ seed, at, junk }) => JSON.stringify(seed).slice(0, at) + junk),
)

test(`${CASES} mutated reviews: no crash, always a well-formed answer, no pod denied`, async () => {
  await assert(
    asyncProperty(text, async (payload) => {
      const answer = await server.inject({ method: 'POST', url: '/', headers: { 'content-type': 'application/json' }, payload })
      expect(answer.statusCode).toBe(200)
      const { kind, response } = answer.json<{ kind: string; response: { allowed: boolean; status?: { code: number; message: string } } }>()
      expect(kind).toBe('AdmissionReview')
      expect(typeof response.allowed).toBe('boolean')
      const isVpa = payload.includes('verticalpodautoscalers')
      expect(response.allowed || (isVpa && response.status?.code === 422 && response.status.message.includes('invalid'))).toBe(true)
    }),
    { numRuns: CASES },
  )
}, 600_000)
