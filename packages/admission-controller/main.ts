#!/usr/bin/env node
import type { AddressInfo } from 'node:net'
import { hostname } from 'node:os'
import type { Client } from '@vpa/kube/client.ts'
import type { Cluster } from '@vpa/kube/cluster.ts'
import { connect, openClient } from '@vpa/kube/connect.ts'
import { every } from '@vpa/kube/every.ts'
import { connectionOf } from '@vpa/kube/flags.ts'
import { renewStatusLease } from '@vpa/kube/lease.ts'
import type { Log } from '@vpa/kube/log.ts'
import { type ProgramContext, runProgram } from '@vpa/kube/program.ts'
import { type WebhookTrust, readWebhookTrust } from '@vpa/kube/webhook-registration.ts'
import { type CertificateSource, certificateSource } from './certificate-source.ts'
import { daysLeft } from './certificates.ts'
import { Config } from './config.ts'
import { AdmissionMetrics } from './metrics.ts'
import { WEBHOOK_CONFIGURATION, serverNames } from './register.ts'
import { register } from './registration.ts'
import { Reviewer } from './review.ts'
import { ServedCertificates } from './served-certificates.ts'
import { admissionServer, replaceCertificates } from './server.ts'
import { whyNotServing } from './serving-check.ts'
import { tlsPolicy } from './tls.ts'

interface Context extends ProgramContext<Config> {
  /** Of our service, our Secret and our lease. */
  readonly namespace: string
}

await runProgram({ name: 'vpa-admission-controller', flags: Config, healthTimeout: () => undefined, run: (context) => run({ ...context, namespace: context.namespace ?? 'kube-system' }) })

async function run(context: Context): Promise<void> {
  const { config, log, clock, registry, signal } = context
  const connection = { ...connectionOf(config), source: 'vpa-admission-controller', clock, registry }
  const client = await openClient(connection)
  const cluster = await connect({ ...connection, watch: { vpas: true, limitRanges: true, workloads: true }, log, signal })
  const reviewer = openReviewer(cluster, config)
  if (await context.lead(cluster.synced())) await serve(reviewer, client, context)
  await cluster.stop()
  await client.close()
}

function openReviewer(cluster: Cluster, { featureGates, maxAllowedCpuBoost }: Config): Reviewer {
  return new Reviewer(cluster, {
    gates: { perVpaConfig: featureGates.PerVPAConfig, cpuStartupBoost: featureGates.CPUStartupBoost, inPlace: featureGates.InPlace },
    startupBoost: { enabled: featureGates.CPUStartupBoost, maxAllowed: maxAllowedCpuBoost },
  })
}

/** Answers until the program is stopped, and a little longer; ends when the last request is answered. */
async function serve(reviewer: Reviewer, client: Client, context: Context): Promise<void> {
  const { config, log, clock, registry, signal, health } = context
  const source = certificateSource(config, context.namespace, { client, clock })
  const certificates = await source.read()
  warnOfExposedKey(source, log)
  const metrics = new AdmissionMetrics(registry)
  const policy = tlsPolicy(config)
  const server = admissionServer({
    tls: { ...certificates, ...policy },
    metrics,
    clock,
    log,
    review: (request) => reviewer.review(request),
    beat: () => health.beat(),
  })
  await server.listen({ host: '', port: config.port })
  const port = (server.server.address() as AddressInfo).port
  log.info('Serving admission reviews', { port, certificate: source.place })
  await register(certificates.caCert, client, context)
  health.start()

  const served = new ServedCertificates(certificates, {
    source,
    trust: (caCert) => register(caCert, client, context),
    serve: (found) => {
      warnOfExposedKey(source, log)
      replaceCertificates(server, { ...found, ...policy })
    },
    log,
  })
  async function prove(): Promise<void> {
    const { caCert, serverCert } = served.current
    metrics.certificateDaysLeft.set(daysLeft(serverCert, clock.now()))
    health.report(await proveServing({ port, caCert }, client, context))
  }

  await prove()
  await Promise.all([
    every(config.statusLeaseUpdateInterval, prove, { clock, signal }),
    source.interval && every(source.interval, () => served.reload(), { clock, signal }),
  ])
  await clock.sleep(config.shutdownDelay)
  await server.close()
}

function warnOfExposedKey(source: CertificateSource, log: Log): void {
  const file = source.exposedKey()
  if (file !== undefined) log.warn('Every user of this machine may read the private key; for a mounted Secret, set defaultMode: 0440 and an fsGroup', { file })
}

/**
 * Renews the lease only while the API server can really ask us; the updater evicts nothing while it is not renewed.
 *
 * @returns why we are not serving; undefined when we are, or when the API server could not be asked how it would ask
 */
async function proveServing({ port, caCert }: { readonly port: number; readonly caCert: string }, client: Client, context: Context): Promise<string | undefined> {
  const { config, clock, log } = context
  try {
    await register(caCert, client, context)
    // Read again: what counts is what stands there after the registration, whoever has made it.
    const trust = (await readWebhookTrust(client, WEBHOOK_CONFIGURATION)) ?? ownTrust(caCert, context)
    const problem = trust && (await whyNotServing(port, trust))
    if (problem !== undefined) {
      log.error('Not serving, the status lease is not renewed', { why: problem })
      return problem
    }
    const name = { namespace: config.statusLeaseNamespace || context.namespace, name: config.statusLeaseName }
    await renewStatusLease(client, { ...name, holder: hostname(), duration: config.statusLeaseUpdateInterval }, clock.now())
  } catch (error) {
    log.error('Status lease could not be renewed', { error })
  }
  return undefined
}

/** All we know where somebody else registers us, under another name; undefined where there is no file of the authority either. */
function ownTrust(caCert: string, context: Context): WebhookTrust | undefined {
  const [host = ''] = serverNames(context.config, context.namespace)
  return caCert === '' ? undefined : { host, caBundle: caCert }
}
