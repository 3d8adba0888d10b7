import { Agent, request } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { MINUTE, SECOND } from '@vpa/core/time.ts'
import type { Client } from '@vpa/kube/client.ts'
import { systemClock } from '@vpa/kube/clock.ts'
import { openClient } from '@vpa/kube/connect.ts'
import { readSecret, writeSecret } from '@vpa/kube/secret.ts'
import { readWebhookTrust } from '@vpa/kube/webhook-registration.ts'
import { certificatesFor } from 'vpa-admission-controller/certificates.ts'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Api } from '../../hack/demo/api.ts'
import { openClusterOf } from '../../hack/demo/current-cluster.ts'
import type { DemoCluster } from '../../hack/demo/demo-cluster.ts'
import { Program } from '../support/program.ts'
import { forgetAdmissionController, kubeconfig } from './control-plane.ts'

const HOST = 'vpa-webhook.kube-system.svc'
const SECRET = { namespace: 'kube-system', name: 'vpa-tls-certs' }
/** `LOAD_SECONDS=60` for the long form. */
const AT_LEAST_MS = Number(process.env['LOAD_SECONDS'] ?? 20) * SECOND
const PAUSE_MS = 5

interface Replica {
  readonly program: Program
  readonly port: number
  readonly readyz: string
}

let cluster: DemoCluster
let client: Client
let replicas: Replica[] = []
/** All that were ever started: whatever fails, none is left running. */
const started = new Set<Program>()

beforeAll(async () => {
  cluster = await openClusterOf(await Api.open(kubeconfig), kubeconfig)
  client = await openClient({ kubeconfig, source: 'e2e', qps: 0, burst: 0, clock: systemClock, registry: new Registry() })
  await forgetAdmissionController(client)
  // Started at once: they must agree on one certificate.
  replicas = await Promise.all([start(), start()])
})

afterAll(async () => {
  await Promise.all([...started].map((program) => program.stop()))
  await forgetAdmissionController(client)
  await client.close()
  await cluster.close()
})

async function start(): Promise<Replica> {
  const flags = ['--port=0', '--tls-cert-file=/none', '--shutdown-delay=3s', '--status-lease-update-interval=1s']
  const program = new Program('admission-controller', cluster.programs['admission-controller'], flags)
  started.add(program)
  const replica = { program, port: await program.portOf('Serving admission reviews'), readyz: `http://127.0.0.1:${await program.portOf('Serving metrics and health')}/readyz` }
  for (let tries = 0; !(await isReady(replica)); tries += 1) {
    if (tries === 60) throw new Error('a replica did not become ready within 15 s')
    await sleep(250)
  }
  return replica
}

async function isReady({ readyz }: Replica): Promise<boolean> {
  return fetch(readyz).then(({ ok }) => ok, () => false)
}

/** Asks as the API server does: one of the ready replicas, trusting what the webhook configuration said last. */
class Load {
  asked = 0
  readonly failures: string[] = []
  #over = false
  #ready: readonly Replica[] = []
  #trust: { caBundle: string; agent: Agent } | undefined
  readonly #running: Promise<unknown>

  constructor() {
    this.#running = Promise.all([this.#follow(), this.#ask()])
  }

  async end(): Promise<void> {
    this.#over = true
    await this.#running
  }

  /** Endpoints and webhook configurations reach an API server within a moment. */
  async #follow(): Promise<void> {
    while (!this.#over) {
      const states = await Promise.all(replicas.map(async (replica) => ((await isReady(replica)) ? [replica] : [])))
      this.#ready = states.flat()
      const trust = await readWebhookTrust(client, 'vpa-webhook-config')
      if (trust && trust.caBundle !== this.#trust?.caBundle) this.#trust = { caBundle: trust.caBundle, agent: new Agent({ keepAlive: true, maxSockets: 8, maxCachedSessions: 0 }) }
      await sleep(500)
    }
  }

  async #ask(): Promise<void> {
    while (!this.#over) {
      await sleep(PAUSE_MS)
      const replica = this.#ready[this.asked % Math.max(this.#ready.length, 1)]
      if (replica === undefined || this.#trust === undefined) continue
      this.asked += 1
      void review(replica.port, this.#trust, this.asked % 10 === 0).catch((error: Error) => this.failures.push(error.message))
    }
  }
}

function review(port: number, { caBundle, agent }: { caBundle: string; agent: Agent }, fresh: boolean): Promise<void> {
  const body = JSON.stringify({ request: { uid: 'u', resource: { group: '', version: 'v1', resource: 'pods' }, namespace: 'default', object: { metadata: {}, spec: { containers: [] } } } })
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, method: 'POST', servername: HOST, ca: caBundle, agent: fresh ? false : agent, headers: { 'content-type': 'application/json' }, timeout: 5000 }, async (answer) => {
      const text = Buffer.concat(await answer.toArray()).toString()
      if (answer.statusCode === 200 && text.includes('"allowed":true')) resolve()
      else reject(new Error(`${answer.statusCode}: ${text}`))
    })
    asked.on('timeout', () => asked.destroy(new Error('no answer')))
    asked.on('error', reject)
    asked.end(body)
  })
}

async function servedBy(): Promise<string> {
  return (await readSecret(client, SECRET))?.data['serverCert.pem'] ?? ''
}

test('authority and server certificate are replaced under load: every review is answered', async () => {
  const load = new Load()
  const begin = Date.now()
  const secret = await readSecret(client, SECRET)
  const pem = (key: string) => secret?.data[key] ?? ''
  const old = { caKey: pem('caKey.pem'), caCert: pem('caCert.pem'), serverCert: pem('serverCert.pem'), serverKey: pem('serverKey.pem') }
  // As the first step of a rotation that began almost ten minutes ago: the old authority is at its end, the new one is trusted already.
  const names = [HOST, `${HOST}.cluster.local`, 'localhost', '127.0.0.1']
  const begun = Date.now() - 10 * MINUTE + 15 * SECOND
  const step = await certificatesFor(names, begun, { ...old, caKey: '' })
  expect(step.serverCert).toBe(old.serverCert)
  await writeSecret(client, { ...secret, ...SECRET, data: { ...secret?.data, 'caKey.pem': step.caKey, 'caCert.pem': step.caCert } })
  await expect.poll(async () => (await readWebhookTrust(client, 'vpa-webhook-config'))?.caBundle, { timeout: 30_000 }).toBe(step.caCert)
  await expect.poll(servedBy, { timeout: 40_000 }).not.toBe(old.serverCert)
  await sleep(Math.max(12 * SECOND, AT_LEAST_MS - (Date.now() - begin)))
  await load.end()
  expect(load.failures).toEqual([])
  expect(load.asked).toBeGreaterThan(1000)
})

test('both replicas are restarted one after the other under load: every review is answered', async () => {
  const load = new Load()
  const begin = Date.now()
  for (const old of replicas) {
    const young = await start()
    replicas = [...replicas.filter((replica) => replica !== old), young, old]
    await old.program.stop()
    replicas = replicas.filter((replica) => replica !== old)
  }
  await sleep(Math.max(0, AT_LEAST_MS - (Date.now() - begin)))
  await load.end()
  expect(load.failures).toEqual([])
  expect(load.asked).toBeGreaterThan(1000)
})
