import type { Sandbox } from '@vpa/sandbox/sandbox.ts'
import { SECOND } from '@vpa/core/time.ts'
import { expect, test, vi } from 'vitest'
import { autoscale, cliScene, deploy, recommended } from '../../test/support/cli-scene.ts'
import { PATIENCE } from '../../test/support/patience.ts'

/** A shop that asks for too much, an API that gets too little, and a job that nobody has recommended anything to. */
async function fleet(sandbox: Sandbox): Promise<void> {
  await deploy(sandbox, 'shop', { replicas: 3, resources: { app: { requests: { cpu: '1', memory: '2Gi' }, limits: { memory: '2Gi' } } }, usage: { cpuMillicores: 210, memoryBytes: 400 * 2 ** 20 } })
  await autoscale(sandbox, 'shop', {
    spec: { updatePolicy: { updateMode: 'Off' } },
    status: recommended({ app: { target: { cpu: '300m', memory: '600Mi' }, lowerBound: { cpu: '120m', memory: '500Mi' }, upperBound: { cpu: '900m', memory: '1200Mi' } } }),
  })
  await deploy(sandbox, 'api', { resources: { app: { requests: { cpu: '100m', memory: '256Mi' } } }, usage: { cpuMillicores: 380, memoryBytes: 200 * 2 ** 20 } })
  await autoscale(sandbox, 'api', { status: recommended({ app: { target: { cpu: '420m', memory: '262144k' }, lowerBound: { cpu: '300m', memory: '250Mi' }, upperBound: { cpu: '1', memory: '300Mi' } } }) })
  await deploy(sandbox, 'worker', { replicas: 1 })
  await autoscale(sandbox, 'worker')
}

test('the greatest waste comes first, then what it all comes to', async () => {
  const { vpa } = await cliScene(fleet)
  const { out, err, code } = await vpa('get')
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toMatchInlineSnapshot(`
    "VPA      MODE       CONTAINER   PODS   CPU REQUEST   TARGET    DIFF   MEM REQUEST   TARGET   DIFF   SAVES/MONTH   SEVERITY
    shop     Off        app            3             1     300m    -70%           2Gi    600Mi   -71%        $61.58   critical
    worker   Recreate   app            1             -        -       -             -        -      -         $0.00   unknown
    api      Recreate   app            2          100m     420m   +320%         256Mi    250Mi    -2%       -$14.73   warning

    3 VPAs, 6 pods; containers: 1 critical, 1 warning, 1 unknown.
    As recommended: cpu 3.2 -> 1.74, memory 6.5Gi -> 2.25Gi; saves $46.85 of $93.95 a month.
    "
  `)
})

test('wide tells limits, usage, bounds and why', async () => {
  const { vpa } = await cliScene(fleet)
  expect((await vpa('get -o wide -A --sort severity')).out).toMatchInlineSnapshot(`
    "NAMESPACE   VPA      TARGET REF          MODE       CONTAINER   PODS   CPU REQUEST   LIMIT   USAGE   TARGET       BOUNDS    DIFF   MEM REQUEST   LIMIT   USAGE   TARGET          BOUNDS   DIFF   SAVES/MONTH   SEVERITY   WHY
    default     shop     Deployment/shop     Off        app            3             1       -    210m     300m   120m..900m    -70%           2Gi     2Gi   400Mi    600Mi   500Mi..1.17Gi   -71%        $61.58   critical   more than it needs
    default     api      Deployment/api      Recreate   app            2          100m       -    380m     420m      300m..1   +320%         256Mi       -   200Mi    250Mi    250Mi..300Mi    -2%       -$14.73   warning    cpu less than it needs, memory fits
    default     worker   Deployment/worker   Recreate   app            1             -       -      1m        -            -       -             -       -     1Mi        -               -      -         $0.00   unknown    nothing is recommended

    3 VPAs, 6 pods; containers: 1 critical, 1 warning, 1 unknown.
    As recommended: cpu 3.2 -> 1.74, memory 6.5Gi -> 2.25Gi; saves $46.85 of $93.95 a month.
    "
  `)
})

test('one VPA by name, with prices of one\'s own', async () => {
  const { vpa } = await cliScene(fleet)
  expect((await vpa('get shop --cpu-price 0.1 --memory-price 0 --currency €')).out).toMatchInlineSnapshot(`
    "VPA    MODE   CONTAINER   PODS   CPU REQUEST   TARGET   DIFF   MEM REQUEST   TARGET   DIFF   SAVES/MONTH   SEVERITY
    shop   Off    app            3             1     300m   -70%           2Gi    600Mi   -71%          €153   critical

    1 VPA, 3 pods; containers: 1 critical.
    As recommended: cpu 3 -> 900m, memory 6Gi -> 1.76Gi; saves €153 of €219 a month.
    "
  `)
})

test('JSON and YAML tell amounts as integers', async () => {
  const { vpa } = await cliScene(fleet)
  const { containers, totals, units } = JSON.parse((await vpa('get shop -o json')).out)
  expect(units).toEqual({ cpu: 'millicores', memory: 'bytes', monthly: 'the currency of the prices' })
  expect(containers[0]).toMatchObject({ namespace: 'default', vpa: 'shop', container: 'app', pods: 3, severity: 'critical', resources: { cpu: { request: 1000, target: 300, usage: 210, change: -0.7, verdict: { severity: 'critical', why: 'too-much' } } } })
  expect(totals).toMatchObject({ vpas: 1, pods: 3, requested: { cpu: 3000, memory: 3 * 2 ** 31 } })
  expect((await vpa('get shop -o yaml')).out).toContain('    severity: critical\n')
})

test('colours are for terminals', async () => {
  const { vpa } = await cliScene(fleet)
  expect((await vpa('get shop', { colours: true })).out).toContain('\u001b[31m\u001b[1mcritical')
  expect((await vpa('get shop')).out).not.toContain('\u001b')
})

test('--watch shows it again when a recommendation changes, until it is stopped', async () => {
  const { vpa, sandbox, clock } = await cliScene(fleet)
  const stop = new AbortController()
  let shown = ''
  const ended = vpa('get shop --watch', { signal: stop.signal, out: (text) => (shown += text) })
  await vi.waitFor(() => expect(shown).toContain('300m'), PATIENCE)
  await autoscale(sandbox, 'shop', { status: recommended({ app: { target: { cpu: '333m', memory: '600Mi' } } }) })
  await vi.waitFor(async () => {
    await clock.advance(2 * SECOND)
    expect(shown).toContain('333m')
  }, PATIENCE)
  stop.abort()
  expect(await ended).toMatchObject({ code: 0 })
})

test.for([
  ['a VPA that is not there', 'get shpo', 3, 'error: no VerticalPodAutoscaler "shpo" in namespace default: there are api, shop, worker\n'],
  ['a flag that is not there', 'get --alll', 2, "error: unknown option '--alll'\n"],
  ['a format that is not there', 'get -o xml', 2, "error: option '-o, --output <format>' argument 'xml' is invalid. Allowed choices are table, wide, json, yaml.\n"],
  ['a price that is none', 'get --cpu-price cheap', 2, "argument 'cheap' is invalid. expected an amount of money, such as 0.03.\n"],
  ['a command that is not there', 'gte', 2, "error: unknown command 'gte'\n(Did you mean get?)\n"],
  ['a context that is not there', 'get --context production', 3, 'error: no context "production" in'],
  ['a VPA of another namespace', 'get shop -n kube-public', 3, 'error: no VerticalPodAutoscaler "shop" in namespace kube-public: there is none; -n names another namespace\n'],
  ['a namespace without VPAs', 'get -n kube-public', 0, 'No VerticalPodAutoscalers with containers in namespace kube-public (-A looks everywhere). `kubectl vpa create --all` writes them.\n'],
] as const)('%s is told in words', async ([, line, code, err]) => {
  const { vpa } = await cliScene(fleet)
  const answer = await vpa(line)
  expect(answer.code).toBe(code)
  expect(answer.err).toContain(err)
})

test('without metrics.k8s.io there is no usage, and the rest', async () => {
  const { vpa, sandbox } = await cliScene(fleet)
  sandbox.faults.respond({ path: /^\/apis\/metrics.k8s.io\//, status: 503, times: 9 })
  const { out, err, code } = await vpa('get shop')
  expect(code).toBe(0)
  expect(err).toContain('no usage: metrics.k8s.io does not answer (is metrics-server installed?)')
  expect(out).toContain('300m')
})
