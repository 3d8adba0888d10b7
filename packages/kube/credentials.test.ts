import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { MINUTE } from '@vpa/core/time.ts'
import { expect, onTestFinished, test } from 'vitest'
import { fakeClock } from '../../test/support/fake-clock.ts'
import { openCredentials } from './credentials.ts'

async function directory(files: Readonly<Record<string, string>>): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'credentials-'))
  onTestFinished(() => rm(path, { recursive: true }))
  for (const [name, content] of Object.entries(files)) await writeFile(join(path, name), content)
  return path
}

const kubeconfig = (server: string, user: object) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server, 'certificate-authority-data': Buffer.from('the CA').toString('base64') } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  })

test('in a cluster: the ServiceAccount, its token read again every minute', async () => {
  const serviceAccount = await directory({ token: 'first\n', 'ca.crt': 'the CA' })
  const clock = fakeClock()
  const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' }
  const credentials = await openCredentials({ kubeconfig: '', clock, serviceAccount, env })
  expect(credentials).toMatchObject({ server: 'https://[fd00::1]:443', tls: { ca: Buffer.from('the CA') } })
  expect(await credentials.headers()).toEqual({ authorization: 'Bearer first' })
  await writeFile(join(serviceAccount, 'token'), 'second')
  expect(await credentials.headers()).toEqual({ authorization: 'Bearer first' })
  await clock.advance(MINUTE)
  expect(await credentials.headers()).toEqual({ authorization: 'Bearer second' })
})

test.for([
  ['empty', (file: string) => writeFile(file, '')],
  ['missing', (file: string) => rm(file)],
] as const)('a token file that is %s for a moment: the former token serves, until it is refused or there is another', async ([, spoil]) => {
  const path = await directory({ config: kubeconfig('https://api:6443', { tokenFile: 'token' }), token: 'first' })
  const clock = fakeClock()
  const credentials = await openCredentials({ kubeconfig: join(path, 'config'), clock })
  await credentials.headers()
  await spoil(join(path, 'token'))
  await clock.advance(MINUTE)
  expect(await credentials.headers()).toEqual({ authorization: 'Bearer first' })
  await writeFile(join(path, 'token'), 'second')
  expect(await credentials.headers()).toEqual({ authorization: 'Bearer second' })
  await spoil(join(path, 'token'))
  credentials.refused()
  await expect(credentials.headers()).rejects.toThrow(/token/)
})

test('in a cluster: without a token, nothing is asked as nobody', async () => {
  const serviceAccount = await directory({ token: '', 'ca.crt': 'the CA' })
  const env = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' }
  const credentials = await openCredentials({ kubeconfig: '', clock: fakeClock(), serviceAccount, env })
  await expect(credentials.headers()).rejects.toThrow(`${serviceAccount}/token is empty`)
})

test('outside of a cluster and without a kubeconfig: says what to do', async () => {
  await expect(openCredentials({ kubeconfig: '', clock: fakeClock(), env: {} })).rejects.toThrow('give a kubeconfig file with --kubeconfig')
})

test('a kubeconfig with a token', async () => {
  const file = join(await directory({ config: kubeconfig('https://api:6443', { token: 'secret' }) }), 'config')
  const credentials = await openCredentials({ kubeconfig: file, clock: fakeClock() })
  expect(credentials).toMatchObject({ server: 'https://api:6443', tls: { ca: Buffer.from('the CA') } })
  expect(await credentials.headers()).toEqual({ authorization: 'Bearer secret' })
})

test('a kubeconfig with an exec plug-in: started once for requests at the same time, and again when refused', async () => {
  const path = await directory({ count: '' })
  const plugin = `echo -n x >> ${path}/count; echo "{\\"status\\": {\\"token\\": \\"t$(wc -c < ${path}/count)\\", \\"expirationTimestamp\\": \\"2026-01-01T00:00:00Z\\"}}"`
  await writeFile(join(path, 'config'), kubeconfig('https://api:6443', { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'sh', args: ['-c', plugin] } }))
  const credentials = await openCredentials({ kubeconfig: join(path, 'config'), clock: fakeClock() })
  const first = await Promise.all([credentials.headers(), credentials.headers()])
  expect(first[0]).toEqual(first[1])
  credentials.refused()
  expect(await credentials.headers()).not.toEqual(first[0])
})

test('credentials are never sent in the clear', async () => {
  const file = join(await directory({ config: kubeconfig('http://127.0.0.1:8001', { token: 'secret' }) }), 'config')
  expect(await (await openCredentials({ kubeconfig: file, clock: fakeClock() })).headers()).toEqual({})
})

test.for([
  ['a token file, read again', { tokenFile: 'token' }, { authorization: 'Bearer from-file' }],
  ['name and password', { username: 'me', password: 'secret' }, { authorization: `Basic ${Buffer.from('me:secret').toString('base64')}` }],
  ['a client certificate alone', { 'client-certificate': 'cert.pem', 'client-key': 'key.pem' }, {}],
] as const)('a kubeconfig with %s', async ([, user, headers]) => {
  const path = await directory({ config: kubeconfig('https://api:6443', user), token: 'from-file\n', 'cert.pem': 'CERT', 'key.pem': 'KEY' })
  const credentials = await openCredentials({ kubeconfig: join(path, 'config'), clock: fakeClock() })
  expect(await credentials.headers()).toEqual(headers)
  expect(credentials.tls.cert?.toString()).toBe('client-certificate' in user ? 'CERT' : undefined)
})

test('a kubeconfig whose current context is not there says so', async () => {
  const file = join(await directory({ config: JSON.stringify({ 'current-context': 'gone', clusters: [], contexts: [], users: [] }) }), 'config')
  await expect(openCredentials({ kubeconfig: file, clock: fakeClock() })).rejects.toThrow('the current context "gone" names no cluster')
})

test.for([
  ['no YAML, for a colon', 'users:\n- name: u\n  user:\n    token: very-secret : oops\n'],
  ['no YAML, for an escape', 'users:\n- name: u\n  user:\n    password: "very-secret\\q"\n'],
  ['no YAML, for an alias', 'users:\n- name: u\n  user:\n    password: *very-secret\n'],
  ['of another shape', 'users: { token: very-secret }\n'],
] as const)('a kubeconfig that is %s is refused, and the message shows nothing of it', async ([, text]) => {
  const file = join(await directory({ config: text }), 'config')
  const error: unknown = await openCredentials({ kubeconfig: file, clock: fakeClock() }).catch((error: unknown) => error)
  expect(String((error as Error).message)).toContain(file)
  expect(inspect(error, { depth: 5 })).not.toContain('very-secret')
})
