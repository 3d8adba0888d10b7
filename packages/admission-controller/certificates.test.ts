import { X509Certificate, createPrivateKey } from 'node:crypto'
import { DAY, MINUTE } from '@vpa/core/time.ts'
import { beforeAll, describe, expect, test } from 'vitest'
import { type OwnCertificates, certificatesFor, daysLeft, widenedTrust } from './certificates.ts'

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

  test('an authority that cannot be read is replaced at once, the server certificate with it', async () => {
    const renewed = await certificatesFor(NAMES, NOW, { ...made, caCert: 'garbage' })
    expect(authoritiesOf(renewed)).toHaveLength(1)
    expect(signs(authoritiesOf(renewed)[0]!, renewed)).toBe(true)
  })

  test.for<[string, (other: OwnCertificates) => Partial<OwnCertificates>]>([
    ["the authority's key cannot be read", () => ({ caKey: 'garbage' })],
    ["the authority's key is another one's", ({ caKey }) => ({ caKey })],
    ["the server's key cannot be read", () => ({ serverKey: 'garbage' })],
    ["the server's key is another one's", ({ serverKey }) => ({ serverKey })],
    ['the server certificate cannot be read', () => ({ serverCert: 'garbage' })],
    ['the server certificate and both keys cannot be read', () => ({ serverCert: 'garbage', serverKey: 'garbage', caKey: 'garbage' })],
    ["all but the authority is another one's", ({ caKey, serverKey, serverCert }) => ({ caKey, serverKey, serverCert })],
  ])('where %s, what comes of it serves, also after a renewal, and is kept', async ([, changed]) => {
    const mended = await certificatesFor(NAMES, NOW + DAY, { ...made, ...changed(await certificatesFor(NAMES, NOW)) })
    const renewed = await certificatesFor(NAMES, NOW + 340 * DAY, mended)
    for (const each of [mended, renewed]) {
      expect(new X509Certificate(each.serverCert).checkPrivateKey(createPrivateKey(each.serverKey))).toBe(true)
      expect(authoritiesOf(each).some((authority) => signs(authority, each))).toBe(true)
      expect(authoritiesOf(each)[0]?.checkPrivateKey(createPrivateKey(each.caKey))).toBe(true)
    }
    expect(await certificatesFor(NAMES, NOW + DAY, mended)).toBe(mended)
  })

  test.for([
    ['first ones', async (ahead: number) => certificatesFor(NAMES, ahead)],
    ['a server certificate alone', async (ahead: number) => certificatesFor(NAMES, ahead, made)],
  ] as const)('%s made while the clock was ahead are replaced once it is right, unless it was ahead by less than they are backdated', async ([, makeAt]) => {
    const early = await makeAt(NOW + 400 * DAY)
    const mended = await certificatesFor(NAMES, NOW, early)
    const server = new X509Certificate(mended.serverCert)
    expect(Date.parse(server.validFrom)).toBeLessThanOrEqual(NOW)
    expect(authoritiesOf(mended).some((authority) => Date.parse(authority.validFrom) <= NOW && signs(authority, mended))).toBe(true)
    expect(await certificatesFor(NAMES, NOW + 1, mended)).toBe(mended)
    const slightlyAhead = await makeAt(NOW + 50 * MINUTE)
    expect(await certificatesFor(NAMES, NOW, slightlyAhead)).toBe(slightlyAhead)
  })

  test('a replaced authority overlaps with the old one: trusted first, used ten minutes later, and then kept', async () => {
    // The server certificate has been renewed on the way; the authority comes near its end.
    const later = NOW + 2920 * DAY
    const before = await certificatesFor(NAMES, later - 20 * DAY, made)
    const trusted = await certificatesFor(NAMES, later + DAY, before)
    const [young, old] = authoritiesOf(trusted)
    expect(old?.fingerprint256).toBe(authoritiesOf(made)[0]?.fingerprint256)
    expect(trusted.serverCert).toBe(before.serverCert)
    expect(signs(old!, trusted)).toBe(true)

    expect(await certificatesFor(NAMES, later + DAY + 9 * MINUTE, trusted)).toBe(trusted)
    const used = await certificatesFor(NAMES, later + DAY + 11 * MINUTE, trusted)
    expect(used.caCert).toBe(trusted.caCert)
    expect(signs(young!, used)).toBe(true)
    expect(await certificatesFor(NAMES, later + DAY + 12 * MINUTE, used)).toBe(used)
  })

  test('the days left are counted, below zero too', () => {
    expect(daysLeft(made.serverCert, NOW)).toBe(365)
    expect(daysLeft(made.serverCert, NOW + 366 * DAY)).toBe(-1)
  })
})

describe('what the API server should trust', () => {
  let ours: string
  let other: string
  beforeAll(async () => {
    ;[ours, other] = (await Promise.all([certificatesFor(NAMES, NOW), certificatesFor(NAMES, NOW)])).map(({ caCert }) => caCert.replaceAll('\r', '')) as [string, string]
  })

  test.for<[string, trusted: () => string, now: number, expected: () => string]>([
    ['ours, where it trusts nothing', () => '', NOW, () => ours],
    ['ours, where it trusts what cannot be read', () => 'garbage', NOW, () => ours],
    ['ours beside what another replica has read', () => other, NOW, () => ours + other],
    ['as it is, in whatever order', () => other + ours, NOW, () => other + ours],
    ['ours alone, when the other has expired', () => other, NOW + 4000 * DAY, () => ours],
  ])('%s', ([, trusted, now, expected]) => {
    expect(widenedTrust(ours, trusted(), now)).toBe(expected())
  })

  test('what it trusts, where the file of our authority is empty', () => {
    expect(widenedTrust('', other, NOW)).toBe(other)
  })
})

function authoritiesOf({ caCert }: OwnCertificates): X509Certificate[] {
  return (caCert.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? []).map((pem) => new X509Certificate(pem))
}

function signs(authority: X509Certificate, { serverCert }: OwnCertificates): boolean {
  return new X509Certificate(serverCert).verify(authority.publicKey)
}
