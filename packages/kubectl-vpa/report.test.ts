import type { Sandbox } from '@vpa/sandbox/sandbox.ts'
import { beforeAll, expect, test } from 'vitest'
import { autoscale, cliScene, deploy, recommended } from '../../test/support/cli-scene.ts'

// Loaded on demand; a busy machine takes longer for it than for a test.
beforeAll(() => import('./report-html.ts'), 60_000)

async function fleet(sandbox: Sandbox): Promise<void> {
  await deploy(sandbox, 'shop', { replicas: 3, resources: { app: { requests: { cpu: '1', memory: '2Gi' } } }, usage: { cpuMillicores: 210, memoryBytes: 400 * 2 ** 20 } })
  await autoscale(sandbox, 'shop', { status: recommended({ app: { target: { cpu: '300m', memory: '600Mi' } } }) })
  await deploy(sandbox, 'api', { namespace: 'kube-public', resources: { app: { requests: { cpu: '100m', memory: '256Mi' } } } })
  await autoscale(sandbox, 'api', { namespace: 'kube-public', status: recommended({ app: { target: { cpu: '420m', memory: '250Mi' } } }) })
}

test('Markdown, of all namespaces unless told one', async () => {
  const { vpa } = await cliScene(fleet)
  expect((await vpa('report')).out).toMatchInlineSnapshot(`
    "# Vertical Pod Autoscaler report

    2 VPAs, 5 pods; containers: 1 critical, 1 warning.  
    As recommended: cpu 3.2 -> 1.74, memory 6.5Gi -> 2.25Gi; saves $46.85 of $93.95 a month.

    | VPA | mode | container | pods | CPU |  | memory |  | saves a month | severity |
    | --- | --- | --- | ---: | --- | ---: | --- | ---: | ---: | --- |
    | default/shop | Recreate | app | 3 | 1 → 300m | -70% | 2Gi → 600Mi | -71% | $61.58 | **critical** |
    | kube-public/api | Recreate | app | 2 | 100m → 420m | +320% | 256Mi → 250Mi | -2% | -$14.73 | **warning** |
    "
  `)
  expect((await vpa('report -n kube-public')).out).not.toContain('shop')
})

test('CSV with numbers that need no parsing', async () => {
  const { vpa } = await cliScene(fleet)
  expect((await vpa('report -o csv')).out).toMatchInlineSnapshot(`
    "namespace,vpa,target_kind,target_name,mode,container,pods,cpu_request_millicores,cpu_limit_millicores,cpu_usage_millicores,cpu_target_millicores,cpu_lower_bound_millicores,cpu_upper_bound_millicores,cpu_why,memory_request_bytes,memory_limit_bytes,memory_usage_bytes,memory_target_bytes,memory_lower_bound_bytes,memory_upper_bound_bytes,memory_why,oom_kills,monthly_now,monthly_recommended,monthly_saving,severity
    default,shop,Deployment,shop,Recreate,app,3,1000,,210,300,,,too-much,2147483648,,419430400,629145600,,,too-much,0,87.79,26.21,61.58,critical
    kube-public,api,Deployment,api,Recreate,app,2,100,,1,420,,,too-little,268435456,,1048576,262144000,,,fits,0,6.16,20.89,-14.73,warning
    "
  `)
})

test('HTML with plots, without scripts and without anything from elsewhere', async () => {
  const { vpa } = await cliScene(fleet)
  const { out, code } = await vpa('report -o html')
  expect(code).toBe(0)
  expect(out.match(/<svg/g)).toHaveLength(3)
  expect(out).toContain('aria-label="Saved a month: shop/app $61.58, api/app -$14.73"')
  expect(out).toContain('$0.031611 for a core and $0.004237 for a GiB of memory by the hour')
  expect(out).toContain('>512Mi</text>')
  expect(out).toContain("default-src 'none'")
  expect(out).not.toMatch(/<script|\bon\w+=|src=|href=|url\(/)
})

test('JSON is that of get', async () => {
  const { vpa } = await cliScene(fleet)
  expect(JSON.parse((await vpa('report -o json')).out)).toEqual(JSON.parse((await vpa('get -A -o json')).out))
})

test.for([
  ['critical', 1, '1 of 2 containers are critical or worse: default/shop/app\n'],
  ['warning', 1, '2 of 2 containers are warning or worse: default/shop/app, kube-public/api/app\n'],
] as const)('--fail-on %s', async ([severity, code, err]) => {
  const { vpa } = await cliScene(fleet)
  expect(await vpa(`report --fail-on ${severity}`)).toMatchObject({ code, err })
  expect(await vpa(`report --fail-on critical -n kube-public`)).toMatchObject({ code: 0, err: '' })
})
