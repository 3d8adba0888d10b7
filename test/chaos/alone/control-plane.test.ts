import { setTimeout as sleep } from 'node:timers/promises'
import { readSecret, writeSecret } from '@vpa/kube/secret.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { forgetAdmissionController, kubeconfig } from '../../e2e/control-plane.ts'
import { ControlPlaneProcess } from '../control-plane-process.ts'
import type { KeptProgram } from '../kept-program.ts'
import { type RealCluster, openRealCluster } from '../real-cluster.ts'
import { reportLine } from '../report.ts'
import { Trial } from '../trial.ts'

/** `CHAOS_SECONDS=30` for the long form. */
const SECONDS = Number(process.env['CHAOS_SECONDS'] ?? 3)
const IS_LONG = SECONDS >= 30
/** Only the long form is held to seconds: in npm test the machine may be busy with anything. */
const SLACK = IS_LONG ? 1 : 3
const SECRET = { namespace: 'kube-system', name: 'vpa-tls-certs' }
const ROLE_BINDINGS = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings'

let cluster: RealCluster
let trial: Trial

beforeAll(async () => {
  cluster = await openRealCluster(kubeconfig)
  await forgetAdmissionController(cluster.client)
  // Two of each, of which one leads.
  trial = await Trial.start(cluster, { replicas: 2, flags: ['--leader-elect'] })
}, 420_000)

afterAll(async () => {
  await trial?.stop()
  await forgetAdmissionController(cluster.client)
  await cluster?.close()
})

async function away(...names: readonly ConstructorParameters<typeof ControlPlaneProcess>[1][]): Promise<number> {
  const processes = names.map((name) => new ControlPlaneProcess(process.env['VPA_CONTROL_PLANE_DIR'] ?? '', name))
  for (const one of processes) await one.kill()
  await sleep(SECONDS * 1000)
  for (const one of processes) await one.start()
  if (names.includes('kube-apiserver')) await answering()
  return names.length
}

async function answering(): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      return void (await cluster.client.request({ path: '/readyz', timeout: 2000 }).catch((error: unknown) => {
        // The answer is no JSON, but an answer.
        if (!(error instanceof SyntaxError)) throw error
      }))
    } catch (error) {
      if (tries === 300) throw error
      await sleep(200)
    }
  }
}

async function withoutRoles(): Promise<number> {
  const { items } = await cluster.client.request<{ items: { metadata: { name: string; resourceVersion?: string; uid?: string }; subjects?: { name: string }[] }[] }>({ path: ROLE_BINDINGS })
  const ours = items.filter(({ subjects = [] }) => subjects.some(({ name }) => name === 'vpa-recommender' || name === 'vpa-updater' || name === 'vpa-admission-controller'))
  for (const { metadata } of ours) await cluster.client.request({ method: 'DELETE', path: `${ROLE_BINDINGS}/${metadata.name}` })
  await sleep(SECONDS * 1000)
  for (const { metadata: { resourceVersion: _version, uid: _uid, ...metadata }, ...binding } of ours) await cluster.client.request({ method: 'POST', path: ROLE_BINDINGS, body: { ...binding, metadata } })
  return ours.length
}

async function newCertificate(): Promise<number> {
  const secret = await readSecret(cluster.client, SECRET)
  await writeSecret(cluster.client, { ...secret, ...SECRET, data: {} })
  // It looks every ten seconds.
  await sleep(12_000)
  return 1
}

async function killed(): Promise<number> {
  let kills = 0
  for (const end = Date.now() + 2 * SECONDS * 1000; Date.now() < end; await sleep(500 + Math.random() * 1500)) {
    const all = Object.values(trial.programs).flat()
    all[Math.floor(Math.random() * all.length)]?.kill()
    kills += 1
  }
  return kills
}

const SCENARIOS: readonly (readonly [string, () => Promise<number>, { readonly mayExit?: true }?])[] = [
  ['kube-apiserver killed and restarted', () => away('kube-apiserver'), { mayExit: true }],
  ['etcd killed and restarted', () => away('etcd'), { mayExit: true }],
  ['metrics-server away', () => away('metrics-server')],
  ['roles withdrawn and given back', withoutRoles],
  ['certificates replaced', newCertificate],
  ['clocks set an hour ahead, and back', () => trial.misleadClocks(SECONDS * 1000)],
  ['programs killed at random points', killed],
]
/** Takes as long as any two others. */
const LONG: typeof SCENARIOS = [['kube-apiserver and etcd killed and restarted', () => away('kube-apiserver', 'etcd'), { mayExit: true }]]

test.for(IS_LONG ? [...SCENARIOS, ...LONG] : SCENARIOS)('%s', { timeout: 300_000 }, async ([scenario, inject, { mayExit = false } = {}]) => {
  const report = await trial.run(scenario, inject)
  console.log(reportLine(report))
  expect(report.missed).toBe(0)
  expect(report.evictionsBeyondBudget).toBe(0)
  expect(report.samplesLost).toBeGreaterThanOrEqual(0)
  // Who leads and cannot renew its lease for ten seconds must end.
  expect(report.crashes).toBeLessThanOrEqual(mayExit ? Infinity : 0)
})

/** Once in three attempts is enough: the machine may be busy, the lease is not. */
test.for([
  ['SIGTERM', 5000],
  ['SIGKILL', 20_000],
] as const)('recommender and updater lead again in time after %s', { timeout: 120_000, retry: 2 }, async ([signal, mostMs]) => {
  const took = await Promise.all([handOver('recommender', signal), handOver('updater', signal)])
  expect(Math.max(...took)).toBeLessThan(SLACK * mostMs)
})

/** For how many milliseconds nothing works, from when the leader ends until one is at it again: the other one, or the same in its next life. An updater tells of its loops only where it has something to do. */
async function handOver(name: 'recommender' | 'updater', signal: 'SIGTERM' | 'SIGKILL'): Promise<number> {
  const leader = () => trial.programs[name].find((program) => program.leadsSince(0))
  await expect.poll(leader, { timeout: 30_000 }).toBeDefined()
  const begin = Date.now()
  leader()?.kill(signal)
  const isAtWork = (program: KeptProgram) => program.leadsSince(begin) && (name === 'updater' || program.turnsSince(begin) > 0)
  await expect.poll(() => trial.programs[name].some(isAtWork), { timeout: 60_000, interval: 20 }).toBe(true)
  const took = Date.now() - begin
  console.log(`chaos: hand-over between two of ${name} after ${signal}: ${(took / 1000).toFixed(1)} s`)
  return took
}
