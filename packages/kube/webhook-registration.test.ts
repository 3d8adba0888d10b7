import { expect, test } from 'vitest'
import { clientOf, json, refuse, startApiServer } from '../../test/support/api-server.ts'
import { type WebhookConfiguration, injectCaBundle, readConfiguration, registerWebhooks } from './webhook-registration.ts'

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
  const client = clientOf(server)
  expect(await registerWebhooks(client, WANTED, await readConfiguration(client, 'config'))).toBe(outcome)
  expect(server.seen.map(({ method }) => method)).toEqual(methods)
})

test('another replica that creates it at the same moment is no problem', async () => {
  const server = await startApiServer(({ method }, response) => refuse(response, method === 'GET' ? 404 : 409))
  expect(await registerWebhooks(clientOf(server), WANTED, undefined)).toBe('unchanged')
})

const named = (name: string, trust: { caBundle?: string } = {}) => ({ name, clientConfig: { url: 'https://hook', ...trust } })
const CA_BUNDLE = Buffer.from('PEM').toString('base64')

test.for([
  ['is left alone where it trusts us', [named('a', { caBundle: CA_BUNDLE })], 'unchanged', undefined],
  [
    'is told whom to trust, and nothing else, where it does not',
    [named('a', { caBundle: CA_BUNDLE }), named('b')],
    'patched',
    [
      { op: 'test', path: '/webhooks/1/name', value: 'b' },
      { op: 'add', path: '/webhooks/1/clientConfig/caBundle', value: CA_BUNDLE },
    ],
  ],
] as const)('a configuration that others keep %s', async ([, webhooks, outcome, patch]) => {
  const server = await startApiServer((_, response) => json(response, 200, {}))
  expect(await injectCaBundle(clientOf(server), { ...EXISTING, webhooks }, 'PEM')).toBe(outcome)
  expect(server.seen.find(({ method }) => method === 'PATCH')?.body).toEqual(patch)
})
