import { expect, test } from 'vitest'
import { autoscale, cliScene, deploy } from '../../test/support/cli-scene.ts'

const scene = () =>
  cliScene(async (sandbox) => {
    await deploy(sandbox, 'attended')
    await autoscale(sandbox, 'attended')
    await deploy(sandbox, 'shop')
    await deploy(sandbox, 'asleep', { replicas: 0 })
    await deploy(sandbox, 'elsewhere', { namespace: 'kube-public' })
  })

test('every workload without a VPA gets one, as YAML', async () => {
  const { vpa } = await scene()
  expect((await vpa('create --all')).out).toMatchInlineSnapshot(`
    "apiVersion: autoscaling.k8s.io/v1
    kind: VerticalPodAutoscaler
    metadata:
      name: shop
      namespace: default
    spec:
      targetRef:
        apiVersion: apps/v1
        kind: Deployment
        name: shop
      updatePolicy:
        updateMode: "Off"
    "
  `)
  expect((await vpa('create --all -A --mode Recreate')).out.match(/name: .*/g)).toEqual(['name: shop', 'name: shop', 'name: elsewhere', 'name: elsewhere'])
})

test('or into the cluster; the second time there is nothing left to do', async () => {
  const { vpa, sandbox } = await scene()
  expect(await vpa('create --all --apply')).toMatchObject({ code: 0, out: 'verticalpodautoscaler.autoscaling.k8s.io/shop created\n' })
  expect(sandbox.get('VerticalPodAutoscaler', { namespace: 'default', name: 'shop' })?.['spec']).toMatchObject({ updatePolicy: { updateMode: 'Off' } })
  expect(await vpa('create --all --apply')).toMatchObject({ code: 0, out: '', err: 'Every workload has a VPA already.\n' })
})

test('one by name; one that has a VPA is left out, and told', async () => {
  const { vpa } = await scene()
  const { out, err } = await vpa('create deployment/shop attended')
  expect(out).toContain('name: shop')
  expect(out).not.toContain('attended')
  expect(err).toBe('warning: Deployment/attended is left out: it has a VPA, no replicas, or is part of another workload\n')
})

test('without a word on which workloads it says what to say', async () => {
  const { vpa } = await scene()
  expect(await vpa('create')).toMatchObject({ code: 2, err: 'error: say which workloads: --all, or names such as deployment/web\n' })
})
