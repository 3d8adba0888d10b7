import type { Client } from '@vpa/kube/client.ts'
import type { Clock } from '@vpa/kube/clock.ts'
import type { Log } from '@vpa/kube/log.ts'
import { type LiveConfiguration, injectCaBundle, readConfiguration, registerWebhooks, webhookTrust } from '@vpa/kube/webhook-registration.ts'
import { widenedTrust } from './certificates.ts'
import type { Config } from './config.ts'
import { WEBHOOK_CONFIGURATION, webhookConfiguration, webhookLabels } from './register.ts'

interface RegistrationContext {
  readonly config: Config
  readonly log: Log
  readonly clock: Pick<Clock, 'now'>
  /** Of our service. */
  readonly namespace: string
}

/**
 * Makes the API server ask us, and trust our authority, as far as the flags say that this is ours to do.
 *
 * @returns `unchanged`: it has trusted the authority before, whatever else was changed
 * @throws ApiError or Error when it could not be done
 */
export async function register(caCert: string, client: Client, { config, log, clock, namespace }: RegistrationContext): Promise<'created' | 'patched' | 'unchanged'> {
  if (!config.registerWebhook && !config.injectCaBundle) return 'unchanged'
  if (webhookLabels(config.webhookLabels) === undefined) log.error('Labels of the webhook are not key:value pairs', { labels: config.webhookLabels })
  const live = await readConfiguration(client, WEBHOOK_CONFIGURATION)
  const trusted = webhookTrust(live)?.caBundle
  const caBundle = widenedTrust(caCert, trusted ?? '', clock.now())
  if (config.injectCaBundle) return await inject(caBundle, live, client, log)
  const outcome = await registerWebhooks(client, webhookConfiguration(config, namespace, caBundle), live)
  if (outcome !== 'unchanged') log.info('Self registration as MutatingWebhook succeeded.', { outcome })
  // Where somebody else changes what we write, it is patched at each look; a new certificate must not wait for that to end.
  return trusted === caBundle ? 'unchanged' : outcome
}

/** Somebody else keeps the configuration, but cannot know our authority. */
async function inject(caBundle: string, live: LiveConfiguration | undefined, client: Client, log: Log): Promise<'patched' | 'unchanged'> {
  if (live?.webhooks === undefined) {
    log.warn('The webhook configuration is missing; nobody asks us until it is there', { name: WEBHOOK_CONFIGURATION })
    return 'unchanged'
  }
  const outcome = await injectCaBundle(client, live, caBundle)
  if (outcome === 'patched') log.info('The webhook configuration trusts our certificate now', { name: WEBHOOK_CONFIGURATION })
  return outcome
}
