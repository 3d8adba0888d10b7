import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { expect } from 'vitest'
import { selfSigned } from './certificate.ts'
import type { Cases, Stage } from './contract.ts'
import { pod } from './objects.ts'
import { type Answer, type Json, eventually } from './target.ts'

const CONFIGURATIONS = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations'

export const webhookCases: Cases = {
  'a webhook patches a pod that is created': async (stage) => {
    const { answered, reviews } = await whileAnswering(stage, { answer: patched }, ({ body }) => body.metadata?.annotations?.seen === 'true')
    expect(answered.body.spec.containers[0].resources.requests).toEqual({ cpu: '123m', memory: '100Mi' })
    expect(reviews[0]).toMatchObject({
      kind: 'AdmissionReview',
      apiVersion: 'admission.k8s.io/v1',
      request: {
        uid: expect.any(String),
        kind: { group: '', version: 'v1', kind: 'Pod' },
        resource: { group: '', version: 'v1', resource: 'pods' },
        requestKind: { group: '', version: 'v1', kind: 'Pod' },
        name: 'web',
        namespace: stage.namespace,
        operation: 'CREATE',
        dryRun: false,
        object: { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'web' }, spec: { containers: [{ name: 'web' }] } },
        oldObject: null,
      },
    })
  },
  'a webhook is reached through an ExternalName service too': async (stage) => {
    await stage.api.post(stage.path('services'), { metadata: { name: 'hook' }, spec: { type: 'ExternalName', externalName: 'localhost' } })
    const { answered } = await whileAnswering(stage, { answer: patched, byService: true }, ({ body }) => body.metadata?.annotations?.seen === 'true')
    expect(answered.code).toBe(201)
  },
  'a webhook denies with its own words': async (stage) => {
    const { answered } = await whileAnswering(stage, { answer: denied }, ({ code }) => code !== 201)
    expect(answered.body).toMatchObject({ code: 422, reason: 'Invalid', message: `admission webhook "hook.example.com" denied the request: no such mode` })
  },
  'a webhook that fails is passed over with failurePolicy Ignore': async (stage) => {
    const { answered, reviews } = await whileAnswering(stage, { answer: () => undefined, failurePolicy: 'Ignore' }, (_answer, seen) => seen > 0)
    expect(answered.code).toBe(201)
    expect(reviews.length).toBeGreaterThan(0)
  },
  'a webhook that fails is an error with failurePolicy Fail': async (stage) => {
    const { answered } = await whileAnswering(stage, { answer: () => undefined, failurePolicy: 'Fail' }, ({ code }) => code !== 201)
    expect(answered.body).toMatchObject({ code: 500, reason: 'InternalError', message: expect.stringMatching(/^Internal error occurred: failed calling webhook "hook.example.com": /) })
  },
  'a webhook sees only the pods that its selectors mean': async (stage) => {
    const objectSelector = { matchLabels: { app: 'other' } }
    const { reviews } = await whileAnswering(stage, { answer: patched, objectSelector, labels: { app: 'other' } }, ({ body }) => body.metadata?.annotations?.seen === 'true')
    expect(reviews.every(({ request }) => request.object.metadata.labels.app === 'other')).toBe(true)
  },
}

interface Hook {
  /** undefined: no answer that could be understood */
  readonly answer: (request: Json) => object | undefined
  readonly failurePolicy?: 'Ignore' | 'Fail'
  readonly byService?: boolean
  readonly objectSelector?: object
  /** Of the pod that is created until the answer is as expected. */
  readonly labels?: Record<string, string>
}

function denied(): object {
  return { allowed: false, status: { code: 422, reason: 'Invalid', message: 'no such mode' } }
}

function patched(): object {
  const patch = [
    { op: 'add', path: '/metadata/annotations/seen', value: 'true' },
    { op: 'add', path: '/spec/containers/0/resources/requests/cpu', value: '123m' },
  ]
  return { allowed: true, patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') }
}

/** Serves a webhook and creates pods until one is answered as expected: a registration takes a moment to be known. */
async function whileAnswering(stage: Stage, hook: Hook, isExpected: (answer: Answer, reviews: number) => boolean): Promise<{ answered: Answer; reviews: Json[] }> {
  const { api, path, namespace } = stage
  const { certificate, key } = selfSigned([`hook.${namespace}.svc`], '127.0.0.1')
  const reviews: Json[] = []
  const server = createServer({ cert: certificate, key }, (request, response) => {
    void request.toArray().then((chunks) => {
      const review = JSON.parse(chunks.join(''))
      reviews.push(review)
      const answer = hook.answer(review.request)
      response.writeHead(answer ? 200 : 500, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', response: answer && { uid: review.request.uid, ...answer } }))
    })
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  try {
    await api.post(CONFIGURATIONS, registration(stage, hook, { port: (server.address() as AddressInfo).port, caBundle: Buffer.from(certificate).toString('base64') }))
    const create = async () => {
      const { metadata, ...rest } = pod('web')
      const answer = await api.post(path('pods'), { ...rest, metadata: { ...metadata, ...(hook.labels && { labels: hook.labels }) } })
      await api.delete(path('pods/web'), { gracePeriodSeconds: 0 })
      return answer
    }
    const answered = await eventually(create, (answer) => answer.code !== 409 && isExpected(answer, reviews.length))
    return { answered, reviews }
  } finally {
    await api.delete(`${CONFIGURATIONS}/${namespace}`)
    server.closeAllConnections()
    server.close()
  }
}

function registration({ namespace }: Stage, hook: Hook, { port, caBundle }: { port: number; caBundle: string }): object {
  const { failurePolicy = 'Fail', objectSelector = {}, byService = false } = hook
  const address = byService ? { service: { namespace, name: 'hook', port } } : { url: `https://127.0.0.1:${port}/` }
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: namespace },
    webhooks: [
      {
        name: 'hook.example.com',
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        timeoutSeconds: 5,
        failurePolicy,
        objectSelector,
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
        clientConfig: { ...address, caBundle },
        rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }],
      },
    ],
  }
}
