import { commonFlags, flag } from '@vpa/kube/flags.ts'
import * as z from 'zod'
import { webhookUrl } from './register.ts'

/** The admission controller's command line (upstream: pkg/admission-controller/config). */
export const Config = z.strictObject({
  ...commonFlags({ address: ':8944' }),
  port: flag.integer(8000, { min: 0, max: 65_535 }).describe('Where the API server asks, by HTTPS.'),
  clientCaFile: flag.text('/etc/tls-certs/caCert.pem').describe('Certificate of the authority that has signed --tls-cert-file; the API server is told to trust it.'),
  tlsCertFile: flag.text('/etc/tls-certs/serverCert.pem').describe("Certificate to serve with. Where there is no such file, cert-manager's ca.crt, tls.crt and tls.key in its directory are taken; where there are none, one is made and kept in Secret vpa-tls-certs."),
  tlsPrivateKey: flag.text('/etc/tls-certs/serverKey.pem').describe('Private key of --tls-cert-file.'),
  reloadCert: flag.boolean(true).describe('Follow changes of the three certificate files.'),
  minTlsVersion: flag.choice('tls1_2', ['tls1_2', 'tls1_3']).describe('The oldest TLS version to accept: tls1_2 or tls1_3.'),
  tlsCiphers: flag.text('').describe("Cipher suites of TLS 1.2 to accept, by Go's names, separated by commas or colons. Empty: Node's defaults."),
  registerWebhook: flag.boolean(true).describe('Make the API server ask: create or update MutatingWebhookConfiguration vpa-webhook-config.'),
  injectCaBundle: flag.boolean(false).describe('Where somebody else keeps vpa-webhook-config: keep its caBundle current, and leave the rest of it alone. Excludes --register-webhook.'),
  registerByUrl: flag.boolean(false).describe('Register --webhook-address and --webhook-port instead of the service.'),
  webhookAddress: flag.text('').describe('Where the API server finds us, with --register-by-url.'),
  webhookPort: flag.text('').describe('Its port.'),
  webhookService: flag.text('vpa-webhook').describe('The service in front of us.'),
  webhookTimeoutSeconds: flag.integer(5, { min: 1, max: 30 }).describe('How long the API server waits for an answer.'),
  webhookFailurePolicyFail: flag.boolean(false).describe('Refuse pods while we cannot be asked, instead of admitting them unchanged.'),
  webhookLabels: flag.text('').describe('Labels of the webhook configuration: key:value, separated by commas.'),
  statusLeaseName: flag.text('vpa-admission-controller').describe('Name of the lease that tells the updater that we are alive.'),
  statusLeaseNamespace: flag.text('').describe("Namespace of the lease. Empty: the environment's NAMESPACE, otherwise kube-system."),
  statusLeaseUpdateInterval: flag.duration('10s', { min: 1000 }).describe('How often the lease is renewed.'),
  shutdownDelay: flag.duration('5s', { min: 0, max: 15_000 }).describe('How long to go on answering when asked to stop, until nobody asks here any more.'),
  maxAllowedCpuBoost: flag.quantity().describe('No startup boost gives a container more CPU than this.'),
}).refine(({ registerWebhook, injectCaBundle }) => !(registerWebhook && injectCaBundle), {
  path: ['injectCaBundle'],
  error: 'is for a webhook configuration that others keep; use it with --register-webhook=false',
}).refine((config) => !config.registerByUrl || URL.parse(urlOf(config))?.protocol === 'https:', {
  path: ['webhookAddress'],
  error: ({ input }) => `with --register-by-url it must be a host or an https:// URL, and --webhook-port its port: ${JSON.stringify(urlOf(input as AddressFlags))}`,
})

interface AddressFlags {
  readonly webhookAddress: string
  readonly webhookPort: string
}

function urlOf({ webhookAddress, webhookPort }: AddressFlags): string {
  return webhookUrl(webhookAddress, webhookPort)
}

export type Config = Readonly<z.output<typeof Config>>
