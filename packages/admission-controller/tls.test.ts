import { expect, test } from 'vitest'
import { tlsPolicy } from './tls.ts'

test.for([
  ['defaults', 'tls1_2', '', { minVersion: 'TLSv1.2' }],
  ['only TLS 1.3', 'tls1_3', '', { minVersion: 'TLSv1.3' }],
  [
    'named suites, unknown ones dropped',
    'tls1_2',
    'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384:TLS_BOGUS,TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256',
    { minVersion: 'TLSv1.2', ciphers: 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305' },
  ],
  ['no known suite is as good as none named', 'tls1_2', 'TLS_BOGUS', { minVersion: 'TLSv1.2' }],
] as const)('%s', ([, minTlsVersion, tlsCiphers, expected]) => {
  expect(tlsPolicy({ minTlsVersion, tlsCiphers })).toEqual(expected)
})
