import { parseConfig } from '@vpa/kube/config.ts'
import { describe, expect, test } from 'vitest'
import { Config } from './config.ts'
import { serverNames, webhookConfiguration, webhookLabels } from './register.ts'

function configOf(...argv: string[]): Config {
  const parsed = parseConfig(Config, argv)
  if ('config' in parsed) return parsed.config
  throw new Error(JSON.stringify(parsed))
}

const webhookOf = (...argv: string[]) => webhookConfiguration(configOf(...argv), 'kube-system', 'PEM').webhooks[0]

test('who keeps the webhook configuration does not leave half of it to others', () => {
  expect(parseConfig(Config, ['--inject-ca-bundle'])).toEqual({ problem: '--inject-ca-bundle: is for a webhook configuration that others keep; use it with --register-webhook=false' })
  expect(parseConfig(Config, ['--inject-ca-bundle', '--register-webhook=false'])).toHaveProperty('config')
})

test('the service is asked, new pods and all VPAs are asked about, and failures are ignored', () => {
  expect(webhookConfiguration(configOf(), 'kube-system', 'PEM')).toMatchInlineSnapshot(`
    {
      "labels": {},
      "name": "vpa-webhook-config",
      "webhooks": [
        {
          "admissionReviewVersions": [
            "v1",
          ],
          "clientConfig": {
            "caBundle": "UEVN",
            "service": {
              "name": "vpa-webhook",
              "namespace": "kube-system",
              "port": 443,
            },
          },
          "failurePolicy": "Ignore",
          "matchConditions": [
            {
              "expression": "request.resource.resource != 'pods' || (has(object.metadata.ownerReferences) && object.metadata.ownerReferences.exists(owner, has(owner.controller) && owner.controller))",
              "name": "pods-with-a-controller",
            },
          ],
          "matchPolicy": "Equivalent",
          "name": "vpa.k8s.io",
          "namespaceSelector": {},
          "objectSelector": {},
          "reinvocationPolicy": "Never",
          "rules": [
            {
              "apiGroups": [
                "",
              ],
              "apiVersions": [
                "v1",
              ],
              "operations": [
                "CREATE",
              ],
              "resources": [
                "pods",
              ],
              "scope": "*",
            },
            {
              "apiGroups": [
                "autoscaling.k8s.io",
              ],
              "apiVersions": [
                "*",
              ],
              "operations": [
                "CREATE",
                "UPDATE",
              ],
              "resources": [
                "verticalpodautoscalers",
              ],
              "scope": "*",
            },
          ],
          "sideEffects": "None",
          "timeoutSeconds": 5,
        },
      ],
    }
  `)
})

test('where pods are refused while nobody answers, our own are not asked about', () => {
  expect(webhookOf('--webhook-failure-policy-fail')).toMatchObject({ failurePolicy: 'Fail', matchConditions: [{ name: 'pods-with-a-controller' }, { name: 'not-the-admission-controller' }] })
})

describe('the namespaces that are asked about', () => {
  const key = 'kubernetes.io/metadata.name'
  test.for([
    ['all', [], {}],
    ['all but those to ignore', ['--ignored-vpa-object-namespaces=a,b'], { matchExpressions: [{ key, operator: 'NotIn', values: ['a', 'b'] }] }],
    ['the only one', ['--vpa-object-namespace=a'], { matchExpressions: [{ key, operator: 'In', values: ['a'] }] }],
  ] as const)('%s', ([, argv, expected]) => {
    expect(webhookOf(...argv)?.namespaceSelector).toEqual(expected)
  })
})

test.for([
  ['https://10.0.0.1', 'https://10.0.0.1:8000/', '10.0.0.1'],
  ['vpa.example.com', 'https://vpa.example.com:8000/', 'vpa.example.com'],
  ['https://[fd00::1]', 'https://[fd00::1]:8000/', 'fd00::1'],
] as const)('by URL, with a certificate for its host: %s', ([address, url, name]) => {
  const argv = ['--register-by-url', `--webhook-address=${address}`, '--webhook-port=8000']
  expect(webhookOf(...argv)?.clientConfig).toEqual({ url, caBundle: 'UEVN' })
  expect(serverNames(configOf(...argv), 'kube-system')).toContain(name)
})

test.for([
  ['no address', [], '"https://:8000"'],
  ['no host', ['--webhook-address=https://'], '"https://:8000"'],
  ['an address in the clear, which the API server does not ask', ['--webhook-address=http://10.0.0.1'], '"http://10.0.0.1:8000"'],
  ['a port that is none', ['--webhook-address=10.0.0.1', '--webhook-port=https'], '"https://10.0.0.1:https"'],
] as const)('by URL, told before anything starts: %s', ([, argv, came]) => {
  expect(parseConfig(Config, ['--webhook-port=8000', ...argv])).toHaveProperty('config')
  expect(parseConfig(Config, ['--register-by-url', '--webhook-port=8000', ...argv])).toEqual({
    problem: `--webhook-address: with --register-by-url it must be a host or an https:// URL, and --webhook-port its port: ${came}`,
  })
})

// Upstream: config_test.go.
test.for([
  ['', {}],
  ['key1:value1,key2:value2', { key1: 'value1', key2: 'value2' }],
  ['"admissions.enforcer/disabled:true"', { 'admissions.enforcer/disabled': 'true' }],
  ['key1:value:1', { key1: 'value:1' }],
  ['key1,key2:value2', undefined],
] as const)('webhook labels: %s', ([text, expected]) => {
  expect(webhookLabels(text)).toEqual(expected)
})
