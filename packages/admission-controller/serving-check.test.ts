import type { AddressInfo } from 'node:net'
import { Registry } from 'prom-client'
import { expect, onTestFinished, test } from 'vitest'
import { fakeClock } from '../../test/support/fake-clock.ts'
import { silentLog } from '../../test/support/recorded-log.ts'
import { certificatesFor } from './certificates.ts'
import { AdmissionMetrics } from './metrics.ts'
import { admissionServer } from './server.ts'
import { whyNotServing } from './serving-check.ts'

const HOST = 'vpa-webhook.kube-system.svc'
const own = await certificatesFor([HOST, '127.0.0.1'], Date.now())
const strange = await certificatesFor([HOST], Date.now())

async function listening(): Promise<number> {
  const tls = { ...own, minVersion: 'TLSv1.2' as const }
  const server = admissionServer({ tls, metrics: new AdmissionMetrics(new Registry()), clock: fakeClock(), log: silentLog, beat: () => {}, review: () => { throw new Error('not asked') } })
  onTestFinished(() => server.close())
  await server.listen({ host: '127.0.0.1', port: 0 })
  return (server.server.address() as AddressInfo).port
}

test.for([
  ['the name of the service', HOST],
  ['the address', '127.0.0.1'],
] as const)('asked by %s, we serve', async ([, host]) => {
  expect(await whyNotServing(await listening(), { host, caBundle: own.caCert })).toBeUndefined()
})

test.for([
  ['the API server trusts another authority', { host: HOST, caBundle: strange.caCert }, /cannot be asked as vpa-webhook.kube-system.svc: .*(signature|certificate)/],
  ['the API server uses a name that the certificate does not bear', { host: 'other.svc', caBundle: own.caCert }, /does not match certificate's altnames/],
] as const)('we do not serve when %s', async ([, trust, problem]) => {
  expect(await whyNotServing(await listening(), trust)).toMatch(problem)
})

test('nobody listens', async () => {
  expect(await whyNotServing(1, { host: HOST, caBundle: own.caCert })).toMatch(/ECONNREFUSED/)
})
