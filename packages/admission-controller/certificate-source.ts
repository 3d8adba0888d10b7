import { existsSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
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
  /** The file of the private key, where every user of the machine may read it now: worth a warning. */
  exposedKey(): string | undefined
}

/** The files of the flags, or of cert-manager, where they exist; otherwise a Secret with certificates of our own. */
export function certificateSource(config: Config, namespace: string, { client, clock }: { readonly client: Client; readonly clock: Pick<Clock, 'now'> }): CertificateSource {
  const files = existingFiles(config)
  if (files) return { place: files.cert, interval: config.reloadCert ? 10 * SECOND : undefined, read: () => readFiles(files, config), exposedKey: () => (isReadableByAll(files.key) ? files.key : undefined) }
  const secret = { namespace, name: 'vpa-tls-certs' }
  const names = serverNames(config, namespace)
  // Another replica may have renewed them, and must not be far ahead of us.
  return { place: `secret ${secret.namespace}/${secret.name}`, interval: 10 * SECOND, read: () => sharedCertificates(client, secret, names, clock.now()), exposedKey: () => undefined }
}

interface CertificateFiles {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** Those that the flags name; where these are missing, cert-manager's in the same directory (the keys of its Secrets). */
function existingFiles({ clientCaFile, tlsCertFile, tlsPrivateKey }: Config): CertificateFiles | undefined {
  const inDirectory = (name: string) => join(dirname(tlsCertFile), name)
  const layouts = [
    { ca: clientCaFile, cert: tlsCertFile, key: tlsPrivateKey },
    { ca: inDirectory('ca.crt'), cert: inDirectory('tls.crt'), key: inDirectory('tls.key') },
  ]
  return layouts.find(({ cert, key }) => existsSync(cert) && existsSync(key))
}

function isReadableByAll(file: string): boolean {
  return (statSync(file).mode & 0o004) !== 0
}

/** Where we tell nobody of the authority, who registers us knows it; its file may be missing then. */
async function readFiles({ ca, cert, key }: CertificateFiles, { registerWebhook, injectCaBundle }: Config): Promise<Certificates> {
  const files = registerWebhook || injectCaBundle || existsSync(ca) ? [cert, key, ca] : [cert, key]
  const [serverCert = '', serverKey = '', caCert = ''] = await Promise.all(files.map((file) => readFile(file, 'utf8')))
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
