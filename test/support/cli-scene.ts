import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Sandbox, startSandbox } from '@vpa/sandbox/sandbox.ts'
import { type CheckpointStatus, checkpointStatusJson } from '@vpa/core/api/checkpoint.ts'
import { Aggregate } from '@vpa/core/history/aggregate.ts'
import { saveCheckpoint } from '@vpa/core/history/checkpoint.ts'
import { DAY, HOUR, MINUTE, SECOND, formatTime } from '@vpa/core/time.ts'
import { expect, onTestFinished } from 'vitest'
import { runCommandLine } from '../../packages/kubectl-vpa/command-line.ts'
import { type FakeClock, fakeClock } from './fake-clock.ts'

export interface CliScene {
  readonly sandbox: Sandbox
  readonly clock: FakeClock
  readonly directory: string
  /** Runs `kubectl vpa …` against the sandbox; the line is split at spaces. */
  vpa(line: string, options?: { readonly signal?: AbortSignal; readonly colours?: boolean; readonly out?: (text: string) => void }): Promise<{ readonly code: number; readonly out: string; readonly err: string }>
}

/** An embedded cluster, ten seconds after it started. */
export async function cliScene(build: (sandbox: Sandbox) => Promise<void> = async () => {}): Promise<CliScene> {
  const clock = fakeClock()
  const sandbox = await startSandbox({ clock, step: SECOND })
  const directory = await mkdtemp(join(tmpdir(), 'kubectl-vpa-'))
  const kubeconfig = join(directory, 'config')
  await writeFile(kubeconfig, sandbox.kubeconfig)
  onTestFinished(async () => {
    await sandbox.stop()
    await rm(directory, { recursive: true })
  })
  await build(sandbox)
  await clock.advance(10 * SECOND)
  await sandbox.settle()
  return {
    sandbox,
    clock,
    directory,
    async vpa(line, { signal = new AbortController().signal, colours = false, out = () => {} } = {}) {
      const printed = { out: '', err: '' }
      const code = await runCommandLine(line.split(' ').filter(Boolean), {
        out: (text) => {
          printed.out += text
          out(text)
        },
        err: (text) => void (printed.err += text),
        isTerminal: false,
        colours,
        clock,
        signal,
        kubeconfigs: async () => [kubeconfig],
      })
      return { code, ...printed }
    },
  }
}

export interface DeploymentFacts {
  readonly replicas?: number
  readonly namespace?: string
  readonly resources?: Readonly<Record<string, { readonly requests?: object; readonly limits?: object }>>
  readonly usage?: { readonly cpuMillicores: number; readonly memoryBytes: number }
}

/** Deployment with pods of container `app`, unless told otherwise. */
export async function deploy(sandbox: Sandbox, name: string, { replicas = 2, namespace = 'default', resources = { app: {} }, usage }: DeploymentFacts = {}): Promise<void> {
  const labels = { app: name }
  const containers = Object.entries(resources).map(([container, amounts]) => ({ name: container, image: container, resources: amounts }))
  if (usage) for (const { name: container } of containers) sandbox.load(namespace, labels, container, () => usage)
  await sandbox.apply({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { namespace, name }, spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } } })
}

/** A VPA of the Deployment of its name, and what its recommender has said. */
export async function autoscale(sandbox: Sandbox, name: string, { namespace = 'default', spec = {}, status }: { readonly namespace?: string; readonly spec?: object; readonly status?: object } = {}): Promise<void> {
  await sandbox.apply({ apiVersion: 'autoscaling.k8s.io/v1', kind: 'VerticalPodAutoscaler', metadata: { namespace, name }, spec: { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name }, ...spec } })
  if (status === undefined) return
  const path = `/apis/autoscaling.k8s.io/v1/namespaces/${namespace}/verticalpodautoscalers/${name}/status`
  const answer = await fetch(sandbox.url + path, { method: 'PATCH', headers: { 'content-type': 'application/merge-patch+json' }, body: JSON.stringify({ status }) })
  expect(answer.status).toBe(200)
}

export function recommended(containers: Readonly<Record<string, object>>, conditions: readonly object[] = [{ type: 'RecommendationProvided', status: 'True', lastTransitionTime: '2026-03-01T00:00:00Z' }]): object {
  return { recommendation: { containerRecommendations: Object.entries(containers).map(([containerName, amounts]) => ({ containerName, ...amounts })) }, conditions }
}

/** A day and a half of usage up to the scene's beginning, a sample a minute: mostly around these amounts, at noon twice as much. */
export async function remember(sandbox: Sandbox, vpa: string, { container = 'app', cpuMillicores, memoryBytes }: { readonly container?: string; readonly cpuMillicores: number; readonly memoryBytes: number }): Promise<void> {
  const end = Date.UTC(2026, 2, 1)
  const usage = new Aggregate({ cpu: DAY, memory: DAY })
  for (let at = end - 36 * HOUR; at < end; at += MINUTE) {
    const minute = at / MINUTE
    const isNoon = minute % (24 * 60) >= 12 * 60 && minute % (24 * 60) < 14 * 60
    usage.addCpu(Math.round(cpuMillicores * (isNoon ? 2 : 1) * (0.8 + (minute % 7) / 15)), at)
    if (minute % (12 * 60) === 0) usage.addMemoryPeak(memoryBytes, at)
  }
  await keep(sandbox, vpa, container, saveCheckpoint(usage, end))
}

async function keep(sandbox: Sandbox, vpa: string, container: string, status: CheckpointStatus): Promise<void> {
  await sandbox.apply({ apiVersion: 'autoscaling.k8s.io/v1', kind: 'VerticalPodAutoscalerCheckpoint', metadata: { namespace: 'default', name: `${vpa}-${container}` }, spec: { vpaObjectName: vpa, containerName: container }, status: checkpointStatusJson(status) })
}

/** As an admission controller that works leaves them. */
export async function admit(sandbox: Sandbox, now: number): Promise<void> {
  await sandbox.apply({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { namespace: 'kube-system', name: 'vpa-admission-controller' }, spec: { holderIdentity: 'admission', renewTime: formatTime(now).replace('Z', '.000000Z') } })
  const clientConfig = { url: 'https://127.0.0.1:1/', caBundle: '' }
  const rules = [{ operations: ['CREATE'], apiGroups: ['autoscaling.k8s.io'], apiVersions: ['v9'], resources: ['nothing'], scope: '*' }]
  await sandbox.apply({ apiVersion: 'admissionregistration.k8s.io/v1', kind: 'MutatingWebhookConfiguration', metadata: { name: 'vpa-webhook-config' }, webhooks: [{ name: 'vpa.k8s.io', admissionReviewVersions: ['v1'], clientConfig, rules, sideEffects: 'None' }] })
}
