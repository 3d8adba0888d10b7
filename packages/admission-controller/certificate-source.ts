import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { type DurationMs, type EpochMs, SECOND } from '@vpa/core/time.ts'
import type { Client } from '@vpa/kube/client.ts'
import type { Clock } from '@vpa/kube/clock.ts'
import type { ObjectName } from '@vpa/kube/cluster.ts'
import { type Secret, readSecret, writeSecret } from '@vpa/kube/secret.ts'
import { type Certificates, type OwnCertificates, certificatesFor } from './certificates.ts'
import type { Config } from './config.ts'
import { serverNames } from './register.ts'

/** Where our certificates are. */
export interface CertificateSource {
  /** For the log. */
  readonly place: string
  /** How often to look for others; undefined for never. */
  readonly interval: DurationMs | undefined
  /** @throws Error when there are none, and none can be made */
  read(): Promise<Certificates>
}

/** The files of the flags where they exist; otherwise a Secret with certificates of our own. */
export function certificateSource(config: Config, namespace: string, { client, clock }: { readonly client: Client; readonly clock: Pick<Clock, 'now'> }): CertificateSource {
  const { tlsCertFile, tlsPrivateKey, reloadCert } = config
  if (existsSync(tlsCertFile) && existsSync(tlsPrivateKey)) {
    return { place: tlsCertFile, interval: reloadCert ? 10 * SECOND : undefined, read: () => readFiles(config) }
  }
  const secret = { namespace, name: 'vpa-tls-certs' }
  const names = serverNames(config, namespace)
  // Another replica may have renewed them, and must not be far ahead of us.
  return { place: `secret ${secret.namespace}/${secret.name}`, interval: 10 * SECOND, read: () => sharedCertificates(client, secret, names, clock.now()) }
}

async function readFiles({ clientCaFile, tlsCertFile, tlsPrivateKey }: Config): Promise<Certificates> {
  const [caCert = '', serverCert = '', serverKey = ''] = await Promise.all([clientCaFile, tlsCertFile, tlsPrivateKey].map((file) => readFile(file, 'utf8')))
  return { caCert, serverCert, serverKey }
}

/** A write may be lost to another replica; what that one wrote is then as good. */
const ATTEMPTS = 5

/**
 * The certificates that all replicas share, by way of a Secret. Whoever comes first makes them; they are made anew, as far as
 * needed, before they expire and when the names differ. The Secret's keys are those of upstream's gencerts.sh.
 *
 * @throws Error when the Secret can be neither read nor written
 */
async function sharedCertificates(client: Client, secretName: ObjectName, names: readonly string[], now: EpochMs): Promise<Certificates> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const secret = await readSecret(client, secretName)
    const known = secret && certificatesIn(secret)
    const certificates = await certificatesFor(names, now, known)
    if (certificates === known) return certificates
    const { caKey, caCert, serverKey, serverCert } = certificates
    const data = { ...secret?.data, 'caKey.pem': caKey, 'caCert.pem': caCert, 'serverKey.pem': serverKey, 'serverCert.pem': serverCert }
    if ((await writeSecret(client, { ...secret, ...secretName, data })) === 'written') return certificates
  }
  throw new Error(`secret ${secretName.namespace}/${secretName.name} is written by others all the time`)
}

function certificatesIn({ data }: Secret): OwnCertificates {
  const pem = (key: string) => data[key] ?? ''
  return { caKey: pem('caKey.pem'), caCert: pem('caCert.pem'), serverKey: pem('serverKey.pem'), serverCert: pem('serverCert.pem') }
}
