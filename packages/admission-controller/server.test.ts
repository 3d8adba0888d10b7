import { once } from 'node:events'
import { Agent, request as httpsRequest } from 'node:https'
import { type AddressInfo, type Socket, connect } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { projectVpa } from '@vpa/core/api/vpa.ts'
import type { Workload } from '@vpa/core/target/workload.ts'
import { MINUTE, SECOND } from '@vpa/core/time.ts'
import { ObjectStore } from '@vpa/kube/store.ts'
import { array, assert, asyncProperty, constant, constantFrom, dictionary, jsonValue, oneof, record } from 'fast-check'
import type { FastifyInstance } from 'fastify'
import { Registry } from 'prom-client'
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { fakeClock } from '../../test/support/fake-clock.ts'
import { PATIENCE } from '../../test/support/patience.ts'
import { limitRangeOf, rawPodOf, vpaOf } from '../../test/support/new-pods.ts'
import { logTo } from '../../test/support/recorded-log.ts'
import { type OwnCertificates, certificatesFor } from './certificates.ts'
import { AdmissionMetrics } from './metrics.ts'
import { Reviewer } from './review.ts'
import { admissionServer, replaceCertificates } from './server.ts'
import { type TlsPolicy, tlsPolicy } from './tls.ts'

const NOW = Date.now()
const KONG = { requests: { cpu: '100m', memory: '200Mi' }, limits: { cpu: '200m', memory: '300Mi' } }
const PODS = { group: '', version: 'v1', resource: 'pods' }
const VPAS = { group: 'autoscaling.k8s.io', version: 'v1', resource: 'verticalpodautoscalers' }

let certificates: OwnCertificates
beforeAll(async () => {
  certificates = await certificatesFor(['localhost'], NOW)
})

function start(policy: TlsPolicy = { minVersion: 'TLSv1.2' }) {
  const vpas = new ObjectStore<ReturnType<typeof vpaOf>>(fail)
  const limitRanges = new ObjectStore<ReturnType<typeof limitRangeOf>>(fail)
  const reviewer = new Reviewer({ vpas, limitRanges, workload }, { gates: { perVpaConfig: false, cpuStartupBoost: false, inPlace: false }, startupBoost: { enabled: false, maxAllowed: undefined } })
  const registry = new Registry()
  const clock = fakeClock()
  const lines: string[] = []
  const server = admissionServer({
    tls: { ...certificates, ...policy },
    metrics: new AdmissionMetrics(registry),
    clock,
    log: logTo((message) => void lines.push(message), ['info', 'warn', 'error']),
    beat: () => {},
    review: (request) => reviewer.review(request),
  })
  onTestFinished(() => server.close())
  return { vpas, limitRanges, registry, server, clock, lines }
}

function fail(error: unknown): never {
  throw error
}

/** Deployment `web` owns every ReplicaSet. */
function workload(namespace: string, ref: { apiVersion: string; kind: string; name: string }): { found: Workload } {
  const owners = ref.kind === 'ReplicaSet' ? [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', controller: true }] : []
  return { found: { ...ref, namespace, owners, selector: { matchLabels: { app: 'web' } } } }
}

/** The response of the AdmissionReview, with its patch decoded. */
async function ask(server: FastifyInstance, request: object): Promise<Record<string, unknown>> {
  const review = { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', request: { uid: 'u1', namespace: 'default', operation: 'CREATE', ...request } }
  const answer = await server.inject({ method: 'POST', url: '/', headers: { 'content-type': 'application/json' }, payload: JSON.stringify(review) })
  const { response } = answer.json<{ response: Record<string, unknown> }>()
  return { ...response, ...(typeof response['patch'] === 'string' && { patch: JSON.parse(Buffer.from(response['patch'], 'base64').toString()) }) }
}

const send = async (payload: string, contentType = 'application/json') => {
  const answer = await start().server.inject({ method: 'POST', url: '/any', headers: { 'content-type': contentType }, payload })
  return { code: answer.statusCode, body: answer.body }
}

const reviewOf = (resource: object, object: string) => `{"request":{"uid":"u1","resource":${JSON.stringify(resource)},"name":"web","object":${object}}}`

/** The status of an answer, or why there is none. */
const get = (port: number, { caCert }: OwnCertificates) =>
  new Promise<number | string | undefined>((resolve) => {
    const options = { host: '127.0.0.1', servername: 'localhost', port, ca: caCert, agent: false as const }
    httpsRequest(options, (response) => resolve(response.resume().statusCode)).on('error', ({ message }) => resolve(message)).end()
  })

/** How a client sees that its connection is not accepted. */
const REFUSED = /ECONNRESET|disconnected|hang up/

/** Listens. Opens connections, which have been used once. */
async function listen(server: FastifyInstance) {
  await server.listen({ host: '127.0.0.1', port: 0 })
  const { port } = server.server.address() as AddressInfo
  return async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    onTestFinished(() => agent.destroy())
    const options = { host: '127.0.0.1', servername: 'localhost', port, ca: certificates.caCert, agent }
    const use = () => new Promise<{ socket: Socket; headers: object }>((resolve, reject) => {
      const request = httpsRequest(options, (response) => {
        const { socket } = response
        response.resume().on('end', () => resolve({ socket, headers: response.headers }))
      })
      request.on('error', reject).end()
    })
    const { socket, headers } = await use()
    // A server that ends idle connections by itself announces it: `keep-alive: timeout=72`.
    expect(headers).not.toHaveProperty('keep-alive')
    return { use, socket }
  }
}

/** What a handshake comes to: its protocol and, of TLS 1.2, its cipher suite; or why there is none. */
const handshake = (port: number, { caCert }: OwnCertificates, client: ConnectionOptions) =>
  new Promise<string | null | undefined>((resolve) => {
    const socket = connectTls({ host: '127.0.0.1', servername: 'localhost', port, ca: caCert, ...client }, () => {
      const protocol = socket.getProtocol()
      resolve(protocol === 'TLSv1.2' ? `${protocol} ${socket.getCipher().name}` : protocol)
      socket.destroy()
    }).on('error', ({ code }: NodeJS.ErrnoException) => resolve(code))
  })

const valueAt = (response: Record<string, unknown>, path: string) => (response['patch'] as { path: string; value: unknown }[] | undefined)?.find((operation) => operation.path === path)?.value

describe('pods', () => {
  const target = { proxy: { target: { cpu: '548m', memory: '548861636' } } }

  test('get what their VPA recommends', async () => {
    const { vpas, server, registry } = start()
    vpas.set(vpaOf(target))
    const response = await ask(server, { resource: PODS, object: rawPodOf({ proxy: KONG }) })
    expect(response).toMatchObject({ uid: 'u1', allowed: true, patchType: 'JSONPatch' })
    expect(valueAt(response, '/spec/containers/0/resources/limits/memory')).toBe('823292454')
    expect(await registry.metrics()).toContain('vpa_admission_controller_admission_pods_total{applied="true"} 1')
  })

  test('follow what changes: the VPA, and the LimitRange of the namespace the request tells', async () => {
    const { vpas, limitRanges, server } = start()
    const vpa = vpaOf(target)
    const pod = { resource: PODS, object: rawPodOf({ proxy: KONG }, { name: undefined, generateName: 'web-', namespace: undefined }) }
    const cpu = async () => valueAt(await ask(server, pod), '/spec/containers/0/resources/requests/cpu')
    expect(await cpu()).toBeUndefined()
    vpas.set(vpa)
    expect(await cpu()).toBe('548m')
    limitRanges.set(limitRangeOf('limits', { type: 'Container', max: { cpu: '500m' } }))
    expect(await cpu()).toBe('250m')
    limitRanges.remove({ namespace: 'default', name: 'limits' })
    expect(await cpu()).toBe('548m')
    vpas.set({ ...vpa, resourceVersion: '2', spec: { ...vpa.spec, updatePolicy: { ...projectVpa({ spec: { updatePolicy: { updateMode: 'Off' } } }).spec.updatePolicy! } } })
    expect(await cpu()).toBeUndefined()
  })

  test.for([
    ['without a VPA', rawPodOf({ app: KONG }, { labels: { app: 'other' } }), []],
    ['that cannot be read', rawPodOf({ app: { requests: { cpu: 'abc' } } }), ['Admitted unchanged']],
    ['that are nothing', null, ['Admitted unchanged']],
  ] as const)('are admitted unchanged %s', async ([, object, logged]) => {
    const { vpas, server, lines } = start()
    vpas.set(vpaOf(target))
    expect(await ask(server, { resource: PODS, object })).toEqual({ uid: 'u1', allowed: true })
    expect(lines).toEqual(logged)
  })

  test('are admitted unchanged when something goes wrong, which is counted', async () => {
    const { server, registry } = start()
    await ask(server, { resource: { group: 'apps', version: 'v1', resource: 'deployments' }, object: {} })
    await ask(server, { resource: PODS, object: null })
    const metrics = await registry.metrics()
    expect(metrics).toContain('admission_latency_seconds_count{status="error",resource="unknown"} 1')
    expect(metrics).toContain('admission_latency_seconds_count{status="error",resource="Pod"} 1')
  })
})

describe('VPAs', () => {
  const targetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }

  test('get their default, and warnings', async () => {
    const { server } = start()
    expect(await ask(server, { resource: VPAS, name: 'web', object: { spec: { targetRef } } })).toEqual({
      uid: 'u1',
      allowed: true,
      patch: [{ op: 'add', path: '/spec/updatePolicy', value: { updateMode: 'Recreate' } }],
      patchType: 'JSONPatch',
    })
    const auto = await ask(server, { resource: VPAS, name: 'web', object: { spec: { targetRef, updatePolicy: { updateMode: 'Auto' } } } })
    expect(auto['warnings']).toEqual([expect.stringContaining('deprecated')])
  })

  test('are denied with every reason', async () => {
    const { server } = start()
    const object = { spec: { targetRef, updatePolicy: { minReplicas: 0 } } }
    expect(await ask(server, { resource: VPAS, name: 'web', object })).toMatchInlineSnapshot(`
      {
        "allowed": false,
        "status": {
          "code": 422,
          "details": {
            "causes": [
              {
                "field": "spec.updatePolicy.updateMode",
                "message": "Required value: updateMode is required if UpdatePolicy is used",
                "reason": "FieldValueRequired",
              },
              {
                "field": "spec.updatePolicy.minReplicas",
                "message": "Invalid value: 0: minReplicas has to be positive",
                "reason": "FieldValueInvalid",
              },
            ],
            "group": "autoscaling.k8s.io",
            "kind": "VerticalPodAutoscaler",
            "name": "web",
          },
          "message": "VerticalPodAutoscaler.autoscaling.k8s.io "web" is invalid: [spec.updatePolicy.updateMode: Required value: updateMode is required if UpdatePolicy is used, spec.updatePolicy.minReplicas: Invalid value: 0: minReplicas has to be positive]",
          "metadata": {},
          "reason": "Invalid",
          "status": "Failure",
        },
        "uid": "u1",
      }
    `)
  })
})

test('whatever a pod looks like, it is admitted', async () => {
  const { vpas, server } = start()
  vpas.set(vpaOf({ app: { target: { cpu: '1' } } }))
  const metadata = record({ name: jsonValue(), labels: jsonValue(), annotations: jsonValue(), ownerReferences: jsonValue() }, { requiredKeys: [] })
  const container = record({ name: jsonValue(), resources: record({ requests: dictionary(constantFrom('cpu', 'memory', ''), jsonValue()), limits: jsonValue() }, { requiredKeys: [] }) }, { requiredKeys: [] })
  const pod = oneof(jsonValue(), record({ metadata, spec: record({ containers: oneof(jsonValue(), array(container)) }) }), constant(rawPodOf({ app: KONG })))
  await assert(
    asyncProperty(pod, async (object) => {
      expect(await ask(server, { resource: PODS, object })).toMatchObject({ uid: 'u1', allowed: true })
    }),
  )
})

describe('what is no review', () => {
  test.for([
    ['not JSON', 'nonsense'],
    ['no request', '{}'],
  ] as const)('%s: allowed', async ([, payload]) => {
    expect(await send(payload)).toEqual({ code: 200, body: '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"allowed":true}}' })
  })

  test('another content type: allowed, and a well-formed answer', async () => {
    expect(await send('{}', 'text/plain')).toEqual({ code: 200, body: '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"allowed":true}}' })
  })

  test('more than 5 MiB: refused', async () => {
    expect(await send(' '.repeat(5 * 1024 * 1024 + 1))).toEqual({ code: 413, body: 'request payload too large' })
  })

  test('more than 5 MiB is counted', async () => {
    const { server, registry } = start()
    await server.inject({ method: 'POST', url: '/', headers: { 'content-type': 'application/json' }, payload: ' '.repeat(5 * 1024 * 1024 + 1) })
    expect(await registry.metrics()).toContain('admission_latency_seconds_count{status="error",resource="unknown"} 1')
  })

  test('what is not there whole after 30 s is given up: nobody can hold bodies open', () => {
    expect(start().server.server).toMatchObject({ requestTimeout: 30_000, headersTimeout: 30_000 })
  })

  test('a connection that has not come to TLS after 10 s is given up', () => {
    const { server } = start().server
    // Node shows it nowhere else.
    const limit = Object.getOwnPropertySymbols(server).find(({ description }) => description === 'handshake-timeout')
    expect(limit && Reflect.get(server, limit)).toBe(10_000)
  })
})

describe('what is unusual, yet a review', () => {
  const deep = `${'['.repeat(500_000)}${']'.repeat(500_000)}`
  const many = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`c${index}`, KONG]))

  test.for([
    ['a pod of a thousand containers', reviewOf(PODS, JSON.stringify(rawPodOf(many)))],
    ['a pod with fields that nobody knows', reviewOf(PODS, JSON.stringify({ ...rawPodOf({ app: KONG }), future: { field: [1, null] } }))],
    ['a pod nested half a million levels deep', reviewOf(PODS, `{"metadata":{"name":"web-0"},"spec":{"containers":${deep}}}`)],
    ['a VPA with fields that nobody knows', reviewOf(VPAS, '{"spec":{"targetRef":{"kind":"Deployment","name":"web"},"future":{"field":1}}}')],
  ] as const)('%s: allowed', async ([, payload]) => {
    const { code, body } = await send(payload)
    expect({ code, ...(JSON.parse(body) as { response: object }) }).toMatchObject({ code: 200, response: { uid: 'u1', allowed: true } })
  })

  test('a VPA nested half a million levels deep: refused', async () => {
    const { code, body } = await send(reviewOf(VPAS, `{"spec":{"resourcePolicy":{"containerPolicies":${deep}}}}`))
    expect({ code, ...(JSON.parse(body) as { response: object }) }).toMatchObject({ code: 200, response: { uid: 'u1', allowed: false, status: { code: 422 } } })
  })
})

describe('over TLS', () => {
  test.for([
    ['that tell their length', { 'content-length': String(5 * 1024 * 1024) }],
    ['that do not', { 'transfer-encoding': 'chunked' }],
  ] as const)('large requests %s are refused while others of 64 MiB are under way, or those cut off that are slow, and counted; small ones are answered', async ([, length]) => {
    const { server, registry, clock, lines } = start()
    await server.listen({ host: '127.0.0.1', port: 0 })
    const { port } = server.server.address() as AddressInfo
    const post = (headers: Readonly<Record<string, string>>) => {
      const request = httpsRequest({ host: '127.0.0.1', servername: 'localhost', port, ca: certificates.caCert, agent: false, method: 'POST', headers: { 'content-type': 'application/json', ...headers } })
      onTestFinished(() => void request.destroy())
      // Some are cut off in the middle.
      const status = new Promise<number | undefined>((resolve) => request.on('error', () => resolve(undefined)).on('response', (response) => resolve(response.resume().statusCode)))
      return { request, status }
    }
    const underWay = Array.from({ length: 12 }, () => post(length))
    for (const { request } of underWay) request.write('{')
    const answerTo = ({ request, status }: ReturnType<typeof post>, body: string) => {
      request.end(body)
      return status
    }
    const large = () => answerTo(post(length), `{}${' '.repeat(5 * 1024 * 1024 - 2)}`)
    const small = () => answerTo(post({ 'content-length': '2' }), '{}')
    await vi.waitFor(async () => expect(await large()).toBe(503), PATIENCE)
    expect(await small()).toBe(200)
    expect(lines).toContain('Request refused')
    expect(await registry.metrics()).toMatch(/admission_latency_seconds_count\{status="error",resource="unknown"\} [1-9]/)
    const before = lines.length
    await clock.advance(2 * SECOND + 1)
    expect(await large()).toBe(200)
    expect(await Promise.race(underWay.map(({ status }) => status))).toBeUndefined()
    expect(lines.slice(before)).toEqual(['Request refused', 'Request is not an AdmissionReview'])
    for (const { request } of underWay) request.destroy()
    await vi.waitFor(async () => expect(await large()).toBe(200), PATIENCE)
  })

  test('it serves with its certificate, and with another once that is replaced', async () => {
    const { server } = start()
    await server.listen({ host: '127.0.0.1', port: 0 })
    const { port } = server.server.address() as AddressInfo
    expect(await get(port, certificates)).toBe(200)
    const others = await certificatesFor(['localhost'], NOW)
    replaceCertificates(server, { ...others, minVersion: 'TLSv1.2' })
    expect(await get(port, others)).toBe(200)
    expect(await get(port, certificates)).toMatch(/certificate/)
  })

  test.for<readonly [string, Parameters<typeof tlsPolicy>[0], ConnectionOptions, string | RegExp]>([
    ['TLS 1.2 is refused where 1.3 is the minimum', { minTlsVersion: 'tls1_3', tlsCiphers: '' }, { maxVersion: 'TLSv1.2' }, /PROTOCOL_VERSION/],
    ['TLS 1.3 is spoken where it is the minimum', { minTlsVersion: 'tls1_3', tlsCiphers: '' }, {}, 'TLSv1.3'],
    // At its usual security level, OpenSSL would not speak 1.1 of itself.
    ['TLS 1.1 is refused', { minTlsVersion: 'tls1_2', tlsCiphers: '' }, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }, /PROTOCOL_VERSION/],
    ['TLS 1.2 is spoken', { minTlsVersion: 'tls1_2', tlsCiphers: '' }, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' }, 'TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256'],
    ['a suite that is not named is refused', { minTlsVersion: 'tls1_2', tlsCiphers: 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384' }, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' }, /HANDSHAKE_FAILURE/],
  ])('%s, before and after the certificates are replaced', async ([, flags, client, outcome]) => {
    const { server } = start(tlsPolicy(flags))
    await server.listen({ host: '127.0.0.1', port: 0 })
    const { port } = server.server.address() as AddressInfo
    expect(await handshake(port, certificates, client)).toMatch(outcome)
    const others = await certificatesFor(['localhost'], NOW)
    replaceCertificates(server, { ...others, ...tlsPolicy(flags) })
    expect(await handshake(port, others, client)).toMatch(outcome)
  })

  test('a connection on which nothing comes is ended after ten minutes; one that is used is not', async () => {
    const { server, clock } = start()
    const open = await listen(server)
    const [used, idle] = [await open(), await open()]
    await clock.advance(9 * MINUTE)
    await used.use()
    await clock.advance(MINUTE)
    await clock.advance(MINUTE)
    await vi.waitFor(() => expect(idle.socket.destroyed).toBe(true), PATIENCE)
    expect((await used.use()).socket).toBe(used.socket)
  })

  test('a connection on which nothing comes is ended after two minutes where more than half of them are open', async () => {
    const { server, clock } = start()
    server.server.maxConnections = 3
    const open = await listen(server)
    const [used, idle] = [await open(), await open()]
    await clock.advance(MINUTE)
    await clock.advance(MINUTE)
    await used.use()
    await clock.advance(MINUTE)
    await vi.waitFor(() => expect(idle.socket.destroyed).toBe(true), PATIENCE)
    expect((await used.use()).socket).toBe(used.socket)
  })

  test('when a connection is refused, one on which nothing has come for two minutes makes room at once', async () => {
    const { server, clock } = start()
    server.server.maxConnections = 2
    const open = await listen(server)
    const { port } = server.server.address() as AddressInfo
    const { socket } = await open()
    for (let minute = 0; minute < 4; minute++) await clock.advance(MINUTE)
    const silent = connect({ host: '127.0.0.1', port })
    onTestFinished(() => void silent.destroy())
    await once(silent, 'connect')
    expect(await get(port, certificates)).toMatch(REFUSED)
    await vi.waitFor(() => expect(socket.destroyed).toBe(true), PATIENCE)
    await vi.waitFor(async () => expect(await get(port, certificates)).toBe(200), PATIENCE)
  })

  test('more connections than API servers need are refused, which is said once', async () => {
    const { server, lines } = start()
    expect(server.server.maxConnections).toBe(2000)
    server.server.maxConnections = 1
    await server.listen({ host: '127.0.0.1', port: 0 })
    const { port } = server.server.address() as AddressInfo
    const agent = new Agent({ keepAlive: true })
    onTestFinished(() => agent.destroy())
    const options = { host: '127.0.0.1', servername: 'localhost', port, ca: certificates.caCert, agent }
    await new Promise((resolve, reject) => httpsRequest(options, (response) => resolve(response.resume().headers)).on('error', reject).end())
    expect(await get(port, certificates)).toMatch(REFUSED)
    expect(await get(port, certificates)).toMatch(REFUSED)
    expect(lines.filter((line) => line.startsWith('Connections are refused'))).toHaveLength(1)
  })
})
