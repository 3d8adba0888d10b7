import { type Vpa, projectVpa } from '@vpa/core/api/vpa.ts'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { exposeRecommendations } from './recommendation-metrics.ts'

const amounts = (cpu: string, memory: string) => ({ cpu, memory })

function vpa(name: string, spec: object = {}): Vpa {
  return projectVpa({
    apiVersion: 'autoscaling.k8s.io/v1',
    metadata: { namespace: 'shop', name },
    spec: { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name }, ...spec },
    status: {
      recommendation: {
        containerRecommendations: [{ containerName: 'app', target: amounts('250m', '1Gi'), lowerBound: amounts('100m', '500M'), upperBound: amounts('2', '4Gi'), uncappedTarget: amounts('548m', '548861636') }],
      },
    },
  })
}

async function series(registry: Registry): Promise<readonly string[]> {
  return (await registry.metrics()).split('\n').filter((line) => line.startsWith('kube_'))
}

test('as kube-state-metrics shows them', async () => {
  const registry = new Registry()
  exposeRecommendations(registry, { vpas: { list: () => [vpa('cart')] }, recommenderName: 'default' })
  const [cpuTarget, ...others] = await series(registry)
  expect(cpuTarget).toBe(
    'kube_customresource_verticalpodautoscaler_status_recommendation_containerrecommendations_target{container="app",customresource_group="autoscaling.k8s.io",customresource_kind="VerticalPodAutoscaler",customresource_version="v1",namespace="shop",resource="cpu",target_api_version="apps/v1",target_kind="Deployment",target_name="cart",unit="core",verticalpodautoscaler="cart"} 0.25',
  )
  expect(others.map((line) => line.replace(/^.*recommendations_(\w+)\{.*resource="(\w+)".*unit="(\w+)".*\} (.*)$/, '$1 $2 $3 $4'))).toEqual([
    'target memory byte 1073741824',
    'lowerbound cpu core 0.1',
    'lowerbound memory byte 500000000',
    'upperbound cpu core 2',
    'upperbound memory byte 4294967296',
    'uncappedtarget cpu core 0.548',
    'uncappedtarget memory byte 548861636',
  ])
})

test('those of VPAs that are gone, or of another recommender, are not shown', async () => {
  const registry = new Registry()
  const vpas = new Map([['cart', vpa('cart')], ['search', vpa('search')], ['other', vpa('other', { recommenders: [{ name: 'mine' }] })]])
  exposeRecommendations(registry, { vpas: { list: () => vpas.values() }, recommenderName: 'default' })
  expect(await series(registry)).toHaveLength(2 * 4 * 2)
  vpas.delete('cart')
  expect(await series(registry)).toHaveLength(4 * 2)
  vpas.set('search', projectVpa({ metadata: { namespace: 'shop', name: 'search' }, spec: {} }))
  expect(await series(registry)).toEqual([])
})
