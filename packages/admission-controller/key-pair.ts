import { generateKeyPair, randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import { promisify } from 'node:util'
import type { EpochMs } from '@vpa/core/time.ts'
import forge from 'node-forge'

/** A certificate and its private key. PEM. */
export interface KeyPair {
  readonly cert: string
  readonly key: string
}

interface Validity {
  readonly from: EpochMs
  readonly until: EpochMs
}

/** Of an authority, which signs itself. */
export async function authorityKeyPair({ from, until, madeAt }: Validity & { readonly madeAt: EpochMs }): Promise<KeyPair> {
  // The time tells a new authority from the one it replaces. Forge writes names as PrintableString, which has no underscore:
  // the API server would refuse the whole certificate ("invalid PrintableString").
  const subject = [{ name: 'commonName', value: `vpa-webhook-ca ${new Date(madeAt).toISOString()}` }]
  const { certificate, key } = await unsigned({ from, until })
  certificate.setSubject(subject)
  certificate.setIssuer(subject)
  certificate.setExtensions([{ name: 'basicConstraints', cA: true, critical: true }, { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true }, { name: 'subjectKeyIdentifier' }])
  return signedBy(forge.pki.privateKeyFromPem(key), certificate, key)
}

/**
 * Of a server that is asked by these names.
 *
 * @param names host names and IP addresses; the first becomes the common name
 * @param authority its `cert` may be a bundle; the first one signs
 */
export async function serverKeyPair(names: readonly string[], authority: KeyPair, validity: Validity): Promise<KeyPair> {
  const { certificate, key } = await unsigned(validity)
  const [commonName = ''] = names
  certificate.setSubject([{ name: 'commonName', value: commonName }])
  certificate.setIssuer(forge.pki.certificateFromPem(authority.cert).subject.attributes)
  certificate.setExtensions([
    { name: 'basicConstraints', cA: false },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
    { name: 'extKeyUsage', serverAuth: true },
    { name: 'subjectAltName', altNames: names.map((name) => (isIP(name) ? { type: 7, ip: name } : { type: 2, value: name })) },
  ])
  return signedBy(forge.pki.privateKeyFromPem(authority.key), certificate, key)
}

/**
 * Forge writes these digits as they are, but for one zero byte: a first byte from 0x80 would make a negative number, two zero bytes one
 * with padding, and whoever reads the certificate refuses it ("illegal padding").
 *
 * @returns in hex; the first byte is from 0x40 to 0x7f
 */
export function serialNumber([first = 0, ...rest]: Uint8Array): string {
  return Buffer.from([(first & 0x3f) | 0x40, ...rest]).toString('hex')
}

/** Keys are made by Node: node-forge, in JavaScript, takes seconds. */
async function unsigned({ from, until }: Validity): Promise<{ certificate: forge.pki.Certificate; key: string }> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  })
  const certificate = forge.pki.createCertificate()
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey)
  certificate.serialNumber = serialNumber(randomBytes(16))
  certificate.validity.notBefore = new Date(from)
  certificate.validity.notAfter = new Date(until)
  return { certificate, key: privateKey }
}

function signedBy(signer: forge.pki.rsa.PrivateKey, certificate: forge.pki.Certificate, key: string): KeyPair {
  certificate.sign(signer, forge.md.sha256.create())
  return { cert: forge.pki.certificateToPem(certificate), key }
}
