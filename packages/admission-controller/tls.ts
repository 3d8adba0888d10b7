import type { SecureVersion } from 'node:tls'
import type { Config } from './config.ts'

/** Go's names of the TLS 1.2 suites that are still thought safe, and OpenSSL's. Those of TLS 1.3 cannot be chosen, in Go either. */
const SUITES: ReadonlyMap<string, string> = new Map([
  ['TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
  ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
  ['TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
  ['TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384', 'ECDHE-RSA-AES256-GCM-SHA384'],
  ['TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
  ['TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-RSA-CHACHA20-POLY1305'],
  ['TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA', 'ECDHE-ECDSA-AES128-SHA'],
  ['TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA', 'ECDHE-RSA-AES128-SHA'],
  ['TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA', 'ECDHE-ECDSA-AES256-SHA'],
  ['TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA', 'ECDHE-RSA-AES256-SHA'],
])
const TLS13_SUITES = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256']

export interface TlsPolicy {
  readonly minVersion: SecureVersion
  /** OpenSSL's list. Absent: Node's defaults. */
  readonly ciphers?: string
}

/** Names of suites that are not known are dropped, as upstream does; none left means the defaults. */
export function tlsPolicy({ minTlsVersion, tlsCiphers }: Pick<Config, 'minTlsVersion' | 'tlsCiphers'>): TlsPolicy {
  const known = tlsCiphers.split(/[,:]/).flatMap((name) => SUITES.get(name.trim()) ?? [])
  return {
    minVersion: minTlsVersion === 'tls1_3' ? 'TLSv1.3' : 'TLSv1.2',
    ...(known.length > 0 && { ciphers: [...TLS13_SUITES, ...known].join(':') }),
  }
}
