import type { Sandbox } from '@vpa/sandbox/sandbox.ts'
import { describe, expect, test } from 'vitest'
import { obstaclesIn } from '../../test/support/obstacles.ts'
import { KONG, addVpa, conditionsOf, scene, targetOf } from '../../test/support/recommender-scene.ts'

function eventsOf(sandbox: Sandbox, name = 'web'): readonly string[] {
  const isOurs = (involved: { kind?: string; name?: string }) => involved.kind === 'VerticalPodAutoscaler' && involved.name === name
  return sandbox.list('Event').filter((event) => isOurs(event['involvedObject'] as object)).map((event) => `${event['type']} ${event['reason']}: ${event['message']}`)
}

async function setStatus(sandbox: Sandbox, path: string, status: object): Promise<void> {
  const response = await fetch(`${sandbox.url}${path}/status`, { method: 'PATCH', headers: { 'content-type': 'application/merge-patch+json' }, body: JSON.stringify({ status }) })
  if (!response.ok) throw new Error(await response.text())
}

test.for(obstaclesIn('default'))('%s is told by a condition and one event', async ([, { objects, policy, condition, message }]) => {
  const { sandbox, run } = await scene()
  for (const object of objects) await sandbox.apply(object)
  if (condition === 'LimitedByQuota') await setStatus(sandbox, '/api/v1/namespaces/default/resourcequotas/team', { hard: { 'requests.cpu': '1' }, used: { 'requests.cpu': '100m' } })
  await addVpa(sandbox, 'web', { resourcePolicy: { containerPolicies: [{ containerName: '*', ...policy }] } })
  await run(4)
  expect(conditionsOf(sandbox).filter((each) => !each.startsWith('RecommendationProvided'))).toEqual([expect.stringContaining(`${condition}=True ${message}`)])
  await expect.poll(() => eventsOf(sandbox)).toEqual([expect.stringContaining(`Warning ${condition}: ${message}`)])
})

test('a condition goes with its cause', async () => {
  const { sandbox, run } = await scene()
  await addVpa(sandbox, 'a', { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } })
  await run(2)
  expect(conditionsOf(sandbox)).toHaveLength(2)
  expect(conditionsOf(sandbox, 'a')).toEqual(['RecommendationProvided=True'])
  sandbox.delete('VerticalPodAutoscaler', { namespace: 'default', name: 'a' })
  await run(1)
  expect(conditionsOf(sandbox)).toEqual(['RecommendationProvided=True'])
})

test('with --explain-conditions=false, conditions are those of the Go implementation, and the dashboard shows no more', async () => {
  const { sandbox, run, dashboard } = await scene('--explain-conditions=false')
  await addVpa(sandbox, 'a', { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } })
  sandbox.faults.respond({ path: /metrics\.k8s\.io/, status: 503, times: 1000 })
  await run(2)
  expect(conditionsOf(sandbox)).toEqual(['RecommendationProvided=True'])
  expect(await dashboard.view('default', 'web')).toMatchObject({ conditions: [{ type: 'RecommendationProvided' }], hindrances: [] })
})

describe('a container that was never seen', () => {
  test('gets the minimum, and a condition that says so, without an event', async () => {
    const { sandbox, run } = await scene()
    sandbox.faults.respond({ path: /metrics\.k8s\.io/, status: 503, times: 2 })
    await run(2)
    expect(conditionsOf(sandbox)).toEqual([
      'LowConfidence=True No CPU usage has been seen yet of app: the recommendation is the least that a pod gets, not what it needs.',
      'RecommendationProvided=True',
    ])
    expect(targetOf(sandbox)).toEqual({ cpu: '25m', memory: '250Mi' })
    await run(1)
    expect(conditionsOf(sandbox)).toEqual(['RecommendationProvided=True'])
    expect(eventsOf(sandbox)).toEqual([])
  })

  test('gets nothing with --min-samples, until it has as many', async () => {
    const { sandbox, run } = await scene('--min-samples=5')
    await run(4)
    expect(targetOf(sandbox)).toBeUndefined()
    expect(conditionsOf(sandbox)).toEqual([
      'LowConfidence=True Nothing is recommended for a container with fewer than 5 samples of CPU usage: app has 4.',
      'RecommendationProvided=False',
    ])
    await run(1)
    expect(targetOf(sandbox)?.cpu).toBe('548m')
  })
})

test('with a dead band, a target that hardly changes is not written', async () => {
  const { sandbox, run } = await scene('--recommendation-dead-band=0.1')
  // The bounds are pinned: they would draw closer by more than a tenth in the first hours.
  await addVpa(sandbox, 'web', { resourcePolicy: { containerPolicies: [{ containerName: '*', minAllowed: { cpu: '540m', memory: '540M' }, maxAllowed: { cpu: '800m', memory: '800M' } }] } })
  await run(10)
  const version = () => sandbox.get('VerticalPodAutoscaler', { namespace: 'default', name: 'web' })?.metadata.resourceVersion
  const before = version()
  expect(targetOf(sandbox)?.cpu).toBe('548m')
  sandbox.load('default', { app: 'web' }, 'app', () => ({ ...KONG, cpuMillicores: 500 }))
  await run(20)
  expect(version()).toBe(before)
  sandbox.load('default', { app: 'web' }, 'app', () => ({ ...KONG, cpuMillicores: 690 }))
  await run(10)
  expect(targetOf(sandbox)?.cpu).toBe('800m')
})
