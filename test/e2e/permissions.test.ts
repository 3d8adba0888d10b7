import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '@vpa/kube/client.ts'
import { systemClock } from '@vpa/kube/clock.ts'
import { openClient } from '@vpa/kube/connect.ts'
import { readLease } from '@vpa/kube/lease.ts'
import { LEASES, objectPath } from '@vpa/kube/resources.ts'
import { type Secret, readSecret, writeSecret } from '@vpa/kube/secret.ts'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Api } from '../../hack/demo/api.ts'
import { openClusterOf } from '../../hack/demo/current-cluster.ts'
import type { DemoCluster } from '../../hack/demo/demo-cluster.ts'
import { freePort } from '../../hack/demo/free-port.ts'
import type { ProgramName } from '../../hack/program-names.ts'
import { Program } from '../support/program.ts'
import { type AuditedRequest, auditedRequests, needs } from './audit-log.ts'
import { deleteAll, forgetAdmissionController, kubeconfig } from './control-plane.ts'
import { PermissionsWorkloads } from './permissions-workloads.ts'
import { type Permission, type Role, permissionText, rolesOf, ruleOf } from './role.ts'

/**
 * Every feature at work on a real API server that enforces the roles. A role that lacks a permission has a request refused; one that has a
 * permission too many can do without it, and no request is refused when it is taken away.
 */
const ACCOUNTS = ['vpa-recommender', 'vpa-updater', 'vpa-admission-controller']
const SECRET = { namespace: 'kube-system', name: 'vpa-tls-certs' }
/** Of the two recommenders and the updater. */
const LEADER_LEASES = ['vpa-recommender', 'vpa-recommender-lease', 'vpa-updater']
/** Granted besides, for a flag that asks an API which this cluster does not serve; who may ask is decided all the same. */
const EXTERNAL_METRICS = 'external-metrics.yaml'
const PATIENCE_MS = 120_000
const ROLE_PATIENCE_MS = 10_000

let cluster: DemoCluster
let client: Client
let workloads: PermissionsWorkloads
let roles: readonly Role[]
/** Requests of tests that ran before: not all under these roles. */
let earlier = 0
/** What the features asked for. */
let requests: readonly AuditedRequest[]
let secret: Secret | undefined
const programs: Program[] = []

beforeAll(async () => {
  const api = await Api.open(kubeconfig)
  cluster = await openClusterOf(api, kubeconfig)
  await api.createAll(new URL(`../../manifests/${EXTERNAL_METRICS}`, import.meta.url))
  client = await openClient({ kubeconfig, source: 'e2e', qps: 0, burst: 0, clock: systemClock, registry: new Registry() })
  workloads = new PermissionsWorkloads(client, 'permissions')
  roles = await rolesOf('rbac.yaml', EXTERNAL_METRICS)
  await forgetAdmissionController(client)
  await forgetLeaders()
  earlier = (await auditedRequests()).length
  await workloads.create()
  await workAll()
}, 400_000)

afterAll(async () => {
  await Promise.all(programs.map((program) => program.stop()))
  await forgetAdmissionController(client)
  await workloads.delete()
  await forgetLeaders()
  await client.close()
  await cluster.close()
})

/** Who finds a lease needs no right to make one; and whoever installs the programs next expects none. */
async function forgetLeaders(): Promise<void> {
  await deleteAll(client, LEADER_LEASES.map((name) => objectPath(LEASES, { namespace: 'kube-system', name })))
}

/** Resolves when each feature has done its work, or two minutes have passed, and the programs have ended. */
async function workAll(): Promise<void> {
  const election = ['--leader-elect', '--leader-elect-lease-duration=3s', '--leader-elect-renew-deadline=2s', '--leader-elect-retry-period=500ms']
  start('recommender', '--recommender-interval=1s', '--memory-saver', '--checkpoints-gc-interval=2s', '--humanize-memory', ...election)
  start('recommender', '--recommender-interval=1s', '--recommender-name=other', '--leader-elect-resource-name=vpa-recommender', '--use-external-metrics', '--external-metrics-cpu-metric=cpu-usage', ...election)
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
  const spoilt = await readSecret(client, SECRET)
  await writeSecret(client, { ...spoilt, ...SECRET, data: { ...spoilt?.data, 'serverCert.pem': '' } })

  await until('all permissions are used', async () => unusedIn(await requestsSoFar()).length === 0).catch(() => {})
  requests = await requestsSoFar()
  secret = await readSecret(client, SECRET)
  await Promise.all(programs.map((program) => program.stop()))
}

function start(name: ProgramName, ...flags: string[]): Program {
  const program = new Program(name, cluster.programs[name], ['--v=5', '--feature-gates=AllAlpha=true', ...flags])
  programs.push(program)
  return program
}

async function requestsSoFar(): Promise<readonly AuditedRequest[]> {
  return (await auditedRequests()).slice(earlier)
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; !(await holds()); await sleep(250)) if (Date.now() > end) throw new Error(`not within ${PATIENCE_MS / 1000} s: ${what}`)
}

/** Whether it becomes true: the API server hears of its own roles by a watch. */
async function isSoon(holds: () => Promise<boolean>): Promise<boolean> {
  for (const end = Date.now() + ROLE_PATIENCE_MS; !(await holds()); await sleep(20)) if (Date.now() > end) return false
  return true
}

interface Grant {
  readonly role: Role
  readonly account: string
  readonly permission: Permission
}

function grants(): readonly Grant[] {
  return roles.flatMap((role) => role.accounts.flatMap((account) => role.permissions.map((permission) => ({ role, account, permission }))))
}

function grantText({ account, permission }: Grant): string {
  return `${account}: ${permissionText(permission)}`
}

function requestThatNeeds({ account, permission }: Grant, some = requests): AuditedRequest | undefined {
  return some.find((request) => request.account === account && needs(request, permission))
}

function unusedIn(some: readonly AuditedRequest[]): readonly string[] {
  return grants().filter((grant) => requestThatNeeds(grant, some) === undefined).map(grantText)
}

/** Whether the roles, as they are now, let the account send such a request. */
async function isAllowed({ account, verb, group, resource, namespace, name }: Omit<AuditedRequest, 'uri' | 'forbidden'>): Promise<boolean> {
  const [kind, subresource] = resource.split('/')
  const resourceAttributes = { verb, group, resource: kind, namespace, name, ...(subresource !== undefined && { subresource }) }
  const body = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec: { user: `system:serviceaccount:kube-system:${account}`, resourceAttributes } }
  return (await client.request<{ status: { allowed: boolean } }>({ method: 'POST', path: '/apis/authorization.k8s.io/v1/subjectaccessreviews', body })).status.allowed
}

async function allow({ path }: Role, permissions: readonly Permission[]): Promise<void> {
  await client.request({ method: 'PATCH', path, patch: 'merge', body: { rules: permissions.map(ruleOf) } })
}

test('each program may do what all of its features need', () => {
  expect(requests.filter(({ forbidden }) => forbidden).map(({ account, verb, uri }) => `${account}: ${verb} ${uri}`)).toEqual([])
})

test('each permission is needed by some feature', () => {
  expect(unusedIn(requests)).toEqual([])
})

test('without any one of the permissions, a request that a feature has sent would be refused', { timeout: 300_000 }, async () => {
  const notMissed: string[] = []
  for (const role of roles) {
    try {
      for (const permission of role.permissions) {
        await allow(role, role.permissions.filter((other) => other !== permission))
        for (const account of role.accounts) {
          const grant = { role, account, permission }
          const request = requestThatNeeds(grant)
          if (request === undefined || !(await isSoon(async () => !(await isAllowed(request))))) notMissed.push(grantText(grant))
        }
      }
    } finally {
      // Tests of other files have this role, too.
      await allow(role, role.permissions)
    }
    const sent = grants().flatMap((grant) => (grant.role === role ? (requestThatNeeds(grant) ?? []) : []))
    for (const request of sent) expect(await isSoon(() => isAllowed(request)), `${request.account} may ${request.verb} ${request.uri} again`).toBe(true)
  }
  expect(notMissed).toEqual([])
})

test('no secret gets into a log', async () => {
  const log = programs.flatMap(({ lines }) => lines.map((line) => JSON.stringify(line))).join('\n')
  const tokens = await Promise.all(Object.values(cluster.programs).map(async (path) => /token: (\S+)/.exec(await readFile(path, 'utf8'))?.[1] ?? ''))
  const keys = ['caKey.pem', 'serverKey.pem'].map((file) => secret?.data[file]?.split('\n')[1] ?? '')
  // The programs have logged; how much depends on how long the features took.
  expect(programs.map(({ lines }) => lines.length > 0)).toEqual(programs.map(() => true))
  for (const hidden of [...tokens, ...keys]) {
    expect(hidden.length).toBeGreaterThan(30)
    expect(log.includes(hidden)).toBe(false)
  }
  expect(log).not.toMatch(/PRIVATE KEY|Bearer [\w-]{20}/)
})

test.for(ACCOUNTS)('%s can read no Secret, but the admission controller its own', async (account) => {
  const isReadable = (verb: string, name = '') => isAllowed({ account, verb, group: '', resource: 'secrets', namespace: 'kube-system', name })
  expect([await isReadable('get'), await isReadable('list'), await isReadable('watch'), await isReadable('get', 'another')]).toEqual([false, false, false, false])
  expect(await isReadable('get', SECRET.name)).toBe(account === 'vpa-admission-controller')
})
