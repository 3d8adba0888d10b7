import { createServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import tls from 'node:tls'
import { MINUTE } from '@vpa/core/time.ts'
import { ANONYMOUS } from '@vpa/kube/authentication.ts'
import type { TlsOptions } from '@vpa/kube/credentials.ts'
import { Prometheus } from '@vpa/kube/prometheus.ts'
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { clientOf } from '../../test/support/api-server.ts'
import { fakeClock } from '../../test/support/fake-clock.ts'
import { certificatesFor } from './certificates.ts'
import { whyNotServing } from './serving-check.ts'

const NOW = Date.now()

let own: { readonly caCert: string; readonly serverCert: string; readonly serverKey: string }
let others: { readonly caCert: string }

/** What a test has the servers speak. */
let served: ServerOptions = {}

beforeAll(async () => {
  own = await certificatesFor(['127.0.0.1', 'localhost'], NOW)
  others = await certificatesFor(['127.0.0.1', 'localhost'], NOW)
})

/** Answers `{}` to everything; the port. */
async function serve(): Promise<number> {
  const server = createServer({ cert: own.serverCert, key: own.serverKey, ...served }, (_, response) => void response.end('{}'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

async function askApiServer(tls: TlsOptions): Promise<unknown> {
  const credentials = { server: `https://127.0.0.1:${await serve()}`, tls, headers: async () => ({}), refused: () => {} }
  return clientOf({ url: credentials.server }, { credentials }).request({ path: '/version' })
}

async function askPrometheus(): Promise<unknown> {
  const address = `https://127.0.0.1:${await serve()}`
  const prometheus = new Prometheus({ address, insecure: false, authentication: ANONYMOUS, queryTimeout: MINUTE, clock: fakeClock(), signal: new AbortController().signal, onAnswer: () => {} })
  onTestFinished(() => prometheus.close())
  return prometheus.query('up', NOW, () => {})
}

/** Each client of ours; what it says of a server. */
const CLIENTS: readonly (readonly [string, () => Promise<unknown>])[] = [
  ['the client of the API server', () => askApiServer({ ca: others.caCert })],
  ['the client of the API server where no authority is named', () => askApiServer({})],
  ['the client of Prometheus', askPrometheus],
  ['the admission controller that asks itself', async () => whyNotServing(await serve(), { host: 'localhost', caBundle: others.caCert })],
]

describe.for([undefined, '0'])('where NODE_TLS_REJECT_UNAUTHORIZED is %s', (variable) => {
  test.for(CLIENTS)('a server of an authority that is not trusted is refused by %s', async ([, ask]) => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', variable)
    onTestFinished(() => void vi.unstubAllEnvs())
    expect(String(await ask().catch((error: unknown) => error))).toMatch(/certificate|self-signed/)
  })
})

test.for(CLIENTS)('where NODE_OPTIONS=--tls-min-v1.0, a server that speaks nothing newer than TLS 1.1 is refused by %s', async ([, ask]) => {
  const { DEFAULT_MIN_VERSION, DEFAULT_CIPHERS } = tls
  onTestFinished(() => void (Object.assign(tls, { DEFAULT_MIN_VERSION, DEFAULT_CIPHERS }), (served = {})))
  // At its usual security level, OpenSSL would not speak 1.1 of itself.
  Object.assign(tls, { DEFAULT_MIN_VERSION: 'TLSv1', DEFAULT_CIPHERS: 'DEFAULT@SECLEVEL=0' })
  served = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }
  expect(String(await ask().catch((error: unknown) => error))).toMatch(/protocol version/)
})

test('a server of the authority that is trusted is believed', async () => {
  expect(await askApiServer({ ca: own.caCert })).toEqual({})
})

test('insecure-skip-tls-verify believes everybody', async () => {
  expect(await askApiServer({ rejectUnauthorized: false })).toEqual({})
})
