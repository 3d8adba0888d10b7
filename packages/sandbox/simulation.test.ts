import { HOUR, MINUTE, SECOND } from '@vpa/core/time.ts'
import { expect, onTestFinished, test } from 'vitest'
import { fakeClock } from '../../test/support/fake-clock.ts'
import type { Pod } from './object.ts'
import { type Sandbox, type SandboxOptions, startSandbox } from './sandbox.ts'

const MB = 1_000_000
const RESOURCES = { requests: { cpu: '100m', memory: '100Mi' }, limits: { cpu: '200m', memory: '100Mi' } }

async function startedSandbox(options: SandboxOptions = {}) {
  const clock = fakeClock()
  const sandbox = await startSandbox({ clock, step: SECOND, ...options })
  onTestFinished(() => sandbox.stop())
  /** Each second of the simulation may take several turns of the event loop. */
  async function pass(duration: number): Promise<void> {
    for (let passed = 0; passed < duration; passed += SECOND) {
      await clock.advance(SECOND)
      await sandbox.settle()
    }
  }
  return { sandbox, clock, pass }
}

function template(resources: object = RESOURCES, rest: object = {}) {
  return { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'web', resources, ...rest }] } }
}

function deployment(replicas: number, rest: object = {}) {
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: 'default' }, spec: { replicas, selector: { matchLabels: { app: 'web' } }, template: template(), ...rest } }
}

const pods = (sandbox: Sandbox) => sandbox.list('Pod', 'default') as readonly Pod[]
const onlyPod = (sandbox: Sandbox) => pods(sandbox)[0]!
const container = (sandbox: Sandbox) => onlyPod(sandbox).status.containerStatuses![0]!

/** As the resize subresource writes it. */
async function resize(sandbox: Sandbox, resources: object): Promise<void> {
  const url = `${sandbox.url}/api/v1/namespaces/default/pods/${onlyPod(sandbox).metadata.name}/resize`
  const patch = [{ op: 'add', path: '/spec/containers/0/resources', value: resources }]
  const { status } = await fetch(url, { method: 'PATCH', headers: { 'content-type': 'application/json-patch+json' }, body: JSON.stringify(patch) })
  expect(status).toBe(200)
}

test('a container that exceeds its memory limit is OOMKilled, and restarts', async () => {
  const { sandbox, pass } = await startedSandbox()
  let memoryBytes = 50 * MB
  sandbox.load('default', { app: 'web' }, 'web', () => ({ cpuMillicores: 10, memoryBytes }))
  await sandbox.apply(deployment(1))
  await pass(2 * SECOND)
  expect(container(sandbox)).toMatchObject({ restartCount: 0, state: { running: {} } })
  memoryBytes = 200 * MB
  await pass(SECOND)
  expect(container(sandbox)).toMatchObject({ ready: false, restartCount: 0, state: { terminated: { reason: 'OOMKilled', exitCode: 137 } } })
  memoryBytes = 50 * MB
  await pass(SECOND)
  expect(container(sandbox)).toMatchObject({ ready: true, restartCount: 1, state: { running: {} }, lastState: { terminated: { reason: 'OOMKilled' } } })
})

test('a container that is killed again and again is restarted ever more slowly', async () => {
  const { sandbox, pass } = await startedSandbox()
  sandbox.load('default', { app: 'web' }, 'web', () => ({ cpuMillicores: 10, memoryBytes: 200 * MB }))
  await sandbox.apply(deployment(1))
  await pass(2 * MINUTE)
  expect(container(sandbox).restartCount).toBe(4)
})

test('a rollout starts the next pod before it stops the old one', async () => {
  const { sandbox, pass } = await startedSandbox()
  await sandbox.apply(deployment(1))
  await pass(2 * SECOND)
  const old = onlyPod(sandbox).metadata.name
  await sandbox.apply(deployment(1, { template: { ...template(), metadata: { labels: { app: 'web' }, annotations: { 'kubectl.kubernetes.io/restartedAt': 'now' } } } }))
  await sandbox.settle()
  expect(pods(sandbox).map(({ status }) => status.phase).toSorted()).toEqual(['Pending', 'Running'])
  await pass(3 * SECOND)
  expect(pods(sandbox)).toHaveLength(1)
  expect(onlyPod(sandbox).metadata.name).not.toBe(old)
})

test('strategy Recreate stops all pods before it starts the next', async () => {
  const { sandbox, pass } = await startedSandbox()
  const strategy = { type: 'Recreate' }
  await sandbox.apply(deployment(2, { strategy }))
  await pass(2 * SECOND)
  await sandbox.apply(deployment(2, { strategy, template: template({}) }))
  await sandbox.settle()
  expect(pods(sandbox).every(({ metadata }) => metadata.deletionTimestamp !== undefined)).toBe(true)
  await pass(4 * SECOND)
  expect(pods(sandbox).map(({ status, spec }) => [status.phase, spec.containers[0]?.resources])).toEqual([['Running', {}], ['Running', {}]])
})

test('a pod that no node has room for stays pending, and says so', async () => {
  const { sandbox, pass } = await startedSandbox({ node: { cpu: '2', memory: '1Gi' } })
  await sandbox.apply(deployment(1, { template: template({ requests: { cpu: '3' } }) }))
  await pass(3 * SECOND)
  expect(onlyPod(sandbox).status).toMatchObject({ phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }] })
})

test.for([
  ['more than the node has is infeasible', '3', { type: 'PodResizePending', reason: 'Infeasible', message: "Node didn't have enough capacity: cpu, requested: 3000, capacity: 2000" }],
  ['more than the node has left is deferred', '1900m', { type: 'PodResizePending', reason: 'Deferred', message: "Node didn't have enough resource: cpu, requested: 1900, used: 500, capacity: 2000" }],
] as const)('a resize to %s', async ([, cpu, condition]) => {
  const { sandbox, pass } = await startedSandbox({ node: { cpu: '2', memory: '8Gi' } })
  await sandbox.apply(deployment(1))
  await sandbox.settle()
  await sandbox.apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'z-neighbour', namespace: 'default' }, spec: { containers: [{ name: 'n', resources: { requests: { cpu: '500m' } } }] } })
  await pass(2 * SECOND)
  await resize(sandbox, { requests: { cpu, memory: '100Mi' }, limits: { cpu: '4', memory: '100Mi' } })
  await pass(3 * SECOND)
  expect(onlyPod(sandbox).status.conditions).toContainEqual(expect.objectContaining(condition))
  expect(container(sandbox).resources).toEqual(RESOURCES)
})

test('a resize restarts only the containers whose policy asks for it', async () => {
  const { sandbox, pass } = await startedSandbox()
  await sandbox.apply(deployment(1, { template: template(RESOURCES, { resizePolicy: [{ resourceName: 'memory', restartPolicy: 'RestartContainer' }] }) }))
  await pass(2 * SECOND)
  await resize(sandbox, { requests: { cpu: '150m', memory: '100Mi' }, limits: { cpu: '200m', memory: '100Mi' } })
  await pass(3 * SECOND)
  expect(container(sandbox)).toMatchObject({ restartCount: 0, resources: { requests: { cpu: '150m' } } })
  await resize(sandbox, { requests: { cpu: '150m', memory: '120Mi' }, limits: { cpu: '200m', memory: '120Mi' } })
  await pass(3 * SECOND)
  expect(container(sandbox)).toMatchObject({ restartCount: 1, resources: { requests: { memory: '120Mi' } } })
})

test('pods that a webhook keeps from being created come when it is gone', async () => {
  const { sandbox, pass } = await startedSandbox()
  const rules = [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }]
  const webhooks = [{ name: 'hook.example.com', clientConfig: { url: 'https://127.0.0.1:1/' }, failurePolicy: 'Fail', rules }]
  await sandbox.apply({ apiVersion: 'admissionregistration.k8s.io/v1', kind: 'MutatingWebhookConfiguration', metadata: { name: 'h' }, webhooks })
  await sandbox.apply(deployment(1))
  await pass(SECOND)
  expect(pods(sandbox)).toEqual([])
  expect(sandbox.list('Event').map(({ reason, message }) => [reason, message])).toContainEqual(['FailedCreate', expect.stringContaining('failed calling webhook "hook.example.com"')])
  sandbox.delete('MutatingWebhookConfiguration', { namespace: undefined, name: 'h' })
  await pass(2 * SECOND)
  expect(onlyPod(sandbox).status.phase).toBe('Running')
})

test('a Job is complete when its pods are', async () => {
  const { sandbox, pass } = await startedSandbox({ delays: { job: 10 * SECOND } })
  await sandbox.apply({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'j', namespace: 'default' }, spec: { completions: 2, template: { spec: { restartPolicy: 'Never', containers: [{ name: 'web' }] } } } })
  await pass(30 * SECOND)
  expect(pods(sandbox).map(({ status }) => status.phase)).toEqual(['Succeeded', 'Succeeded'])
  expect(sandbox.get('Job', { namespace: 'default', name: 'j' })?.status).toMatchObject({ succeeded: 2, conditions: [{ type: 'Complete', status: 'True' }] })
})

test('events are gone after an hour', async () => {
  const { sandbox, pass, clock } = await startedSandbox({ step: 10 * MINUTE })
  await sandbox.apply(deployment(1))
  await pass(2 * SECOND)
  expect(sandbox.list('Event').length).toBeGreaterThan(0)
  await clock.advance(HOUR + 10 * MINUTE)
  await sandbox.settle()
  expect(sandbox.list('Event')).toEqual([])
})

test('the same seed gives the same names', async () => {
  const [first, second] = [await startedSandbox({ seed: 7 }), await startedSandbox({ seed: 7 })]
  for (const { sandbox, pass } of [first, second]) {
    await sandbox.apply(deployment(3))
    await pass(2 * SECOND)
  }
  expect(pods(first.sandbox).map(({ metadata }) => metadata.name)).toEqual(pods(second.sandbox).map(({ metadata }) => metadata.name))
})

test('usage is measured at its resolution, not at each request', async () => {
  const { sandbox, clock, pass } = await startedSandbox({ metricResolution: 15 * SECOND })
  sandbox.load('default', { app: 'web' }, 'web', (at) => ({ cpuMillicores: (at - Date.UTC(2026, 2, 1)) / 1000, memoryBytes: 50 * MB }))
  await sandbox.apply(deployment(1))
  await pass(16 * SECOND)
  const metrics = async () => (await (await fetch(`${sandbox.url}/apis/metrics.k8s.io/v1beta1/pods`)).json()) as { items: { timestamp: string; containers: object[] }[] }
  const first = await metrics()
  expect(first.items).toMatchObject([{ timestamp: '2026-03-01T00:00:15Z', window: '15s', containers: [{ name: 'web', usage: { cpu: '15m', memory: '50000000' } }] }])
  await clock.advance(10 * SECOND)
  expect(await metrics()).toEqual(first)
})
