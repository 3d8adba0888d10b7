import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { kubectlEnvironment } from './control-plane.ts'

const run = promisify(execFile)
const root = new URL('../..', import.meta.url).pathname
/** The real kubectl finds `kubectl-vpa` on its path, as any plugin. */
const env = { ...process.env, ...kubectlEnvironment, PATH: `${join(root, 'node_modules', '.bin')}:${kubectlEnvironment.PATH}` }

async function bash(command: string): Promise<{ code: number; out: string; err: string }> {
  try {
    const { stdout, stderr } = await run('bash', ['-c', command], { env, timeout: 120_000, cwd: root })
    return { code: 0, out: stdout, err: stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { code, out: stdout, err: stderr }
  }
}

const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'shop' },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'shop' } },
    template: { metadata: { labels: { app: 'shop' } }, spec: { containers: [{ name: 'app', image: 'app', resources: { requests: { cpu: '1', memory: '2Gi' }, limits: { memory: '4Gi' } } }] } },
  },
}
const status = { recommendation: { containerRecommendations: [{ containerName: 'app', target: { cpu: '300m', memory: '600Mi' }, lowerBound: { cpu: '200m', memory: '500Mi' }, upperBound: { cpu: '900m', memory: '1Gi' } }] } }

let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kubectl-vpa-'))
  await writeFile(join(directory, 'shop.json'), JSON.stringify(deployment, undefined, 2))
  await bash('hack/vpa-down.sh; kubectl delete namespace shop --ignore-not-found')
})

afterAll(async () => {
  await bash('kubectl delete namespace shop --ignore-not-found --wait=false; hack/vpa-down.sh')
  await rm(directory, { recursive: true })
})

test('kubectl vpa: from a cluster that knows no VPA to a patch that its API server takes', async () => {
  expect(await bash('kubectl vpa get')).toMatchObject({ code: 3, err: expect.stringContaining('the cluster does not know the kind VerticalPodAutoscaler: install') })

  await bash(`kubectl apply -f manifests/crd.yaml && kubectl create namespace shop && kubectl apply -n shop -f ${directory}/shop.json`)
  await vi.waitFor(async () => expect(await bash('kubectl vpa create -n shop --all --apply')).toEqual({ code: 0, out: 'verticalpodautoscaler.autoscaling.k8s.io/shop created\n', err: '' }), { timeout: 60_000, interval: 500 })
  await bash(`kubectl patch vpa shop -n shop --subresource=status --type=merge -p '${JSON.stringify({ status })}'`)
  await bash('kubectl rollout status deployment/shop -n shop --timeout=60s')

  const table = await bash('kubectl vpa get -n shop')
  expect(table.out).toMatch(/^VPA {4}MODE +CONTAINER +PODS.*\nshop +Off +app +2 +1 +300m +-70% +2Gi +600Mi +-71% +\$41\.0\d +critical\n/)
  const { out: json } = await bash('kubectl vpa get -A -o json')
  expect(JSON.parse(json).totals).toMatchObject({ vpas: 1, pods: 2, requested: { cpu: 2000 }, recommended: { cpu: 600 } })

  expect(await bash('kubectl vpa report -o csv --fail-on critical -n shop')).toMatchObject({ code: 1, out: expect.stringContaining('shop,shop,Deployment,shop,Off,app,2,1000,'), err: expect.stringContaining('1 of 1 containers are critical or worse: shop/shop/app\n') })

  const { out: explained } = await bash('kubectl vpa explain shop -n shop')
  expect(explained).toContain('cpu: 300m, between 200m and 900m')
  expect(explained).toContain('mode Off only recommends')
  expect(explained).toContain('AdmissionController: There is no MutatingWebhookConfiguration vpa-webhook-config')

  const { out: previewed } = await bash(`kubectl vpa preview -n shop ${directory}/shop.json --mode Recreate`)
  expect(previewed).toMatch(/app +1 -> 300m +- +2Gi -> 600Mi +4Gi -> 1\.17Gi/)

  // What it prints is a patch that the API server takes: then nothing differs any more.
  const patched = await bash(`kubectl vpa diff -n shop > ${directory}/patch.yaml && kubectl patch deployment shop -n shop --patch-file ${directory}/patch.yaml && kubectl vpa diff -n shop --exit-code`)
  expect(patched).toMatchObject({ code: 0, err: 'All manifests say what is recommended already.\n' })
}, 300_000)

test('a report that no longer fails a pipeline, and a page for people', async () => {
  await vi.waitFor(async () => expect(await bash('kubectl vpa report --fail-on ok -n shop')).toMatchObject({ code: 0, out: expect.stringContaining('| shop/shop | Off | app | 2 | 300m → 300m | 0% |') }), { timeout: 90_000, interval: 1000 })
  const { out, code } = await bash('kubectl vpa report -o html')
  expect(code).toBe(0)
  expect(out).toContain('<svg')
  expect(await bash('kubectl vpa explain shpo -n shop')).toMatchObject({ code: 3, err: 'error: no VerticalPodAutoscaler "shpo" in namespace shop: there is shop\n' })
  expect(await bash('kubectl vpa get --sort waist')).toMatchObject({ code: 2, err: expect.stringContaining('Allowed choices are waste, severity, name, cpu, memory.') })
}, 240_000)
