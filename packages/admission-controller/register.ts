import type { Labels } from '@vpa/core/selector.ts'
import type { MatchCondition, WebhookClientConfig, WebhookConfiguration } from '@vpa/kube/webhook-registration.ts'
import type { Config } from './config.ts'

/** Upstream's name, so that one installation replaces the other. */
export const WEBHOOK_CONFIGURATION = 'vpa-webhook-config'

/** A pod without a controller belongs to no VPA, so there is no need to ask. */
const CONTROLLED_PODS: MatchCondition = {
  name: 'pods-with-a-controller',
  expression: "request.resource.resource != 'pods' || (has(object.metadata.ownerReferences) && object.metadata.ownerReferences.exists(owner, has(owner.controller) && owner.controller))",
}

/** By which the service finds our pods, here and upstream. */
const OWN_LABEL = { key: 'app', value: 'vpa-admission-controller' }

/**
 * Where pods are refused while nobody answers, our own would be too, and nobody would ever answer again.
 * Everywhere else they are pods like any other, which a VPA may have as target.
 */
function notOurPods(namespace: string): MatchCondition {
  const isOurs = `request.namespace == '${namespace}' && has(object.metadata.labels) && '${OWN_LABEL.key}' in object.metadata.labels && object.metadata.labels['${OWN_LABEL.key}'] == '${OWN_LABEL.value}'`
  return { name: 'not-the-admission-controller', expression: `request.resource.resource != 'pods' || !(${isOurs})` }
}

/**
 * What the API server is to ask us about: new pods, and VPA objects as they are created and changed.
 *
 * @param namespace of our service
 * @param caCert PEM, what to trust us by
 */
export function webhookConfiguration(config: Config, namespace: string, caCert: string): WebhookConfiguration {
  return {
    name: WEBHOOK_CONFIGURATION,
    labels: webhookLabels(config.webhookLabels) ?? {},
    webhooks: [
      {
        name: 'vpa.k8s.io',
        admissionReviewVersions: ['v1'],
        clientConfig: clientConfig(config, namespace, Buffer.from(caCert).toString('base64')),
        rules: [
          { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], scope: '*' },
          { operations: ['CREATE', 'UPDATE'], apiGroups: ['autoscaling.k8s.io'], apiVersions: ['*'], resources: ['verticalpodautoscalers'], scope: '*' },
        ],
        matchConditions: config.webhookFailurePolicyFail ? [CONTROLLED_PODS, notOurPods(namespace)] : [CONTROLLED_PODS],
        failurePolicy: config.webhookFailurePolicyFail ? 'Fail' : 'Ignore',
        matchPolicy: 'Equivalent',
        namespaceSelector: namespaceSelector(config),
        objectSelector: {},
        sideEffects: 'None',
        timeoutSeconds: config.webhookTimeoutSeconds,
        reinvocationPolicy: 'Never',
      },
    ],
  }
}

/** The hosts by which the API server, and whoever tries by hand, may ask us. */
export function serverNames({ webhookService, registerByUrl, webhookAddress }: Config, namespace: string): readonly string[] {
  const service = `${webhookService}.${namespace}.svc`
  return [service, `${service}.cluster.local`, 'localhost', '127.0.0.1', ...(registerByUrl ? [new URL(webhookUrl(webhookAddress, '')).hostname.replace(/^\[(.*)\]$/, '$1')] : [])]
}

/**
 * Reads `key:value,key2:value2`, which may stand in quotes.
 *
 * @returns undefined when it is something else; then there are no labels
 */
export function webhookLabels(text: string): Labels | undefined {
  const trimmed = text.replaceAll(/^"+|"+$/g, '')
  if (trimmed === '') return {}
  const pairs = trimmed.split(',').map((pair) => /^([^:]+):(.*)$/.exec(pair))
  if (pairs.includes(null)) return undefined
  return Object.fromEntries(pairs.map((pair) => [pair?.[1]?.trim() ?? '', pair?.[2]?.trim() ?? '']))
}

function clientConfig({ registerByUrl, webhookAddress, webhookPort, webhookService }: Config, namespace: string, caBundle: string): WebhookClientConfig {
  // The API server keeps no empty one: what it has would never be what is wanted.
  const trust = caBundle === '' ? {} : { caBundle }
  if (registerByUrl) return { url: new URL(webhookUrl(webhookAddress, webhookPort)).href, ...trust }
  return { service: { namespace, name: webhookService, port: 443 }, ...trust }
}

/** Users of the Go implementation write the scheme into the address; those who do not mean HTTPS as well. */
export function webhookUrl(address: string, port: string): string {
  const base = address.includes('://') ? address : `https://${address}`
  return port === '' ? base : `${base}:${port}`
}

function namespaceSelector({ ignoredVpaObjectNamespaces, vpaObjectNamespace }: Config): object {
  const key = 'kubernetes.io/metadata.name'
  if (ignoredVpaObjectNamespaces.length > 0) return { matchExpressions: [{ key, operator: 'NotIn', values: ignoredVpaObjectNamespaces }] }
  return vpaObjectNamespace === '' ? {} : { matchExpressions: [{ key, operator: 'In', values: [vpaObjectNamespace] }] }
}
