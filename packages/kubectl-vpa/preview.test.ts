import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { admit, autoscale, cliScene, deploy, recommended, remember } from '../../test/support/cli-scene.ts'

const START = Date.UTC(2026, 2, 1)
const SHOP = { resources: { app: { requests: { cpu: '1', memory: '2Gi' }, limits: { cpu: '2' } } }, usage: { cpuMillicores: 210, memoryBytes: 400 * 2 ** 20 }, replicas: 2 }
const LOWER = recommended({ app: { target: { cpu: '250m', memory: '512Mi' }, lowerBound: { cpu: '200m' }, upperBound: { cpu: '500m' } } })

test('a workload with a VPA: the new pod and the running ones', async () => {
  const { vpa, sandbox } = await cliScene(async (sandbox) => {
    await deploy(sandbox, 'shop', SHOP)
    await autoscale(sandbox, 'shop', { status: LOWER })
    await admit(sandbox, START)
  })
  const { out, code, err } = await vpa('preview deploy/shop')
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toMatchInlineSnapshot(`
    "default/Deployment/shop with VPA shop in mode Recreate

    A new pod, by the admission controller
      CONTAINER   CPU REQUEST   LIMIT       MEM REQUEST    LIMIT   NOTES
      app         1 -> 250m     2 -> 500m   2Gi -> 512Mi   -       memory: limit NOT set since originalLimit is nil or 0

    The updater's next loop (as its default flags have it)
      POD                     DOES          WHY
      shop-5979cdfd97-hdw4w   evict         a request is missing, or outside of the recommended range
      shop-5979cdfd97-m4z9k   leave alone   too many pods of their group are missing already for what the eviction tolerance allows
    "
  `)
  expect(sandbox.list('Pod', 'default').filter(({ metadata }) => metadata.deletionTimestamp === undefined)).toHaveLength(2)
})

test('a VPA that only recommends, and what it would do in another mode', async () => {
  const { vpa } = await cliScene(async (sandbox) => {
    await deploy(sandbox, 'shop', SHOP)
    await autoscale(sandbox, 'shop', { spec: { updatePolicy: { updateMode: 'Off' } }, status: LOWER })
    await admit(sandbox, START)
  })
  expect((await vpa('preview shop')).out).toContain('is left as it is: mode Off only recommends (--mode shows another one)')
  expect((await vpa('preview shop --mode InPlaceOrRecreate')).out).toContain('resize in place')
})

test('without a VPA: by the history of an earlier one, otherwise by present usage, and says so', async () => {
  const { vpa } = await cliScene(async (sandbox) => {
    await deploy(sandbox, 'shop', SHOP)
    await remember(sandbox, 'shop', { cpuMillicores: 200, memoryBytes: 400e6 })
    await deploy(sandbox, 'api', SHOP)
    await admit(sandbox, START)
  })
  expect((await vpa('preview shop')).out).toMatchInlineSnapshot(`
    "default/Deployment/shop with a VPA in mode Recreate
    It has no recommendation: these numbers are by the history in its checkpoints, as the default flags would have it.

    A new pod, by the admission controller
      CONTAINER   CPU REQUEST   LIMIT       MEM REQUEST    LIMIT   NOTES
      app         1 -> 296m     2 -> 592m   2Gi -> 454Mi   -       memory: limit NOT set since originalLimit is nil or 0

    The updater's next loop (as its default flags have it)
      POD                     DOES          WHY
      shop-5979cdfd97-5v2p5   evict         a request is missing, or outside of the recommended range
      shop-5979cdfd97-cwkp9   leave alone   too many pods of their group are missing already for what the eviction tolerance allows
    "
  `)
  expect((await vpa('preview api')).out).toMatchInlineSnapshot(`
    "default/Deployment/api with a VPA in mode Recreate
    It has no recommendation and no history: these numbers are by what its pods use at this moment, and will change.

    A new pod, by the admission controller
      CONTAINER   CPU REQUEST   LIMIT       MEM REQUEST    LIMIT   NOTES
      app         1 -> 247m     2 -> 494m   2Gi -> 488Mi   -       memory: limit NOT set since originalLimit is nil or 0

    The updater's next loop (as its default flags have it)
      POD                    DOES          WHY
      api-77766b8df9-bvntd   leave alone   it is within its range, and too young to be disturbed for less
      api-77766b8df9-n2bjg   leave alone   it is within its range, and too young to be disturbed for less
    "
  `)
})

test('a manifest file, its VPA beside it: as JSON, with the patch that the webhook would answer', async () => {
  const { vpa, directory } = await cliScene(async (sandbox) => {
    await deploy(sandbox, 'shop', SHOP)
    await autoscale(sandbox, 'shop', { status: LOWER })
    await admit(sandbox, START)
  })
  const file = join(directory, 'shop.yaml')
  await writeFile(file, `
apiVersion: apps/v1
kind: Deployment
metadata: { name: shop }
spec:
  selector: { matchLabels: { app: shop } }
  template: { metadata: { labels: { app: shop } }, spec: { containers: [{ name: app, resources: { requests: { cpu: 4 } } }] } }
---
apiVersion: autoscaling.k8s.io/v1
kind: VerticalPodAutoscaler
metadata: { name: shop }
spec: { targetRef: { apiVersion: apps/v1, kind: Deployment, name: shop }, updatePolicy: { updateMode: Initial } }
`)
  const [answer] = JSON.parse((await vpa(`preview ${file} -o json`)).out)
  expect(answer).toMatchObject({ workload: { kind: 'Deployment', name: 'shop' }, vpa: 'shop', mode: 'Initial', basis: 'recommendation' })
  expect(answer.patch).toContainEqual({ op: 'add', path: '/spec/containers/0/resources/requests/cpu', value: '250m' })
  expect(answer.pods).toEqual([{ pod: expect.any(String), do: 'nothing', why: 'mode-initial' }, { pod: expect.any(String), do: 'nothing', why: 'mode-initial' }])
})

test.for([
  ['a workload that is not there', 'preview shpo', 3, 'error: no workload "shpo" in namespace default, and no such file\n'],
  ['a kind that is none', 'preview pod/shop', 2, 'error: not a kind of workload: "pod"; expected one of deployment, statefulset, daemonset, cronjob, job, replicaset, replicationcontroller\n'],
  ['nothing to go by', 'preview idle', 3, 'error: Deployment/idle has no recommendation, no history and no pods whose usage is known: there is nothing to preview\n'],
] as const)('%s is told in words', async ([, line, code, err]) => {
  const { vpa } = await cliScene((sandbox) => deploy(sandbox, 'idle', { replicas: 0 }))
  expect(await vpa(line)).toMatchObject({ code, err })
})
