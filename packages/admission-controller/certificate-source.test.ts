import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseConfig } from '@vpa/kube/config.ts'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type SeenRequest, clientOf, json, refuse, startApiServer } from '../../test/support/api-server.ts'
import { fakeClock } from '../../test/support/fake-clock.ts'
import { certificateSource } from './certificate-source.ts'
import { Config } from './config.ts'

const NO_FILES = ['--tls-cert-file=/none/cert', '--tls-private-key=/none/key']

function configOf(...argv: string[]): Config {
  const parsed = parseConfig(Config, argv)
  if ('config' in parsed) return parsed.config
  throw new Error(JSON.stringify(parsed))
}

interface StoredSecret {
  readonly metadata: { readonly resourceVersion?: string; readonly labels?: object }
  readonly type?: string
  readonly data: Readonly<Record<string, string>>
}

/** Keeps one Secret. `interfere` may write before a creation is handled. */
async function secretServer(interfere?: (body: StoredSecret) => StoredSecret) {
  let secret: StoredSecret | undefined
  const server = await startApiServer(({ method, body }: SeenRequest, response) => {
    if (method === 'GET') return secret ? json(response, 200, secret) : refuse(response, 404)
    if (method === 'POST' && interfere) {
      const other = interfere(body as StoredSecret)
      secret = { ...other, metadata: { ...other.metadata, resourceVersion: '7' } }
      return refuse(response, 409)
    }
    secret = { ...(body as StoredSecret), metadata: { resourceVersion: '1' } }
    return json(response, 201, secret)
  })
  return { server, stored: () => secret }
}

test('certificates are made once and shared by way of the Secret', async () => {
  const { server, stored } = await secretServer()
  const outside = { client: clientOf(server), clock: fakeClock() }
  const first = await certificateSource(configOf(...NO_FILES), 'kube-system', outside).read()
  const second = await certificateSource(configOf(...NO_FILES), 'kube-system', outside).read()
  expect(Object.keys(stored()?.data ?? {}).toSorted()).toEqual(['caCert.pem', 'caKey.pem', 'serverCert.pem', 'serverKey.pem'])
  expect(second).toMatchObject({ caCert: first.caCert, serverCert: first.serverCert, serverKey: first.serverKey })
  expect(server.seen.map(({ method }) => method)).toEqual(['GET', 'POST', 'GET'])
  expect(server.seen[0]?.path).toBe('/api/v1/namespaces/kube-system/secrets/vpa-tls-certs')
})

test('of two replicas that start at once, the second takes what the first has written', async () => {
  const { server, stored } = await secretServer((body) => body)
  const { caCert } = await certificateSource(configOf(...NO_FILES), 'kube-system', { client: clientOf(server), clock: fakeClock() }).read()
  expect(Buffer.from(stored()?.data['caCert.pem'] ?? '', 'base64').toString()).toBe(caCert)
  expect(server.seen.map(({ method }) => method)).toEqual(['GET', 'POST', 'GET'])
})

test('a Secret without what is needed is filled', async () => {
  const { server, stored } = await secretServer(() => ({ metadata: {}, data: { note: 'bWluZQ==' } }))
  await certificateSource(configOf(...NO_FILES), 'kube-system', { client: clientOf(server), clock: fakeClock() }).read()
  expect(Object.keys(stored()?.data ?? {}).toSorted()).toEqual(['caCert.pem', 'caKey.pem', 'note', 'serverCert.pem', 'serverKey.pem'])
  expect(server.seen.map(({ method }) => method)).toEqual(['GET', 'POST', 'GET', 'PUT'])
})

test('of a Secret that is filled, all else stays: labels, type, and what is not text', async () => {
  const binary = Buffer.from([0xff, 0xfe, 0x00, 0x80]).toString('base64')
  const { server, stored } = await secretServer(() => ({ metadata: { labels: { owner: 'helm' } }, type: 'example.com/keys', data: { keystore: binary } }))
  await certificateSource(configOf(...NO_FILES), 'kube-system', { client: clientOf(server), clock: fakeClock() }).read()
  expect(server.seen.at(-1)?.body).toMatchObject({ metadata: { labels: { owner: 'helm' }, resourceVersion: '7' }, type: 'example.com/keys', data: { keystore: binary } })
  expect(Object.keys(stored()?.data ?? {})).toContain('serverCert.pem')
})

const LAYOUTS = [
  ['upstream', ['caCert.pem', 'serverCert.pem', 'serverKey.pem']],
  ['cert-manager', ['ca.crt', 'tls.crt', 'tls.key']],
] as const

describe('files', () => {
  test.for(LAYOUTS)('named as by %s win where they exist', async ([, names]) => {
    const { server } = await secretServer()
    const folder = await temporaryFolder()
    for (const name of names) await writeFile(join(folder, name), name)
    const source = certificateSource(configOf(...filesIn(folder)), 'kube-system', { client: clientOf(server), clock: fakeClock() })
    expect(await source.read()).toEqual({ caCert: names[0], serverCert: names[1], serverKey: names[2] })
    expect(source).toMatchObject({ place: join(folder, names[1]), interval: 10_000 })
    expect(server.seen).toEqual([])
  })

  test('upstream names win where there are both', async () => {
    const folder = await temporaryFolder()
    for (const name of LAYOUTS.flatMap(([, names]) => names)) await writeFile(join(folder, name), name)
    const { server } = await secretServer()
    expect(certificateSource(configOf(...filesIn(folder)), 'kube-system', { client: clientOf(server), clock: fakeClock() }).place).toBe(join(folder, 'serverCert.pem'))
  })

  test.for([
    [0o644, 'serverKey.pem'],
    [0o640, undefined],
    [0o400, undefined],
  ] as const)('a key of mode %o is exposed: %s', async ([mode, exposed]) => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'serverCert.pem'), '')
    await writeFile(join(folder, 'serverKey.pem'), '', { mode })
    const { server } = await secretServer()
    expect(certificateSource(configOf(...filesIn(folder)), 'kube-system', { client: clientOf(server), clock: fakeClock() }).exposedKey()).toBe(exposed && join(folder, exposed))
  })

  test('are read once with --reload-cert=false', async () => {
    const folder = await temporaryFolder()
    for (const name of ['tls.crt', 'tls.key']) await writeFile(join(folder, name), name)
    const { server } = await secretServer()
    expect(certificateSource(configOf(...filesIn(folder), '--reload-cert=false'), 'kube-system', { client: clientOf(server), clock: fakeClock() }).interval).toBeUndefined()
  })

  test.for([
    ['we register ourselves', []],
    ['we tell a configuration that others keep', ['--register-webhook=false', '--inject-ca-bundle']],
  ] as const)('a missing file of the authority is named where %s', async ([, flags]) => {
    const folder = await temporaryFolder()
    for (const name of ['tls.crt', 'tls.key']) await writeFile(join(folder, name), name)
    const { server } = await secretServer()
    await expect(certificateSource(configOf(...filesIn(folder), ...flags), 'kube-system', { client: clientOf(server), clock: fakeClock() }).read()).rejects.toThrow(/ENOENT.*ca\.crt/)
  })

  test('that of the authority may be missing where we tell nobody', async () => {
    const folder = await temporaryFolder()
    for (const name of ['tls.crt', 'tls.key']) await writeFile(join(folder, name), name)
    const { server } = await secretServer()
    const source = certificateSource(configOf(...filesIn(folder), '--register-webhook=false'), 'kube-system', { client: clientOf(server), clock: fakeClock() })
    expect(await source.read()).toEqual({ caCert: '', serverCert: 'tls.crt', serverKey: 'tls.key' })
  })
})

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'certificates-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

/** The default flags, elsewhere. */
function filesIn(folder: string): string[] {
  return [`--client-ca-file=${folder}/caCert.pem`, `--tls-cert-file=${folder}/serverCert.pem`, `--tls-private-key=${folder}/serverKey.pem`]
}
