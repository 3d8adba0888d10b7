import type { Pod, Resources } from '@vpa/core/api/pod.ts'
import { type ContainerRecommendation, resourceListJson } from '@vpa/core/api/vpa.ts'
import { milliValue } from '@vpa/core/quantity.ts'
import { Api } from './api.ts'
import { CONTAINER, DEPLOYMENT, type DemoCluster, NAMESPACE, VPA } from './demo-cluster.ts'
import { getVpa } from './kubectl.ts'
import { KwokLoad } from './kwok-load.ts'
import { everyday, full, serviceUnder } from './load.ts'
import { deployment, namespace, vpa } from './objects.ts'
import { type ProgramLog, followPrograms } from './program-log.ts'
import { amountsText, resourcesText } from './resources-text.ts'
import { type Stage, type StoryOptions, stayUp, until } from './stage.ts'
import type { Transcript } from './transcript.ts'
import { Trio } from './trio.ts'

interface KongStage extends Stage {
  readonly cluster: DemoCluster
  readonly load: KwokLoad
  readonly log: ProgramLog
}

const OFFERED_PER_SECOND = 1000

/**
 * Tells the story and checks each of its facts.
 *
 * @throws Error that names the fact that did not come to pass, and what was seen instead
 */
export async function tellKongStory(cluster: DemoCluster, { transcript, keep, signal }: StoryOptions): Promise<void> {
  const api = await Api.open(cluster.kubeconfig)
  const load = new KwokLoad(api, everyday)
  try {
    const before = await heldBack({ api, cluster, load, transcript, signal })
    transcript.chapter('2. Everyday load, and a VerticalPodAutoscaler for the proxy')
    const log = followPrograms(transcript)
    const trio = await Trio.start({ kubeconfig: cluster.programs, intervalSeconds: cluster.intervalSeconds, onLine: log.take })
    try {
      const stage = { api, cluster, load, transcript, log, signal: AbortSignal.any([signal, trio.failed]) }
      await firstRecommendation(stage)
      await evictedAndReplaced(stage)
      await climbs(stage)
      await settled(stage)
      expectEqual(transcript, 'errors logged by the three programs', log.errors(), [])
      close(transcript, before, await runningPod(stage))
      if (keep) {
        await stayUp(stage, [
          `kubectl get vpa,pods -n ${NAMESPACE}; kubectl describe vpa ${VPA} -n ${NAMESPACE}`,
          `npx kubectl-vpa explain ${VPA} -n ${NAMESPACE}; npx kubectl-vpa get -A`,
        ])
      }
    } finally {
      await trio.stop()
    }
  } finally {
    await load.stop()
    await api.removeStory(NAMESPACE)
    await api.close()
  }
}

async function heldBack(stage: Omit<KongStage, 'log'>): Promise<Pod> {
  const { api, transcript } = stage
  transcript.chapter(`1. A proxy that its limit holds back: Deployment ${DEPLOYMENT} in namespace ${NAMESPACE}`)
  await api.create(namespace)
  await api.create(deployment)
  const pod = await runningPod(stage)
  transcript.say(`Pod ${pod.name} runs with ${resourcesText(containerOf(pod))}`)
  transcript.say(`Load test: ${OFFERED_PER_SECOND} requests/s from 800 clients (modelled from the pod's CPU limit, no traffic is sent)`)
  transcript.say(`  ${serviceText(pod)}`)
  return pod
}

async function firstRecommendation(stage: KongStage): Promise<void> {
  const { api, transcript, log } = stage
  await until(stage, 'the recommender to read usage', async () => log.find('ClusterSpec fed with ContainerUsageSamples', ({ accepted }) => Number(accepted) > 0))
  await api.create(vpa)
  transcript.say(`VPA ${VPA}: mode Auto, minReplicas 1, minAllowed 200m/300Mi, maxAllowed 2/2Gi`)
  const recommendation = await until(stage, 'a recommendation', () => recommended(api))
  expectAmounts(transcript, 'target', recommendation.target, { cpu: '200m', memory: '380258472' })
}

async function evictedAndReplaced(stage: KongStage): Promise<void> {
  const { transcript, log } = stage
  const accepted = await until(stage, 'the updater to accept the pod', async () => log.find('Pod accepted for update', () => true))
  expectEqual(transcript, 'priority of the pod', accepted['priority'], 1.8132136917114257)
  const evicted = await until(stage, 'the updater to evict the pod', async () => log.find('Evicting pod', () => true))
  const pod = await runningPod(stage, (candidate) => !String(evicted['pod']).endsWith(candidate.name))
  expectResources(transcript, pod, { requests: { cpu: '200m', memory: '380258472' }, limits: { cpu: '400m', memory: '570387708' } })
}

async function climbs(stage: KongStage): Promise<void> {
  const { api, load, transcript } = stage
  transcript.chapter('3. Full load: a throttled pod shows only what its limit lets through, so the target climbs in steps')
  load.demand = full
  for (;;) {
    const pod = await runningPod(stage)
    const limit = millisOf(containerOf(pod).limits)
    transcript.say(`Pod ${pod.name} runs with ${resourcesText(containerOf(pod))}; ${serviceText(pod)}`)
    const target = await until(stage, 'a target above the throttled usage, or the last one', async () => {
      const recommendation = await recommended(api)
      const { cpu, memory } = resourceListJson(recommendation?.target ?? {})
      const settledAt = cpu === '548m' && memory === '548861636'
      return settledAt || millisOf(recommendation?.target) >= limit ? { text: `${cpu}/${memory}`, settledAt } : undefined
    })
    transcript.say(`  the target is now ${target.text}`)
    if (target.settledAt) return
    await rollOut(stage, pod)
  }
}

async function settled(stage: KongStage): Promise<void> {
  const { api, cluster, transcript } = stage
  transcript.command(...(await getVpa(cluster.kubeconfig, await api.vpa(NAMESPACE, VPA))))
  const recommendation = await recommended(api)
  expectAmounts(transcript, 'target', recommendation?.target, { cpu: '548m', memory: '548861636' })
  expectAmounts(transcript, 'uncappedTarget', recommendation?.uncappedTarget, { cpu: '548m', memory: '548861636' })
  expectAmounts(transcript, 'lowerBound', recommendation?.lowerBound, { cpu: '200m', memory: '300Mi' })
  expectAmounts(transcript, 'upperBound', recommendation?.upperBound, { cpu: '2', memory: '2Gi' })
  const pod = await rollOut(stage, await runningPod(stage))
  expectResources(transcript, pod, { requests: { cpu: '548m', memory: '548861636' }, limits: { cpu: '1096m', memory: '823292454' } })
}

async function rollOut(stage: KongStage, old: Pod): Promise<Pod> {
  stage.transcript.say(`A rollout restart gives the next pod its share: kubectl rollout restart deployment ${DEPLOYMENT} -n ${NAMESPACE}`)
  await stage.api.restart(NAMESPACE, DEPLOYMENT)
  return runningPod(stage, ({ name }) => name !== old.name)
}

function close(transcript: Transcript, before: Pod, after: Pod): void {
  transcript.chapter('4. Before and after, at 1000 requests/s')
  transcript.table(['', 'request', 'limit', 'throughput', 'p99 latency'], [tableRow('before', before), tableRow('after', after)])
}

function tableRow(title: string, pod: Pod): readonly string[] {
  const { requests, limits } = containerOf(pod)
  const service = serviceUnder(OFFERED_PER_SECOND, millisOf(limits))
  return [title, amountsText(requests), amountsText(limits), `${Math.round(service.requestsPerSecond)} requests/s`, `${Math.round(service.p99Ms)} ms`]
}

async function recommended(api: Api): Promise<ContainerRecommendation | undefined> {
  const { status } = await api.vpa(NAMESPACE, VPA)
  return status.recommendation?.containerRecommendations?.find(({ containerName }) => containerName === CONTAINER)
}

function runningPod(stage: Pick<Stage, 'api' | 'cluster' | 'signal'>, wanted: (pod: Pod) => boolean = () => true): Promise<Pod> {
  return until(stage, 'a running pod', async () => {
    const pods = await stage.api.pods(NAMESPACE)
    const ready = pods.filter(({ conditions }) => conditions.some(({ type, status }) => type === 'Ready' && status === 'True'))
    // During a rollout two pods run for a moment: the story goes on when the old one is gone.
    return pods.length === 1 ? ready.find(wanted) : undefined
  })
}

function expectResources(transcript: Transcript, pod: Pod, expected: { requests: Record<string, string>; limits: Record<string, string> }): void {
  const { requests = {}, limits = {} } = containerOf(pod)
  expectEqual(transcript, `requests of pod ${pod.name}`, resourceListJson(requests), expected.requests)
  expectEqual(transcript, `limits of pod ${pod.name}`, resourceListJson(limits), expected.limits)
}

function expectAmounts(transcript: Transcript, what: string, actual: ContainerRecommendation['target'], expected: Record<string, string>): void {
  expectEqual(transcript, what, resourceListJson(actual ?? {}), expected)
}

function expectEqual(transcript: Transcript, what: string, actual: unknown, expected: unknown): void {
  if (text(actual) !== text(expected)) throw new Error(`${what}: expected ${text(expected)}, got ${text(actual)}`)
  transcript.holds(`${what}: ${text(actual)}`)
}

/** `cpu 200m, memory 300Mi`: the same for equal values, whatever the order of their fields. */
function text(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  const parts = Object.entries(value).toSorted().map(([name, part]) => `${name} ${text(part)}`)
  return parts.join(', ') || 'none'
}

function containerOf(pod: Pod): Resources {
  return pod.containers.find(({ name }) => name === CONTAINER) ?? {}
}

function serviceText(pod: Pod): string {
  const { requestsPerSecond, p99Ms } = serviceUnder(OFFERED_PER_SECOND, millisOf(containerOf(pod).limits))
  return `${Math.round(requestsPerSecond)} of ${OFFERED_PER_SECOND} requests/s served, 99 % within ${Math.round(p99Ms)} ms`
}

function millisOf(list: Resources['limits']): number {
  const cpu = list?.['cpu']
  return cpu === undefined ? 0 : Number(milliValue(cpu))
}
