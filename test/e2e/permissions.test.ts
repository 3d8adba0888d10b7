import { setTimeout as sleep } from 'node:timers/promises'
import { isConflict } from '@vpa/kube/api-error.ts'
import type { Client } from '@vpa/kube/client.ts'
import { systemClock } from '@vpa/kube/clock.ts'
import { openClient } from '@vpa/kube/connect.ts'
import { readLease } from '@vpa/kube/lease.ts'
import { LEASES, objectPath } from '@vpa/kube/resources.ts'
import { readSecret, writeSecret } from '@vpa/kube/secret.ts'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readFile } from 'node:fs/promises'
import { Api } from '../../hack/demo/api.ts'
import { openClusterOf } from '../../hack/demo/current-cluster.ts'
import type { DemoCluster } from '../../hack/demo/demo-cluster.ts'
import { freePort } from '../../hack/demo/free-port.ts'
import type { ProgramName } from '../../hack/program-names.ts'
import { Program } from '../support/program.ts'
import { type AuditedRequest, auditedRequests, needs } from './audit-log.ts'
import { deleteAll, forgetAdmissionController, kubeconfig } from './control-plane.ts'
import { permissionText, permissionsByAccount } from './role.ts'

const NAMESPACE = 'permissions'
const ACCOUNTS = ['vpa-recommender', 'vpa-updater', 'vpa-admission-controller']
const SECRET = { namespace: 'kube-system', name: 'vpa-tls-certs' }
/** Of the two recommenders and the updater. */
const LEADER_LEASES = ['vpa-recommender', 'vpa-recommender-lease', 'vpa-updater']
const PATIENCE_MS = 120_000

let cluster: DemoCluster
let client: Client
/** Requests of tests that ran before: not all under these roles. */
let earlier = 0
const programs: Program[] = []

beforeAll(async () => {
  cluster = await openClusterOf(await Api.open(kubeconfig), kubeconfig)
  client = await openClient({ kubeconfig, source: 'e2e', qps: 0, burst: 0, clock: systemClock, registry: new Registry() })
  await forgetAdmissionController(client)
  await forgetLeaders()
  earlier = (await auditedRequests()).length
  await create('/api/v1/namespaces', { metadata: { name: NAMESPACE } })
})

afterAll(async () => {
  await Promise.all(programs.map((program) => program.stop()))
  await forgetAdmissionController(client)
  await client.request({ method: 'DELETE', path: `/api/v1/namespaces/${NAMESPACE}` })
  await client.request({ method: 'DELETE', path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/fleets.permissions.test' }).catch(() => {})
  await forgetLeaders()
  await client.close()
  await cluster.close()
})

/** Who finds a lease needs no right to make one; and whoever installs the programs next expects none. */
async function forgetLeaders(): Promise<void> {
  await deleteAll(client, LEADER_LEASES.map((name) => objectPath(LEASES, { namespace: 'kube-system', name })))
}

async function create(path: string, body: object): Promise<void> {
  await client.request({ method: 'POST', path, body }).catch((error: unknown) => {
    if (!isConflict(error)) throw error
  })
}

function start(name: ProgramName, ...flags: string[]): Program {
  const program = new Program(name, cluster.programs[name], ['--v=5', '--feature-gates=AllAlpha=true', ...flags])
  programs.push(program)
  return program
}

async function workload(name: string, millicores: number, updateMode: string): Promise<void> {
  const labels = { app: name }
  const container = { name: 'app', image: 'none', resources: { requests: { cpu: '50m', memory: '50Mi' } } }
  const template = { metadata: { labels, annotations: { 'kwok.x-k8s.io/usage-cpu': '50m', 'kwok.x-k8s.io/usage-memory': '50Mi' } }, spec: { terminationGracePeriodSeconds: 0, containers: [container] } }
  await create(`/apis/apps/v1/namespaces/${NAMESPACE}/deployments`, { metadata: { name }, spec: { replicas: 2, selector: { matchLabels: labels }, template } })
  const bound = { cpu: `${millicores}m`, memory: '100Mi' }
  await vpa(name, { kind: 'Deployment', name, apiVersion: 'apps/v1' }, { updatePolicy: { updateMode }, resourcePolicy: { containerPolicies: [{ containerName: '*', minAllowed: bound, maxAllowed: bound }] } })
}

async function vpa(name: string, targetRef: object, spec: object = {}): Promise<void> {
  await create(`/apis/autoscaling.k8s.io/v1/namespaces/${NAMESPACE}/verticalpodautoscalers`, { apiVersion: 'autoscaling.k8s.io/v1', kind: 'VerticalPodAutoscaler', metadata: { name }, spec: { targetRef, ...spec } })
}

/** A kind of its own with a scale subresource. */
async function fleet(): Promise<void> {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
  const subresources = { scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.status.selector' } }
  const names = { kind: 'Fleet', plural: 'fleets', singular: 'fleet' }
  await create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    metadata: { name: 'fleets.permissions.test' },
    spec: { group: 'permissions.test', scope: 'Namespaced', names, versions: [{ name: 'v1', served: true, storage: true, schema, subresources }] },
  })
  for (let tries = 0; ; tries += 1) {
    try {
      await create(`/apis/permissions.test/v1/namespaces/${NAMESPACE}/fleets`, { apiVersion: 'permissions.test/v1', kind: 'Fleet', metadata: { name: 'fleet' }, spec: { replicas: 1 }, status: { selector: 'app=fleet', replicas: 1 } })
      break
    } catch (error) {
      if (tries === 50) throw error
      await sleep(200)
    }
  }
  await vpa('fleet', { apiVersion: 'permissions.test/v1', kind: 'Fleet', name: 'fleet' })
}

async function requestsSoFar(): Promise<readonly AuditedRequest[]> {
  return (await auditedRequests()).slice(earlier)
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; !(await holds()); await sleep(250)) if (Date.now() > end) throw new Error(`not within ${PATIENCE_MS / 1000} s: ${what}`)
}

/** Permissions that nothing has needed so far. */
async function unused(): Promise<readonly string[]> {
  const requests = await requestsSoFar()
  const permissions = [...(await permissionsByAccount())]
  return permissions.flatMap(([account, granted]) => granted.filter((permission) => !requests.some((request) => request.account === account && needs(request, permission))).map((permission) => `${account}: ${permissionText(permission)}`))
}

/**
 * Every feature at work on a real API server that enforces the roles. A role without one of its permissions would have had the request
 * refused that needs it: so one that no request needs is superfluous, and a request that is refused lacks one.
 */
test('each program may do what all of its features need, and nothing else; no secret gets into a log', { timeout: 400_000 }, async () => {
  await fleet()
  await workload('evicted', 300, 'Recreate')
  await workload('resized', 300, 'InPlaceOrRecreate')
  await workload('boosted', 300, 'Initial')
  // Two for one target, of which the recommender tells by an event.
  await vpa('rival', { apiVersion: 'apps/v1', kind: 'Deployment', name: 'evicted' })
  await create(`/apis/autoscaling.k8s.io/v1/namespaces/${NAMESPACE}/verticalpodautoscalercheckpoints`, { apiVersion: 'autoscaling.k8s.io/v1', kind: 'VerticalPodAutoscalerCheckpoint', metadata: { name: 'orphan-app' }, spec: { vpaObjectName: 'orphan', containerName: 'app' } })

  const election = ['--leader-elect', '--leader-elect-lease-duration=3s', '--leader-elect-renew-deadline=2s', '--leader-elect-retry-period=500ms']
  start('recommender', '--recommender-interval=1s', '--memory-saver', '--checkpoints-gc-interval=2s', '--humanize-memory', ...election)
  start('recommender', '--recommender-interval=1s', '--recommender-name=other', '--leader-elect-resource-name=vpa-recommender', ...election)
  const lives = ['--updater-interval=1s', '--outcome-back-off-base=1s', '--outcome-back-off-cap=2s', '--in-place-skip-disruption-budget']
  // Evicts although nobody changes new pods, and tells so by a condition.
  const blind = start('updater', ...lives, '--use-admission-controller-status=false')
  await until('condition ApplyFailed', async () => (await requestsSoFar()).some(({ account, resource }) => account === 'vpa-updater' && resource === 'verticalpodautoscalers/status'))
  await blind.stop()
  const port = await freePort()
  start('admission-controller', `--port=${port}`, '--register-by-url', '--webhook-address=https://127.0.0.1', `--webhook-port=${port}`, '--shutdown-delay=0s', '--status-lease-update-interval=1s')
  start('updater', ...lives, ...election)
  await until('a sign of life of the admission controller', async () => (await readLease(client, { namespace: 'kube-system', name: 'vpa-admission-controller' })) !== undefined)
  // Somebody spoils the registration and the certificate.
  await client.request({ method: 'PATCH', path: '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/vpa-webhook-config', body: [{ op: 'replace', path: '/webhooks/0/timeoutSeconds', value: 29 }] })
  const secret = await readSecret(client, SECRET)
  await writeSecret(client, { ...secret, ...SECRET, data: { ...secret?.data, 'serverCert.pem': '' } })

  await until('all permissions are used', async () => (await unused()).length === 0).catch(() => {})
  const requests = await requestsSoFar()
  expect(requests.filter(({ forbidden }) => forbidden).map(({ account, verb, uri }) => `${account}: ${verb} ${uri}`)).toEqual([])
  expect(await unused()).toEqual([])

  const log = programs.flatMap(({ lines }) => lines.map((line) => JSON.stringify(line))).join('\n')
  const tokens = await Promise.all(Object.values(cluster.programs).map(async (path) => /token: (\S+)/.exec(await readFile(path, 'utf8'))?.[1] ?? ''))
  const { data = {} } = (await readSecret(client, SECRET)) ?? {}
  const keys = [data['caKey.pem'], data['serverKey.pem']].map((pem) => pem?.split('\n')[1] ?? '')
  // The programs have logged; how much depends on how long the features took.
  expect(programs.map(({ lines }) => lines.length > 0)).toEqual(programs.map(() => true))
  for (const hidden of [...tokens, ...keys]) {
    expect(hidden.length).toBeGreaterThan(30)
    expect(log.includes(hidden)).toBe(false)
  }
  expect(log).not.toMatch(/PRIVATE KEY|Bearer [\w-]{20}/)
})

test.for(ACCOUNTS)('%s can read no Secret, but the admission controller its own', async (account) => {
  const allowed = async (verb: string, name?: string) => {
    const resourceAttributes = { verb, resource: 'secrets', namespace: 'kube-system', ...(name && { name }) }
    const body = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec: { user: `system:serviceaccount:kube-system:${account}`, resourceAttributes } }
    return (await client.request<{ status: { allowed: boolean } }>({ method: 'POST', path: '/apis/authorization.k8s.io/v1/subjectaccessreviews', body })).status.allowed
  }
  expect([await allowed('get'), await allowed('list'), await allowed('watch'), await allowed('get', 'another')]).toEqual([false, false, false, false])
  expect(await allowed('get', SECRET.name)).toBe(account === 'vpa-admission-controller')
})
