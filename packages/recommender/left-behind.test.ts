import { type Pod, projectPod } from '@vpa/core/api/pod.ts'
import { HOUR, MINUTE } from '@vpa/core/time.ts'
import { parseConfig } from '@vpa/kube/config.ts'
import { ObjectStore } from '@vpa/kube/store.ts'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { memoryCluster } from '../../test/bench/memory-cluster.ts'
import { fakeClock } from '../../test/support/fake-clock.ts'
import { logTo } from '../../test/support/recorded-log.ts'
import { Config, recommenderOptions } from './config.ts'
import { Metrics } from './metrics.ts'
import { QualityMetrics } from './quality-metrics.ts'
import { Recommender } from './recommender.ts'

test('of pods that are gone and that no VPA wants, 25,000 different labels are remembered of a namespace, and the rest is told of', async () => {
  const parsed = parseConfig(Config, [])
  if (!('config' in parsed)) throw new Error('the flags are wrong')
  const warnings: string[] = []
  const log = logTo((message) => void warnings.push(message), ['warn'])
  const clock = fakeClock()
  const registry = new Registry()
  const pods = new ObjectStore<Pod>((error) => {
    throw error
  })
  const usage = async () => [...pods.list()].map(({ namespace, name }) => ({ namespace, podName: name, containerName: 'app', at: clock.now(), cpu: 100, memory: 1e8 }))
  const { cluster } = memoryCluster({ namespaces: 1, vpas: 0, podsPerVpa: 0, containersPerPod: 0 })
  const recommender = new Recommender({ cluster: { ...cluster, pods, usage }, clock, log, options: recommenderOptions(parsed.config), metrics: new Metrics(registry, clock), quality: new QualityMetrics(registry), signal: new AbortController().signal })
  const turn = async () => {
    await clock.advance(MINUTE)
    await recommender.tick()
  }

  for (let index = 0; index < 25_002; index += 1) pods.set(podOf(index))
  await turn()
  expect(warnings).toEqual([])
  for (let index = 0; index < 25_002; index += 1) pods.remove(podOf(index))
  await turn()
  await turn()
  expect(warnings).toEqual([])
  await clock.advance(HOUR)
  await turn()
  expect(warnings).toEqual(['Pods of too many different labels have come and gone: the oldest history that no VPA wants was dropped'])
  expect(await registry.metrics()).toContain('vpa_recommender_crowded_out_groups_total 2\n')
})

function podOf(index: number): Pod {
  return projectPod({ metadata: { namespace: 'tenant', name: `pod-${index}`, uid: `${index}`, resourceVersion: '1', labels: { x: `${index}` } }, spec: { containers: [{ name: 'app' }] }, status: { phase: 'Running' } })
}
