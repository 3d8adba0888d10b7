import { DAY, HOUR, MINUTE } from '@vpa/core/time.ts'
import type { ContainerUsage } from '@vpa/kube/cluster.ts'
import type { Sandbox } from '@vpa/sandbox/sandbox.ts'
import { describe, expect, test } from 'vitest'
import { addDeployment, addVpa, checkpointNames, conditionsOf, hungryScene, scene, startRecommender, statusOf, targetOf } from '../../test/support/recommender-scene.ts'

test('usage becomes a recommendation within the policy, and a checkpoint', async () => {
  const { sandbox, run } = await scene()
  await addVpa(sandbox, 'web', { resourcePolicy: { containerPolicies: [{ containerName: '*', minAllowed: { cpu: '200m', memory: '300Mi' }, maxAllowed: { cpu: '2', memory: '2Gi' } }] } })
  await run(60)
  expect(conditionsOf(sandbox)).toEqual(['RecommendationProvided=True'])
  expect(statusOf(sandbox)?.recommendation?.containerRecommendations).toEqual([
    {
      containerName: 'app',
      target: { cpu: '548m', memory: '548861636' },
      lowerBound: { cpu: '522m', memory: expect.stringMatching(/^52\d{7}$/) },
      upperBound: { cpu: '2', memory: '2Gi' },
      uncappedTarget: { cpu: '548m', memory: '548861636' },
    },
  ])
  expect(sandbox.list('VerticalPodAutoscalerCheckpoint')).toMatchObject([
    { metadata: { name: 'web-app' }, spec: { vpaObjectName: 'web', containerName: 'app' }, status: { version: 'v3', cpuHistogram: { bucketWeights: { 24: 10_000 } } } },
  ])
})

test('a status is written when it changes, not otherwise', async () => {
  const { sandbox, run } = await scene()
  await addVpa(sandbox, 'web', { resourcePolicy: { containerPolicies: [{ containerName: '*', minAllowed: { cpu: '1', memory: '1Gi' }, maxAllowed: { cpu: '1', memory: '1Gi' } }] } })
  await run(3)
  const version = () => sandbox.get('VerticalPodAutoscaler', { namespace: 'default', name: 'web' })?.metadata.resourceVersion
  const before = version()
  await run(3)
  expect(version()).toBe(before)
  await addVpa(sandbox, 'web', { resourcePolicy: { containerPolicies: [{ containerName: '*', maxAllowed: { cpu: '500m' } }] } })
  await run(1)
  expect(targetOf(sandbox)?.cpu).toBe('500m')
})

test('history outlives the recommender', async () => {
  const { sandbox, clock, run } = await scene()
  await run(30)
  const samples = () => (sandbox.list('VerticalPodAutoscalerCheckpoint')[0]?.status as { totalSamplesCount?: number } | undefined)?.totalSamplesCount
  const before = samples()
  const upperBound = () => statusOf(sandbox)?.recommendation?.containerRecommendations?.[0]?.upperBound.cpu
  const boundBefore = upperBound()
  const restarted = await startRecommender(sandbox, clock)
  await restarted.run(1)
  expect(samples()).toBe(before! + 1)
  expect(Number.parseInt(upperBound()!)).toBeLessThan(Number.parseInt(boundBefore!))
})

describe('nothing that fails holds up the rest:', () => {
  test('a status that cannot be written', async () => {
    const { sandbox, run, messages } = await scene()
    await addDeployment(sandbox, 'other')
    await addVpa(sandbox, 'other')
    sandbox.faults.respond({ method: 'PATCH', path: /verticalpodautoscalers\/web\/status$/, status: 500, times: 1000 })
    await run(3)
    expect(targetOf(sandbox, 'other')).toBeDefined()
    expect(targetOf(sandbox)).toBeUndefined()
    expect(messages).toContain('Cannot update VPA')
  })

  test('a metrics API that does not answer', async () => {
    const { sandbox, run, messages, registry } = await scene()
    await run(3)
    const before = targetOf(sandbox)
    sandbox.faults.respond({ path: /metrics\.k8s\.io/, status: 503, times: 1000 })
    await run(1)
    expect(targetOf(sandbox)).toEqual(before)
    expect(messages).toContain('Cannot get ContainerMetricsSnapshot from MetricsClient')
    expect(await registry.metrics()).toContain('vpa_recommender_metric_server_responses{is_error="true",client_name="default-metrics-client"} 1')
  })

  test('a checkpoint of another version', async () => {
    const { sandbox, run, messages } = await scene()
    await sandbox.apply({
      apiVersion: 'autoscaling.k8s.io/v1',
      kind: 'VerticalPodAutoscalerCheckpoint',
      metadata: { namespace: 'default', name: 'web-app' },
      spec: { vpaObjectName: 'web', containerName: 'app' },
      status: { version: 'v2' },
    })
    await run(3)
    expect(messages).toContain('Error while loading checkpoint')
    expect(targetOf(sandbox)).toBeDefined()
  })
})

test('a defect of ours while samples are added is not told of as one of the metrics API, which has answered', async () => {
  const { sandbox, clock } = await scene()
  const { turn, messages, registry } = await startRecommender(sandbox, clock, [], { usage: async () => [undefined as unknown as ContainerUsage] })
  await expect(turn()).rejects.toThrow(TypeError)
  expect(messages).not.toContain('Cannot get ContainerMetricsSnapshot from MetricsClient')
  expect((await registry.metrics()).match(/^vpa_recommender_metric_server_responses\{.*/gm)).toEqual(['vpa_recommender_metric_server_responses{is_error="false",client_name="default-metrics-client"} 1'])
})

test('a container that is killed for want of memory gets more', async () => {
  const { sandbox, run, messages } = await hungryScene(400)
  await run(5)
  expect(messages).toContain('OOM detected')
  // It requested 200 MiB and is taken to need 300 MiB: the bucket up to 330 659 541 bytes, with a margin of 15 %.
  expect(targetOf(sandbox, 'hungry')?.memory).toBe('380258472')
})

/** @param usage of each of the containers, by name */
function evictionOf(podName: string, containers: readonly string[], usage: string) {
  const all = (entry: string) => containers.map(() => entry).join()
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { namespace: 'default', name: `${podName}.1`, annotations: { offending_containers: containers.join(), offending_containers_usage: all(usage), starved_resource: all('memory') } },
    involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: podName },
    reason: 'Evicted',
    message: 'The node was low on resource: memory.',
  }
}

test('an event of an eviction that names thousands of containers pushes out no OOM, and is told of in a few words', async () => {
  const { sandbox, clock, run, turn, use, lines } = await hungryScene(200)
  await run(3)
  use(400)
  await clock.advance(MINUTE)
  await sandbox.apply(evictionOf('nobody', Array.from({ length: 6000 }, () => 'a'), '1'))
  await turn()
  const told = (message: string) => lines.filter((line) => line.message === message).length
  expect(told('OOM detected')).toBeGreaterThan(0)
  expect(told('An event of an eviction names more containers than a pod has: only the first are looked at')).toBe(1)
  expect(told('Failed to record OOM')).toBe(1)
})

test('a pod that was evicted for want of memory counts as an OOM, once', async () => {
  const { sandbox, run, messages } = await scene()
  await run(3)
  const event = evictionOf(sandbox.list('Pod')[0]!.metadata.name, ['app'], '1Gi')
  await sandbox.apply(event)
  await run(1)
  await sandbox.apply({ ...event, count: 2 })
  await run(1)
  expect(messages.filter((message) => message === 'OOM detected')).toHaveLength(1)
  // It is taken to need 20 % more than it used.
  expect(Number(targetOf(sandbox)?.memory)).toBeGreaterThan(1.2 * 2 ** 30)
})

describe('conditions', () => {
  test('a target that does not exist', async () => {
    const { sandbox, run } = await scene()
    await addVpa(sandbox, 'ghost')
    await run(1)
    expect(conditionsOf(sandbox, 'ghost')).toEqual([
      'ConfigUnsupported=True Cannot read targetRef. Reason: Deployment default/ghost does not exist',
      'NoPodsMatched=True No pods match this VPA object',
      'RecommendationProvided=False No pods match this VPA object',
    ])
  })

  test('a target that appears later', async () => {
    const { sandbox, run } = await scene()
    await addVpa(sandbox, 'late')
    await run(1)
    await addDeployment(sandbox, 'late')
    await run(3)
    expect(conditionsOf(sandbox, 'late')).toEqual(['RecommendationProvided=True'])
  })
})

test.for([
  ['not obeyed while the gate is off, and users are told', [], ['OOMBumpUpRatio', 'MemoryAggregationIntervalCount']],
  ['obeyed with the gate', ['--feature-gates=PerVPAConfig=true'], []],
] as const)('fields of a policy that need a gate are %s', async ([, flags, expected]) => {
  const { sandbox, run, lines } = await scene(...flags)
  await addVpa(sandbox, 'web', { resourcePolicy: { containerPolicies: [{ containerName: '*', oomBumpUpRatio: '2', memoryAggregationIntervalCount: 3 }] } })
  await run(3)
  expect(lines.filter(({ message }) => message.includes('feature gate PerVPAConfig is off')).map(({ fields }) => fields)).toEqual(
    expected.map((field) => ({ vpa: 'default/web', container: '*', field })),
  )
})

test('where the resources of containers are read from is counted', async () => {
  const { run, registry } = await scene()
  await run(3)
  expect(await registry.metrics()).toContain('vpa_resources_get_resources_count{source="Pod.Status.ContainerStatuses"} 3\n')
})

test('a recommender with a name leaves the others alone', async () => {
  const { sandbox, run } = await scene('--recommender-name=mine')
  await addDeployment(sandbox, 'named')
  await addVpa(sandbox, 'named', { recommenders: [{ name: 'mine' }] })
  await run(3)
  expect(targetOf(sandbox, 'named')).toBeDefined()
  expect(statusOf(sandbox)).toBeUndefined()
})

test.for([
  ['of all pods', [], 2],
  ['only of those that a VPA matches, to save memory', ['--memory-saver'], 1],
] as const)('history is kept %s', async ([, flags, expected]) => {
  const { sandbox, run, registry } = await scene(...flags)
  await addDeployment(sandbox, 'nobodys')
  await run(3)
  expect(await registry.metrics()).toContain(`vpa_recommender_aggregate_container_states_count ${expected}\n`)
})

/** Its pod has two containers, which end after a minute. */
function addJob(sandbox: Sandbox, app: string): Promise<unknown> {
  const containers = ['first', 'second'].map((name) => ({ name, image: 'none' }))
  const template = { metadata: { labels: { app } }, spec: { restartPolicy: 'Never', containers } }
  return sandbox.apply({ apiVersion: 'batch/v1', kind: 'Job', metadata: { namespace: 'default', name: app }, spec: { template } })
}

function succeededPods(sandbox: Sandbox): number {
  return sandbox.list('Pod').filter(({ status }) => (status as { phase: string }).phase === 'Succeeded').length
}

test.for([
  ['there is no history', 'nobodys', 1],
  ['there is history, if a VPA matches it', 'web', 3],
] as const)('of a pod that had succeeded before it was seen, %s', async ([, app, expected]) => {
  const { sandbox, clock, run, registry } = await scene()
  await addJob(sandbox, app)
  await clock.advance(5 * MINUTE)
  expect(succeededPods(sandbox)).toBe(1)
  await run(1)
  expect(await registry.metrics()).toContain(`vpa_recommender_aggregate_container_states_count ${expected}\n`)
})

test.for([
  ['', 0],
  [", also when the system's time is set back", -DAY],
] as const)('of a pod that was seen before it succeeded, there is history until the next collection of garbage%s', async ([, step]) => {
  const { sandbox, clock, run, registry } = await scene()
  const aggregates = async () => /^vpa_recommender_aggregate_container_states_count (\d+)$/m.exec(await registry.metrics())?.[1]
  sandbox.faults.respond({ path: /metrics\.k8s\.io/, status: 503, times: 1000 })
  await addJob(sandbox, 'nobodys')
  await run(1)
  expect(succeededPods(sandbox)).toBe(0)
  await run(2)
  expect([succeededPods(sandbox), await aggregates()]).toEqual([1, '3'])
  clock.step(step)
  await run(60)
  expect(await aggregates()).toBe('1')
})

test("a VPA without a recommendation is told of after half an hour, also when the system's time is set back", async () => {
  const { sandbox, clock, run, lines } = await scene()
  const told = () => lines.filter(({ message }) => message === 'VPA is missing recommendation for more than 30m0s').map(({ fields }) => fields)
  await addVpa(sandbox, 'ghost')
  await run(1)
  clock.step(-DAY)
  await run(30)
  expect(told()).toEqual([])
  await run(1)
  expect(told()).toEqual([{ vpa: 'default/ghost' }])
})

test('checkpoints of VPAs that are gone are deleted after a while', async () => {
  const { sandbox, run } = await scene('--checkpoints-gc-interval=5m')
  await addDeployment(sandbox, 'other')
  await addVpa(sandbox, 'other')
  await run(3)
  expect(checkpointNames(sandbox)).toEqual(['other-app', 'web-app'])
  sandbox.delete('VerticalPodAutoscaler', { namespace: 'default', name: 'other' })
  await run(3)
  expect(checkpointNames(sandbox)).toEqual(['web-app'])
})

test('usage of pods that are gone counts on', async () => {
  const { sandbox, run, clock } = await scene()
  await run(10)
  await sandbox.apply({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { namespace: 'default', name: 'web' }, spec: { ...(sandbox.get('Deployment', { namespace: 'default', name: 'web' })?.spec as object), replicas: 0 } })
  await clock.advance(HOUR)
  await run(1)
  expect(targetOf(sandbox)?.cpu).toBe('548m')
  expect(conditionsOf(sandbox)).toEqual(['NoPodsMatched=True No pods match this VPA object', 'RecommendationProvided=True'])
})
