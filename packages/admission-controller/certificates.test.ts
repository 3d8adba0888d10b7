import { X509Certificate, createPrivateKey } from 'node:crypto'
import { DAY } from '@vpa/core/time.ts'
import { beforeAll, describe, expect, test } from 'vitest'
import { type OwnCertificates, certificatesFor } from './certificates.ts'

const NOW = Date.UTC(2026, 2, 1)
const NAMES = ['vpa-webhook.kube-system.svc', 'localhost', '127.0.0.1']

describe('certificates of our own', () => {
  let made: OwnCertificates
  beforeAll(async () => {
    made = await certificatesFor(NAMES, NOW)
  })

  test('the server certificate is for all names, signed by the authority, and has its key', () => {
    const server = new X509Certificate(made.serverCert)
    const authority = new X509Certificate(made.caCert)
    expect(server.subjectAltName).toBe('DNS:vpa-webhook.kube-system.svc, DNS:localhost, IP Address:127.0.0.1')
    expect(server.verify(authority.publicKey)).toBe(true)
    expect(server.checkIssued(authority)).toBe(true)
    expect(server.checkPrivateKey(createPrivateKey(made.serverKey))).toBe(true)
    expect([server.ca, authority.ca]).toEqual([false, true])
  })

  test('they are valid from an hour ago, because clocks differ', () => {
    expect(new X509Certificate(made.serverCert).validFrom).toBe('Feb 28 23:00:00 2026 GMT')
  })

  test('they are kept while they serve', async () => {
    expect(await certificatesFor(NAMES, NOW + 300 * DAY, made)).toBe(made)
  })

  test.for([
    ['near its end', NAMES, NOW + 340 * DAY],
    ['for another name', ['vpa-webhook.other.svc'], NOW],
  ] as const)('a server certificate %s is replaced, by one of the same authority', async ([, names, now]) => {
    const renewed = await certificatesFor(names, now, made)
    expect(renewed.caCert).toBe(made.caCert)
    expect(renewed.serverCert).not.toBe(made.serverCert)
    expect(new X509Certificate(renewed.serverCert).verify(new X509Certificate(made.caCert).publicKey)).toBe(true)
  })

  test.for([
    ['near its end', (known: OwnCertificates) => known, NOW + 3000 * DAY],
    ['whose key is lost', (known: OwnCertificates) => ({ ...known, caKey: '' }), NOW],
    ['that cannot be read', (known: OwnCertificates) => ({ ...known, caCert: 'garbage' }), NOW],
  ] as const)('an authority %s is replaced', async ([, change, now]) => {
    const renewed = await certificatesFor(NAMES, now, change(made))
    expect(renewed.caCert).not.toBe(made.caCert)
    expect(new X509Certificate(renewed.serverCert).verify(new X509Certificate(renewed.caCert).publicKey)).toBe(true)
  })
})
