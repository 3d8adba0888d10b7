import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Api } from '../../hack/demo/api.ts'
import { readCatalogue } from '../../hack/monitoring/catalogue.ts'
import type { ProgramName } from '../../hack/program-names.ts'
import { CHART, type Helm, findHelm } from '../chart/helm.ts'
import { containerOf, deploymentOf } from '../chart/manifest.ts'
import { Program } from '../support/program.ts'
import { kubeconfig, kubectlEnvironment } from './control-plane.ts'

const run = promisify(execFile)
const env = { ...process.env, ...kubectlEnvironment }
const found = findHelm()
/** Kinds of which this cluster has no definition. */
const FOREIGN = new Set(['cert-manager.io/v1', 'monitoring.coreos.com/v1'])

async function bash(command: string): Promise<string> {
  const { stdout, stderr } = await run('bash', ['-c', command], { env, timeout: 200_000 })
  return stdout + stderr
}

const accepted = (text: string) => text.split('\n').filter((line) => line.endsWith('(server dry run)')).toSorted()
const leases = (...names: string[]) => vi.waitFor(async () => expect(await left('leases')).toEqual(names.map((name) => `lease.coordination.k8s.io/${name}`)), { timeout: 60_000, interval: 500 })
const left = (kinds: string) => bash(`kubectl get ${kinds} -n kube-system -o name`).then((names) => names.split('\n').filter((name) => /vpa|verticalpodautoscaler/.test(name)))

beforeAll(() => bash('hack/vpa-down.sh'))
afterAll(() => bash('hack/vpa-down.sh'))

test('kustomize makes the objects of hack/vpa-up.sh', async () => {
  const [kustomized, scripted] = await Promise.all([bash('kubectl kustomize manifests | kubectl apply --dry-run=server -f -'), bash('hack/vpa-process-yamls.sh print | kubectl apply --dry-run=server -f -')])
  expect(accepted(kustomized).length).toBeGreaterThan(30)
  expect(accepted(kustomized)).toEqual(accepted(scripted))
})

describe.skipIf(found === undefined)('the chart', () => {
  const helm = found as Helm
  const runHelm = (...args: string[]) => helm.run(args, { env: kubectlEnvironment })

  test.for([
    ['by default', {}],
    ['with cert-manager', { admissionController: { certManager: { enabled: true, createSelfSignedIssuer: { enabled: true } } } }],
    ['with everything to watch it by', { monitoring: { podMonitor: { enabled: true }, serviceMonitor: { enabled: true }, prometheusRule: { enabled: true }, dashboard: { enabled: true } }, networkPolicy: { enabled: true, metricsFrom: [{ podSelector: {} }] } }],
    ['for a single namespace', { vpaObjectNamespace: 'default' }],
  ] as const)('is accepted by the API server %s', async ([, values]) => {
    const known = helm.render(values).filter(({ apiVersion }) => !FOREIGN.has(apiVersion))
    const list = { apiVersion: 'v1', kind: 'List', items: known }
    const applying = bash(`kubectl apply --server-side --dry-run=server --validate=strict -f - <<'JSON'\n${JSON.stringify(list)}\nJSON`)
    expect(accepted(await applying)).toHaveLength(known.length)
  })

  describe('installed where pod security is "restricted"', () => {
    const started = new Set<Program>()
    let folder: string
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'vpa-chart-'))
      await bash('kubectl label namespace kube-system pod-security.kubernetes.io/enforce=restricted --overwrite')
      runHelm('install', 'vpa', CHART, '--namespace=kube-system', '--wait', '--timeout=120s')
    })
    afterAll(async () => {
      await Promise.all([...started].map((program) => program.stop()))
      runHelm('uninstall', 'vpa', '--namespace=kube-system', '--ignore-not-found')
      await bash('kubectl label namespace kube-system pod-security.kubernetes.io/enforce-')
      await rm(folder, { recursive: true })
    })

    test('all pods come up, and the same again changes nothing', async () => {
      const columns = 'KIND:.kind,NAME:.metadata.name,GENERATION:.metadata.generation,READY:.status.readyReplicas'
      const inCluster = `kubectl get deployments,poddisruptionbudgets,mutatingwebhookconfigurations -n kube-system -l app.kubernetes.io/instance=vpa -o custom-columns=${columns} --no-headers`
      const before = await bash(inCluster)
      expect(before.match(/Deployment .* 2\n/g)).toHaveLength(3)
      runHelm('upgrade', 'vpa', CHART, '--namespace=kube-system')
      expect(await bash(inCluster)).toBe(before)
    })

    test('each program does its work with the flags and the rights that it has there, and is refused nothing', async () => {
      const manifests = helm.render()
      const api = await Api.open(kubeconfig)
      const startAs = async (program: ProgramName) => start(program, containerOf(deploymentOf(manifests, program)).args, await api.writeServiceAccountKubeconfig(`vpa-vertical-pod-autoscaler-${program}`, kubeconfig, join(folder, program)))
      // An updater without an admission controller would rightly complain.
      const admission = await startAs('admission-controller')
      await leases('vpa-admission-controller')
      const programs = [admission, ...(await Promise.all([startAs('recommender'), startAs('updater')]))]
      await api.close()
      await leases('vpa-admission-controller', 'vpa-recommender-lease', 'vpa-updater-lease')
      const caBundle = await bash('kubectl get mutatingwebhookconfiguration vpa-webhook-config -o jsonpath={.webhooks[0].clientConfig.caBundle}')
      expect(Buffer.from(caBundle, 'base64').toString()).toContain('BEGIN CERTIFICATE')
      for (const program of programs) expect(await undocumented(program)).toEqual([])
      expect(programs.flatMap(({ lines }) => lines).filter(({ level }) => level === 'warn' || level === 'error')).toEqual([])
    })

    test('uninstalled, it leaves the CRDs with all VPA objects, and no webhook that nobody answers', async () => {
      await Promise.all([...started].map((program) => program.stop()))
      runHelm('uninstall', 'vpa', '--namespace=kube-system', '--wait')
      expect(await left('deployments,services,serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings,mutatingwebhookconfigurations,poddisruptionbudgets')).toEqual([])
      expect(await left('customresourcedefinitions')).toHaveLength(2)
    })

    /** A program with its flags of the chart, but on ports of loopback. */
    async function start(name: ProgramName, args: readonly string[], account: string): Promise<Program> {
      const portsOf = { recommender: ['--dashboard-address=127.0.0.1:0'], updater: [], 'admission-controller': ['--port=0', '--tls-cert-file=/none', '--shutdown-delay=0s'] }
      const program = new Program(name, account, [...args, ...portsOf[name]])
      started.add(program)
      await program.said(name === 'admission-controller' ? 'Serving admission reviews' : 'Became leader')
      return program
    }
  })
})

/** The metrics that a program serves and docs/metrics.md does not have. */
async function undocumented(program: Program): Promise<string[]> {
  const text = await program.metrics()
  const documented = new Set((await readCatalogue()).map(({ name }) => name))
  return [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name).filter((name) => !/^(nodejs|process)_/.test(name) && !documented.has(name))
}
