#!/usr/bin/env node
import { hostname } from 'node:os'
import { isDeepStrictEqual } from 'node:util'
import type { Client } from '@vpa/kube/client.ts'
import type { Cluster } from '@vpa/kube/cluster.ts'
import { connect, openClient } from '@vpa/kube/connect.ts'
import { every } from '@vpa/kube/every.ts'
import { renewStatusLease } from '@vpa/kube/lease.ts'
import { type ProgramContext, runProgram } from '@vpa/kube/program.ts'
import { registerWebhooks } from '@vpa/kube/webhook-registration.ts'
import { certificateSource } from './certificate-source.ts'
import { Config } from './config.ts'
import { AdmissionMetrics } from './metrics.ts'
import { webhookConfiguration, webhookLabels } from './register.ts'
import { Reviewer } from './review.ts'
import { admissionServer, replaceCertificates } from './server.ts'
import { tlsPolicy } from './tls.ts'

type Context = ProgramContext<Config>

await runProgram({ name: 'vpa-admission-controller', flags: Config, healthTimeout: () => undefined, run })

async function run(context: Context): Promise<void> {
  const { config, log, clock, registry, signal } = context
  const connection = { kubeconfig: config.kubeconfig, source: 'vpa-admission-controller', qps: config.kubeApiQps, burst: config.kubeApiBurst, clock, registry }
  const client = await openClient(connection)
  const cluster = await connect({
    ...connection,
    namespace: config.vpaObjectNamespace || undefined,
    ignoredNamespaces: config.ignoredVpaObjectNamespaces,
    watch: { vpas: true, limitRanges: true, workloads: true },
    log,
    signal,
  })
  const reviewer = openReviewer(cluster, config)
  await Promise.race([cluster.synced(), aborted(signal)])
  if (!signal.aborted) await serve(reviewer, client, context)
  await cluster.stop()
  await client.close()
}

function openReviewer(cluster: Cluster, { featureGates, maxAllowedCpuBoost }: Config): Reviewer {
  return new Reviewer(cluster, {
    gates: { perVpaConfig: featureGates.PerVPAConfig, cpuStartupBoost: featureGates.CPUStartupBoost, inPlace: featureGates.InPlace },
    startupBoost: { enabled: featureGates.CPUStartupBoost, maxAllowed: maxAllowedCpuBoost },
  })
}

/** Answers until the program is stopped: then no new connections, and an end when the last request is answered. */
async function serve(reviewer: Reviewer, client: Client, context: Context): Promise<void> {
  const { config, log, clock, registry, signal, health } = context
  const source = certificateSource(config, namespaceOf(context), { client, clock })
  let certificates = await source.read()
  const server = admissionServer({
    tls: { ...certificates, ...tlsPolicy(config) },
    metrics: new AdmissionMetrics(registry),
    log,
    review: (request) => reviewer.review(request),
    beat: () => health.beat(),
  })
  await server.listen({ host: '', port: config.port })
  const bound = server.server.address()
  log.info('Serving admission reviews', { port: typeof bound === 'object' ? bound?.port : undefined, certificate: source.place })
  await register(certificates.caCert, client, context)
  health.start()

  async function reload(): Promise<void> {
    const found = await source.read()
    if (isDeepStrictEqual(found, certificates)) return
    log.info('New certificate found, reloading')
    replaceCertificates(server, found)
    await register(found.caCert, client, context)
    certificates = found
  }

  const renew = () => renewLease(client, context)
  await Promise.all([
    renew(),
    every(config.statusLeaseUpdateInterval, renew, { clock, signal }),
    source.interval && every(source.interval, () => reload().catch((error: unknown) => log.error('Failed to reload certificate', { error })), { clock, signal }),
  ])
  await server.close()
}

async function register(caCert: string, client: Client, context: Context): Promise<void> {
  const { config, log } = context
  if (!config.registerWebhook) return
  if (webhookLabels(config.webhookLabels) === undefined) log.error('Labels of the webhook are not key:value pairs', { labels: config.webhookLabels })
  const outcome = await registerWebhooks(client, webhookConfiguration(config, namespaceOf(context), caCert))
  log.info('Self registration as MutatingWebhook succeeded.', { outcome })
}

/** The updater evicts nothing while this is not told: pods would come back as they were. */
async function renewLease(client: Client, context: Context): Promise<void> {
  const { config, clock, log } = context
  const lease = {
    namespace: config.statusLeaseNamespace || namespaceOf(context),
    name: config.statusLeaseName,
    holder: hostname(),
    duration: config.statusLeaseUpdateInterval,
  }
  await renewStatusLease(client, lease, clock.now()).catch((error: unknown) => log.error('Status lease could not be renewed', { error }))
}

/** Of our service, our Secret and our lease. */
function namespaceOf({ namespace }: Context): string {
  return namespace ?? 'kube-system'
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
