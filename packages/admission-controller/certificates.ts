import { X509Certificate, generateKeyPair, randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import { promisify } from 'node:util'
import { DAY, type DurationMs, type EpochMs, HOUR } from '@vpa/core/time.ts'
import forge from 'node-forge'

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

interface KeyPair {
  readonly certificate: forge.pki.Certificate
  readonly key: forge.pki.rsa.PrivateKey
  readonly keyPem: string
}

const CA_LIFETIME: DurationMs = 3650 * DAY
const SERVER_LIFETIME: DurationMs = 365 * DAY
/** Renewed when less than this is left. */
const CA_RESERVE: DurationMs = 2 * SERVER_LIFETIME
const SERVER_RESERVE: DurationMs = 30 * DAY
/** The API server's clock may be behind ours. */
const BACKDATED: DurationMs = HOUR

/**
 * @param names hosts that the server is asked by; host names and IP addresses
 * @param known what there is already, kept as far as it serves: all of it, its authority, or nothing
 * @returns `known` itself where nothing has to be made
 */
export async function certificatesFor(names: readonly string[], now: EpochMs, known?: OwnCertificates): Promise<OwnCertificates> {
  const keepsAuthority = known !== undefined && isAuthority(known, now)
  if (keepsAuthority && serves(known, names, now)) return known
  const authority = keepsAuthority ? authorityOf(known) : await makeAuthority(now)
  const server = await makeServer(names, authority, now)
  return {
    caKey: authority.keyPem,
    caCert: forge.pki.certificateToPem(authority.certificate),
    serverKey: server.keyPem,
    serverCert: forge.pki.certificateToPem(server.certificate),
  }
}

function isAuthority({ caCert, caKey }: OwnCertificates, now: EpochMs): boolean {
  const certificate = readCertificate(caCert)
  return certificate !== undefined && certificate.ca && caKey !== '' && Date.parse(certificate.validTo) - now > CA_RESERVE
}

function serves({ caCert, serverCert, serverKey }: Certificates, names: readonly string[], now: EpochMs): boolean {
  const certificate = readCertificate(serverCert)
  const authority = readCertificate(caCert)
  if (certificate === undefined || authority === undefined || serverKey === '') return false
  return (
    certificate.verify(authority.publicKey) &&
    Date.parse(certificate.validTo) - now > SERVER_RESERVE &&
    names.every((name) => (isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)) !== undefined)
  )
}

function authorityOf({ caCert, caKey }: OwnCertificates): KeyPair {
  return { certificate: forge.pki.certificateFromPem(caCert), key: forge.pki.privateKeyFromPem(caKey), keyPem: caKey }
}

async function makeAuthority(now: EpochMs): Promise<KeyPair> {
  // The time tells a new authority from the one it replaces. Forge writes names as PrintableString, which has no underscore:
  // the API server would refuse the whole certificate ("invalid PrintableString").
  const subject = [{ name: 'commonName', value: `vpa-webhook-ca ${new Date(now).toISOString()}` }]
  const { certificate, key, keyPem } = await newKeyPair(now, CA_LIFETIME)
  certificate.setSubject(subject)
  certificate.setIssuer(subject)
  certificate.setExtensions([{ name: 'basicConstraints', cA: true, critical: true }, { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true }, { name: 'subjectKeyIdentifier' }])
  certificate.sign(key, forge.md.sha256.create())
  return { certificate, key, keyPem }
}

async function makeServer(names: readonly string[], authority: KeyPair, now: EpochMs): Promise<KeyPair> {
  const { certificate, key, keyPem } = await newKeyPair(now, SERVER_LIFETIME)
  const [commonName = ''] = names
  certificate.setSubject([{ name: 'commonName', value: commonName }])
  certificate.setIssuer(authority.certificate.subject.attributes)
  certificate.setExtensions([
    { name: 'basicConstraints', cA: false },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
    { name: 'extKeyUsage', serverAuth: true },
    { name: 'subjectAltName', altNames: names.map((name) => (isIP(name) ? { type: 7, ip: name } : { type: 2, value: name })) },
  ])
  certificate.sign(authority.key, forge.md.sha256.create())
  return { certificate, key, keyPem }
}

/** Keys are made by Node: node-forge, in JavaScript, takes seconds. */
async function newKeyPair(now: EpochMs, lifetime: DurationMs): Promise<KeyPair> {
  const { publicKey, privateKey: keyPem } = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  })
  const certificate = forge.pki.createCertificate()
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey)
  // A leading zero keeps the number positive.
  certificate.serialNumber = `00${randomBytes(16).toString('hex')}`
  certificate.validity.notBefore = new Date(now - BACKDATED)
  certificate.validity.notAfter = new Date(now + lifetime)
  return { certificate, key: forge.pki.privateKeyFromPem(keyPem), keyPem }
}

function readCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}
