import { isDeepStrictEqual } from 'node:util'
import type { Labels } from '@vpa/core/selector.ts'
import { isConflict } from './api-error.ts'
import type { Client } from './client.ts'
import { WEBHOOK_CONFIGURATIONS, objectPath, pathOf } from './resources.ts'

/** A MutatingWebhookConfiguration with every field that the API server would fill in, so that equal ones compare equal. */
export interface WebhookConfiguration {
  readonly name: string
  readonly labels: Labels
  readonly webhooks: readonly Webhook[]
}

export interface Webhook {
  readonly name: string
  readonly admissionReviewVersions: readonly string[]
  readonly clientConfig: WebhookClientConfig
  readonly rules: readonly WebhookRule[]
  readonly failurePolicy: 'Ignore' | 'Fail'
  readonly matchConditions: readonly MatchCondition[]
  readonly matchPolicy: 'Equivalent' | 'Exact'
  readonly namespaceSelector: object
  readonly objectSelector: object
  readonly sideEffects: 'None'
  readonly timeoutSeconds: number
  readonly reinvocationPolicy: 'Never' | 'IfNeeded'
}

/** A request for which the expression (CEL) is false never reaches the webhook. */
export interface MatchCondition {
  readonly name: string
  readonly expression: string
}

/** `caBundle` is PEM in base64; absent where the API server is to trust what every machine does. */
export type WebhookClientConfig =
  | { readonly url: string; readonly caBundle?: string }
  | { readonly service: { readonly namespace: string; readonly name: string; readonly port: number }; readonly caBundle?: string }

export interface WebhookRule {
  readonly operations: readonly ('CREATE' | 'UPDATE')[]
  readonly apiGroups: readonly string[]
  readonly apiVersions: readonly string[]
  readonly resources: readonly string[]
  readonly scope: '*'
}

/** A MutatingWebhookConfiguration as the API server has it. */
export interface LiveConfiguration {
  readonly metadata: { readonly name: string; readonly labels?: Labels }
  readonly webhooks?: readonly LiveWebhook[]
}

interface LiveWebhook {
  readonly name: string
  readonly clientConfig: { readonly url?: string; readonly service?: { readonly namespace: string; readonly name: string }; readonly caBundle?: string }
}

/** @returns undefined where there is none */
export function readConfiguration(client: Client, name: string): Promise<LiveConfiguration | undefined> {
  return client.find<LiveConfiguration>({ path: pathTo(name) })
}

/**
 * Makes the API server ask the webhooks, changing only what differs: there is no moment without them (upstream deletes and creates anew).
 * Replicas that start at once may race; they write the same.
 *
 * @param live what there is of that name, just read
 * @throws ApiError or Error when it could not be done
 */
export async function registerWebhooks(client: Client, wanted: WebhookConfiguration, live: LiveConfiguration | undefined): Promise<'created' | 'patched' | 'unchanged'> {
  if (live === undefined) return create(client, wanted)
  const labels = live.metadata.labels ?? {}
  const hasLabels = Object.entries(wanted.labels).every(([name, value]) => labels[name] === value)
  if (hasLabels && isDeepStrictEqual(live.webhooks, wanted.webhooks)) return 'unchanged'
  const body = { metadata: { labels: wanted.labels }, webhooks: wanted.webhooks }
  await client.request({ method: 'PATCH', path: pathTo(wanted.name), patch: 'merge', body })
  return 'patched'
}

/**
 * Fills in what the webhooks of a configuration are trusted by, and leaves everything else of it to whoever made it.
 *
 * @param live just read
 * @param caCert PEM
 * @throws ApiError or Error when it could not be done
 */
export async function injectCaBundle(client: Client, { metadata: { name }, webhooks = [] }: LiveConfiguration, caCert: string): Promise<'patched' | 'unchanged'> {
  const caBundle = Buffer.from(caCert).toString('base64')
  const body = webhooks.flatMap((webhook, index) =>
    (webhook.clientConfig.caBundle ?? '') === caBundle
      ? []
      : [
          // The list may have changed since it was read.
          { op: 'test', path: `/webhooks/${index}/name`, value: webhook.name },
          { op: 'add', path: `/webhooks/${index}/clientConfig/caBundle`, value: caBundle },
        ],
  )
  if (body.length === 0) return 'unchanged'
  await client.request({ method: 'PATCH', path: pathTo(name), body })
  return 'patched'
}

/** How the API server finds the first webhook of a configuration, and by what it knows it. */
export interface WebhookTrust {
  /** The name that the certificate must bear. */
  readonly host: string
  /** PEM. */
  readonly caBundle: string
}

/** @returns undefined where there is no such configuration, or none of its webhooks says how it is called */
export async function readWebhookTrust(client: Client, name: string): Promise<WebhookTrust | undefined> {
  return webhookTrust(await readConfiguration(client, name))
}

/** As {@link readWebhookTrust}, of a configuration that is known. */
export function webhookTrust(live: LiveConfiguration | undefined): WebhookTrust | undefined {
  const { url, service, caBundle = '' } = live?.webhooks?.[0]?.clientConfig ?? {}
  const host = url === undefined ? service && `${service.name}.${service.namespace}.svc` : new URL(url).hostname.replace(/^\[(.*)\]$/, '$1')
  return host === undefined ? undefined : { host, caBundle: Buffer.from(caBundle, 'base64').toString() }
}

async function create(client: Client, { name, labels, webhooks }: WebhookConfiguration): Promise<'created' | 'unchanged'> {
  const body = { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'MutatingWebhookConfiguration', metadata: { name, labels }, webhooks }
  try {
    await client.request({ method: 'POST', path: pathOf(WEBHOOK_CONFIGURATIONS), body })
    return 'created'
  } catch (error) {
    if (isConflict(error)) return 'unchanged'
    throw error
  }
}

function pathTo(name: string): string {
  return objectPath(WEBHOOK_CONFIGURATIONS, { namespace: '', name })
}
