import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseConfig } from '@vpa/kube/config.ts'
import { Registry } from 'prom-client'
import { expect, onTestFinished, test } from 'vitest'
import { clientOf, refuse, startApiServer } from '../../test/support/api-server.ts'
import { fakeClock } from '../../test/support/fake-clock.ts'
import { logTo } from '../../test/support/recorded-log.ts'
import { certificateSource } from './certificate-source.ts'
import { type Certificates, certificatesFor } from './certificates.ts'
import { Config } from './config.ts'
import { AdmissionMetrics } from './metrics.ts'
import { ServedCertificates } from './served-certificates.ts'
import { admissionServer, replaceCertificates } from './server.ts'

const [OLD, NEW] = (await Promise.all([certificatesFor(['localhost'], Date.now()), certificatesFor(['localhost'], Date.now())])) as [Certificates, Certificates]
const LAYOUTS = [
  ['upstream', ['caCert.pem', 'serverCert.pem', 'serverKey.pem']],
  ['cert-manager', ['ca.crt', 'tls.crt', 'tls.key']],
] as const
type Names = (typeof LAYOUTS)[number][1]

/** A directory as the kubelet mounts a Secret: files are links into one that is replaced as a whole. */
async function mountedSecret(names: Names) {
  const folder = await mkdtemp(join(tmpdir(), 'certificates-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  let versions = 0
  async function update({ caCert, serverCert, serverKey }: Certificates): Promise<void> {
    const version = `..version-${(versions += 1)}`
    await mkdir(join(folder, version))
    await Promise.all([caCert, serverCert, serverKey].map((pem, index) => writeFile(join(folder, version, names[index]!), pem)))
    await symlink(version, join(folder, '..next'))
    await rename(join(folder, '..next'), join(folder, '..data'))
  }
  await update(OLD)
  for (const name of names) await symlink(join('..data', name), join(folder, name))
  return { folder, update }
}

async function serving(names: Names) {
  const lines: string[] = []
  const log = logTo((message) => void lines.push(message))
  const { folder, update } = await mountedSecret(names)
  const parsed = parseConfig(Config, [`--client-ca-file=${folder}/caCert.pem`, `--tls-cert-file=${folder}/serverCert.pem`, `--tls-private-key=${folder}/serverKey.pem`])
  if (!('config' in parsed)) throw new Error('flags')
  const client = clientOf(await startApiServer((_, response) => refuse(response, 404)))
  const source = certificateSource(parsed.config, 'kube-system', { client, clock: fakeClock() })
  const first = await source.read()
  const server = admissionServer({ tls: { ...first, minVersion: 'TLSv1.2' }, metrics: new AdmissionMetrics(new Registry()), clock: fakeClock(), log, beat: () => {}, review: () => { throw new Error('not asked') } })
  onTestFinished(() => server.close())
  await server.listen({ host: '127.0.0.1', port: 0 })
  const trusted = [first.caCert]
  const served = new ServedCertificates(first, {
    source,
    trust: async (caCert) => (trusted.includes(caCert) ? 'unchanged' : (trusted.push(caCert), 'patched')),
    serve: (found) => replaceCertificates(server, { ...found, minVersion: 'TLSv1.2' }),
    log,
  })
  const { port } = server.server.address() as AddressInfo
  return { served, update, lines, isTrustedBy: (caCert: string) => answers(port, caCert) }
}

function answers(port: number, ca: string): Promise<boolean> {
  return new Promise((resolve) => {
    request({ host: '127.0.0.1', port, path: '/serving', servername: 'localhost', ca, agent: false }, (answer) => resolve(answer.resume().statusCode === 200)).on('error', () => resolve(false)).end()
  })
}

test.for(LAYOUTS)('a mounted Secret as by %s: its new authority is trusted at one look, its new certificate served at the next', async ([, names]) => {
  const { served, update, isTrustedBy } = await serving(names)
  expect(await isTrustedBy(OLD.caCert)).toBe(true)
  await update(NEW)
  await served.reload()
  expect(await isTrustedBy(OLD.caCert)).toBe(true)
  await served.reload()
  expect(await isTrustedBy(NEW.caCert)).toBe(true)
  expect(served.current).toEqual({ caCert: NEW.caCert, serverCert: NEW.serverCert, serverKey: NEW.serverKey })
})

test('a certificate of the same authority is served at once', async () => {
  const { served, update, isTrustedBy } = await serving(LAYOUTS[1][1])
  const renewed = await certificatesFor(['localhost', 'other'], Date.now(), OLD as Awaited<ReturnType<typeof certificatesFor>>)
  await update(renewed)
  await served.reload()
  expect(served.current.serverCert).toBe(renewed.serverCert)
  expect(await isTrustedBy(OLD.caCert)).toBe(true)
})

test('files that do not fit together change nothing, and are read again', async () => {
  const { served, update, lines, isTrustedBy } = await serving(LAYOUTS[1][1])
  await update({ ...NEW, caCert: OLD.caCert, serverKey: OLD.serverKey })
  await served.reload()
  expect(lines).toEqual(['New certificate found, reloading', 'Failed to reload certificate'])
  expect(await isTrustedBy(OLD.caCert)).toBe(true)
  await update(NEW)
  await served.reload()
  await served.reload()
  expect(await isTrustedBy(NEW.caCert)).toBe(true)
})
