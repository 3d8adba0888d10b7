import { expect, test } from 'vitest'
import { clientOf, json, refuse, startApiServer } from '../../test/support/api-server.ts'
import { type WebhookConfiguration, injectCaBundle, registerWebhooks } from './webhook-registration.ts'

const WANTED: WebhookConfiguration = {
  name: 'config',
  labels: { team: 'a' },
  webhooks: [
    {
      name: 'example.com',
      admissionReviewVersions: ['v1'],
      clientConfig: { service: { namespace: 'default', name: 'hook', port: 443 }, caBundle: 'Y2E=' },
      rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], scope: '*' }],
      matchConditions: [], failurePolicy: 'Ignore',
      matchPolicy: 'Equivalent',
      namespaceSelector: {},
      objectSelector: {},
      sideEffects: 'None',
      timeoutSeconds: 30,
      reinvocationPolicy: 'Never',
    },
  ],
}
const EXISTING = { metadata: { name: 'config', labels: { team: 'a', other: 'b' } }, webhooks: WANTED.webhooks }

test.for([
  ['created where there is none', undefined, 'created', ['GET', 'POST']],
  ['left alone where it is as wanted, with labels of others', EXISTING, 'unchanged', ['GET']],
  ['patched where a webhook differs', { ...EXISTING, webhooks: [{ ...WANTED.webhooks[0], failurePolicy: 'Fail' }] }, 'patched', ['GET', 'PATCH']],
  ['patched where a label is missing', { ...EXISTING, metadata: { name: 'config' } }, 'patched', ['GET', 'PATCH']],
] as const)('%s', async ([, existing, outcome, methods]) => {
  const server = await startApiServer(({ method }, response) => (method === 'GET' && !existing ? refuse(response, 404) : json(response, 200, existing ?? {})))
  expect(await registerWebhooks(clientOf(server), WANTED)).toBe(outcome)
  expect(server.seen.map(({ method }) => method)).toEqual(methods)
})

test('another replica that creates it at the same moment is no problem', async () => {
  const server = await startApiServer(({ method }, response) => refuse(response, method === 'GET' ? 404 : 409))
  expect(await registerWebhooks(clientOf(server), WANTED)).toBe('unchanged')
})

const named = (name: string, caBundle?: string) => ({ ...WANTED.webhooks[0], name, clientConfig: { ...WANTED.webhooks[0]?.clientConfig, caBundle } })
const CA_BUNDLE = Buffer.from('PEM').toString('base64')

test.for([
  ['is awaited where there is none', undefined, 'missing', undefined],
  ['is left alone where it trusts us', [named('a', CA_BUNDLE)], 'unchanged', undefined],
  [
    'is told whom to trust, and nothing else, where it does not',
    [named('a', CA_BUNDLE), named('b')],
    'patched',
    [
      { op: 'test', path: '/webhooks/1/name', value: 'b' },
      { op: 'add', path: '/webhooks/1/clientConfig/caBundle', value: CA_BUNDLE },
    ],
  ],
] as const)('a configuration that others keep %s', async ([, webhooks, outcome, patch]) => {
  const server = await startApiServer(({ method }, response) => (method === 'GET' && !webhooks ? refuse(response, 404) : json(response, 200, { ...EXISTING, webhooks })))
  expect(await injectCaBundle(clientOf(server), 'config', 'PEM')).toBe(outcome)
  expect(server.seen.find(({ method }) => method === 'PATCH')?.body).toEqual(patch)
})
