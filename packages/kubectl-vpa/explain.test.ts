import { expect, test } from 'vitest'
import { admit, autoscale, cliScene, deploy, recommended, remember } from '../../test/support/cli-scene.ts'

const START = Date.UTC(2026, 2, 1)
const SHOP = { resources: { app: { requests: { cpu: '1', memory: '2Gi' }, limits: { cpu: '2' } } }, usage: { cpuMillicores: 210, memoryBytes: 400 * 2 ** 20 } }

test('a recommendation from its samples to its pods', async () => {
  const { vpa } = await cliScene(async (sandbox) => {
    await deploy(sandbox, 'shop', { ...SHOP, replicas: 4 })
    await remember(sandbox, 'shop', { cpuMillicores: 200, memoryBytes: 400e6 })
    await autoscale(sandbox, 'shop', {
      spec: { resourcePolicy: { containerPolicies: [{ containerName: 'app', maxAllowed: { cpu: '250m' } }] } },
      status: recommended({ app: { target: { cpu: '250m', memory: '476000000' }, lowerBound: { cpu: '246m', memory: '474000000' }, upperBound: { cpu: '250m', memory: '790000000' }, uncappedTarget: { cpu: '296m', memory: '476000000' } } }),
    })
    await sandbox.apply({ apiVersion: 'v1', kind: 'LimitRange', metadata: { namespace: 'default', name: 'limits' }, spec: { limits: [{ type: 'Container', min: { cpu: '500m' } }] } })
    await admit(sandbox, START)
  })
  expect((await vpa('explain shop')).out).toMatchInlineSnapshot(`
    "default/shop scales Deployment/shop, mode Recreate, 4 pods

    Container app
      2,160 samples of usage in 35h
      cpu: 250m, between 246m and 250m (requests 1, limit 2, uses 210m)
        90th percentile of usage 258m + 15% margin = 296m
        capped to 250m by maxAllowed; without that 296m
        bounds: 50th percentile 215m + 15%, ×0.999; 95th percentile 414m + 15%, ×1.67; by a confidence of 1.5 (1 is a day of samples)
        159m █▄█▅▅  ▁▁▁▁▁▁▁ 511m   p50 216m  p90 258m  p95 414m  p99 511m
      memory: 454Mi, between 452Mi and 753Mi (requests 2Gi, uses 400Mi)
        90th percentile of peaks of usage 395Mi + 15% margin = 454Mi
        bounds: 50th percentile 395Mi + 15%, ×0.999; 95th percentile 395Mi + 15%, ×1.67; by a confidence of 1.5 (1 is a day of samples)
        367Mi █ 395Mi   p50 395Mi  p90 395Mi  p95 395Mi  p99 395Mi
      on its way to a pod: cpu capped to fit Min in container LimitRange, cpu capped to maxAllowed

    The updater's next loop (as its default flags have it)
      POD                     DOES          WHY
      shop-5979cdfd97-8785v   evict         a request is missing, or outside of the recommended range
      shop-5979cdfd97-kbpw4   evict         a request is missing, or outside of the recommended range
      shop-5979cdfd97-r4tbv   leave alone   too many pods of their group are missing already for what the eviction tolerance allows
      shop-5979cdfd97-wdcn2   leave alone   too many pods of their group are missing already for what the eviction tolerance allows

    In the way
      nothing
    "
  `)
})

test('everything that can be in the way', async () => {
  const { vpa } = await cliScene(async (sandbox) => {
    await deploy(sandbox, 'shop', { ...SHOP, replicas: 2 })
    const conflict = { type: 'TargetConflict', status: 'True', reason: 'OlderVerticalPodAutoscaler', message: 'VerticalPodAutoscaler old is older and has the same target.', lastTransitionTime: '2026-03-01T00:00:00Z' }
    await autoscale(sandbox, 'shop', { status: recommended({ app: { target: { cpu: '64', memory: '1Gi' }, lowerBound: { cpu: '32' }, upperBound: { cpu: '128' } } }, [conflict]) })
    await sandbox.apply({ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { namespace: 'default', name: 'all' }, spec: { minAvailable: 2, selector: { matchLabels: { app: 'shop' } } } })
  })
  expect((await vpa('explain shop')).out).toMatchInlineSnapshot(`
    "default/shop scales Deployment/shop, mode Recreate, 2 pods

    Container app
      there is no checkpoint to derive it from: the recommender has not written one, or keeps its history in Prometheus
      cpu: 64, between 32 and 128 (requests 1, limit 2, uses 210m)
      memory: 1Gi, between - and - (requests 2Gi, uses 400Mi)

    The updater's next loop (as its default flags have it)
      POD                     DOES          WHY
      shop-5979cdfd97-hdw4w   leave alone   the admission controller is away, so a new pod would come back unchanged
      shop-5979cdfd97-m4z9k   leave alone   the admission controller is away, so a new pod would come back unchanged

    In the way
      TargetConflict: VerticalPodAutoscaler old is older and has the same target.
      TargetExceedsNodes: A pod would request 64 cpu and 1Gi memory, which no node can hold: the largest have 8 cpu and 32Gi memory.
      PodDisruptionBudget: PodDisruptionBudget all allows no disruption of 2 pods now.
      AdmissionController: There is no MutatingWebhookConfiguration vpa-webhook-config: new pods are not changed.
    "
  `)
})

test('one pod is too few, and many are counted', async () => {
  const { vpa } = await cliScene(async (sandbox) => {
    for (const [name, replicas] of [['one', 1], ['many', 12]] as const) {
      await deploy(sandbox, name, { ...SHOP, resources: { app: { requests: { cpu: '100m', memory: '100Mi' } } }, replicas })
      await autoscale(sandbox, name, { status: recommended({ app: { target: { cpu: '300m', memory: '200Mi' }, lowerBound: { cpu: '200m' } } }) })
    }
    await admit(sandbox, START)
  })
  expect((await vpa('explain one')).out).toContain('leave alone   their group has fewer pods than minReplicas asks for')
  expect((await vpa('explain many')).out).toMatch(/6 {3}evict .* {3}a request is missing, or outside of the recommended range\n.* 6 {3}leave alone {3}too many pods of their group/)
})

test('JSON tells each step as numbers', async () => {
  const { vpa } = await cliScene(async (sandbox) => {
    await deploy(sandbox, 'shop', SHOP)
    await remember(sandbox, 'shop', { cpuMillicores: 200, memoryBytes: 400e6 })
    await autoscale(sandbox, 'shop', { status: recommended({ app: { target: { cpu: '452m', memory: '463000000' }, uncappedTarget: { cpu: '452m', memory: '463000000' } } }) })
  })
  const { containers, pods, hindrances } = JSON.parse((await vpa('explain shop -o json')).out)
  expect(containers[0]).toMatchObject({ container: 'app', samples: { count: 2160 }, derivation: { cpu: { percentile: 0.9, marginFraction: 0.15, target: 452, confidence: expect.closeTo(1.5, 2) } } })
  expect(pods).toHaveLength(2)
  expect(hindrances).toEqual([{ what: 'AdmissionController', message: 'There is no MutatingWebhookConfiguration vpa-webhook-config: new pods are not changed.' }])
})
