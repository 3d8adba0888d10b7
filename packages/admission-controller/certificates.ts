import { type KeyObject, X509Certificate, createPrivateKey } from 'node:crypto'
import { isIP } from 'node:net'
import { DAY, type DurationMs, type EpochMs, HOUR, MINUTE } from '@vpa/core/time.ts'
import type { KeyPair } from './key-pair.ts'

/** What is served, and what the API server must trust to believe it. PEM. */
export interface Certificates {
  readonly caCert: string
  readonly serverCert: string
  readonly serverKey: string
}

/** Certificates of our own: with the authority's key, so that a new server certificate needs no new trust. */
export interface OwnCertificates extends Certificates {
  readonly caKey: string
}

const CA_LIFETIME: DurationMs = 3650 * DAY
const SERVER_LIFETIME: DurationMs = 365 * DAY
/** Renewed when less than this is left. */
const CA_RESERVE: DurationMs = 2 * SERVER_LIFETIME
const SERVER_RESERVE: DurationMs = 30 * DAY
/** Until every API server has surely read the new bundle from the webhook configuration. */
const SETTLING: DurationMs = 10 * MINUTE
/** The API server's clock may be behind ours. */
const BACKDATED: DurationMs = HOUR

/**
 * Certificates for these names, as few of them new as possible. A new authority comes in two steps, so that no request fails:
 * first the API server is told to trust old and new (`caCert` holds both, the new one first) while the old server certificate
 * stays; {@link SETTLING} later the server certificate is made anew by the new authority.
 *
 * @param names hosts that the server is asked by; host names and IP addresses
 * @param known what there is already; somebody may have edited it, so that parts cannot be read or do not fit together
 * @returns `known` itself where nothing has to be made
 */
export async function certificatesFor(names: readonly string[], now: EpochMs, known?: OwnCertificates): Promise<OwnCertificates> {
  const bundle = known === undefined ? [] : bundleOf(known.caCert)
  const current = bundle[0]
  const signer = known && bundle.find((authority) => !isToCome(authority, now) && signed(authority, known.serverCert))
  const isServing = known !== undefined && signer !== undefined && serves(known, names, now)

  if (known === undefined || current === undefined || !canSign(current, known.caKey) || isToCome(current, now) || leftOf(current, now) <= CA_RESERVE) {
    const authority = await makeAuthority(now)
    const trusted = bundle.filter((old) => leftOf(old, now) > 0).map(String)
    const caCert = [authority.cert, ...trusted].join('')
    if (isServing) return { ...known, caKey: authority.key, caCert }
    return withServer({ caKey: authority.key, caCert }, names, now)
  }
  const isSettling = signer !== current && now - madeAt(current) < SETTLING
  if (isServing && (signer === current || isSettling)) return known
  return withServer(known, names, now)
}

async function makeAuthority(now: EpochMs): Promise<KeyPair> {
  const { authorityKeyPair } = await maker()
  return authorityKeyPair({ from: now - BACKDATED, until: now + CA_LIFETIME, madeAt: now })
}

async function withServer({ caKey, caCert }: Pick<OwnCertificates, 'caKey' | 'caCert'>, names: readonly string[], now: EpochMs): Promise<OwnCertificates> {
  const { serverKeyPair } = await maker()
  const { cert, key } = await serverKeyPair(names, { cert: caCert, key: caKey }, { from: now - BACKDATED, until: now + SERVER_LIFETIME })
  return { caKey, caCert, serverCert: cert, serverKey: key }
}

/** Read when something is to be made, which is once a year: node-forge takes 1 to 4 MB of memory. */
function maker() {
  return import('./key-pair.ts')
}

/**
 * What the API server should trust: our authority, and whatever it trusts already and that is still valid. Replicas that read the
 * same files do so a little earlier or later, and must not take trust from each other.
 *
 * @param trusted PEM, what the API server trusts now
 * @returns `trusted` itself where nothing is to be changed
 */
export function widenedTrust(caCert: string, trusted: string, now: EpochMs): string {
  const live = certificatesIn(trusted)
  const valid = live.filter((certificate) => leftOf(certificate, now) > 0)
  const own = certificatesIn(caCert)
  if (valid.length === live.length && live.length > 0 && without(own, live).length === 0) return trusted
  const others = without(valid, own)
  return others.length === 0 ? caCert : [...own, ...others].map(String).join('')
}

function without(certificates: readonly X509Certificate[], others: readonly X509Certificate[]): readonly X509Certificate[] {
  return certificates.filter(({ fingerprint256 }) => others.every((other) => other.fingerprint256 !== fingerprint256))
}

/** Days until the served certificate expires; negative when it has. */
export function daysLeft(serverCert: string, now: EpochMs): number {
  const certificate = readCertificate(serverCert)
  return certificate === undefined ? 0 : leftOf(certificate, now) / DAY
}

/** The authorities of a PEM bundle that may sign. */
function bundleOf(caCert: string): readonly X509Certificate[] {
  return certificatesIn(caCert).filter(({ ca }) => ca)
}

/** What of a PEM bundle can be read. */
function certificatesIn(bundle: string): readonly X509Certificate[] {
  const blocks = bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return blocks.flatMap((pem) => readCertificate(pem) ?? [])
}

function signed(authority: X509Certificate, serverCert: string): boolean {
  return readCertificate(serverCert)?.verify(authority.publicKey) === true
}

/** Whether it is the authority's key, and one that node-forge can sign with. */
function canSign(authority: X509Certificate, caKey: string): boolean {
  const key = readKey(caKey)
  return key?.asymmetricKeyType === 'rsa' && authority.checkPrivateKey(key)
}

function serves({ serverCert, serverKey }: Certificates, names: readonly string[], now: EpochMs): boolean {
  const certificate = readCertificate(serverCert)
  const key = readKey(serverKey)
  if (certificate === undefined || key === undefined || !certificate.checkPrivateKey(key) || isToCome(certificate, now) || leftOf(certificate, now) <= SERVER_RESERVE) return false
  return names.every((name) => (isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)) !== undefined)
}

function leftOf({ validTo }: X509Certificate, now: EpochMs): DurationMs {
  return Date.parse(validTo) - now
}

/** Made while our clock was ahead: nobody believes it until then. */
function isToCome({ validFrom }: X509Certificate, now: EpochMs): boolean {
  return Date.parse(validFrom) > now
}

function madeAt({ validFrom }: X509Certificate): EpochMs {
  return Date.parse(validFrom) + BACKDATED
}

function readCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}

function readKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem)
  } catch {
    return undefined
  }
}
