import { setTimeout as sleep } from 'node:timers/promises'
import { milliValue } from '@vpa/core/quantity.ts'
import type { Pod } from '@vpa/core/api/pod.ts'
import { Api } from './api.ts'
import { CONTAINER, DEPLOYMENT, NAMESPACE, VPA } from './demo-cluster.ts'
import type { RealCluster } from './real-cluster.ts'
import { CLIENTS, OFFERED_PER_SECOND, deployment, namespace, programs, vpa } from './real-objects.ts'
import { amountsText, resourcesText } from './resources-text.ts'
import { type Stage, type StoryOptions, stayUp, until } from './stage.ts'
import type { Transcript } from './transcript.ts'

interface RealStage extends Stage {
  readonly cluster: RealCluster
}

/** What the clients got, over some seconds. */
interface Service {
  readonly requestsPerSecond: number
  /** The middle one of the seconds' p99. */
  readonly p99Ms: number
}

const MEASURED_SECONDS = 12

/**
 * The story of the proxy that its limit holds back, with real containers: throttled by the kernel, measured by kubelet and
 * metrics-server, resized in place while its clients go on. Checks each of its facts.
 *
 * @throws Error that names the fact that did not come to pass, and what was seen instead
 */
export async function tellRealStory(cluster: RealCluster, { transcript, keep, signal }: StoryOptions): Promise<void> {
  const api = await Api.open(cluster.kubeconfig)
  const stage = { api, cluster, transcript, signal }
  try {
    transcript.chapter(`1. A proxy that its limit holds back: Deployment ${DEPLOYMENT} in namespace ${NAMESPACE}`)
    for (const object of [namespace, await programs(), deployment]) await api.create(object)
    const before = await until(stage, 'the pod to run', () => storyPod(api, ({ containerStatuses }) => containerStatuses.length === 2 && containerStatuses.every(({ state }) => state === 'running')))
    transcript.say(`Pod ${before.name} runs with ${resourcesText(givenTo(before))}`)
    const served = await measure(stage)

    transcript.chapter('2. A VerticalPodAutoscaler in mode InPlaceOrRecreate; the trio runs as pods in kube-system')
    await api.create(vpa)
    const recommendation = await until(stage, 'a recommendation', async () => (await api.vpa(NAMESPACE, VPA)).status.recommendation?.containerRecommendations?.find(({ containerName }) => containerName === CONTAINER))
    transcript.say(`From what the kubelet measured: ${amountsText(recommendation.uncappedTarget)}; recommended, with the VPA's minAllowed: ${amountsText(recommendation.target)}`)
    transcript.command(`kubectl get vpa -n ${NAMESPACE}`, await cluster.kubectl('get', 'vpa', '-n', NAMESPACE))
    const after = await until(stage, 'the kubelet to have applied it', () => storyPod(api, (pod) => cpuLimitOf(pod) >= 700))
    transcript.say(`Pod ${after.name} runs with ${resourcesText(givenTo(after))}`)
    expectThat(transcript, 'the same pod, its containers never restarted', after.uid === before.uid && after.containerStatuses.every(({ restartCount }) => restartCount === 0))
    const servedAfter = await measure(stage)

    transcript.chapter(`3. Before and after, at ${OFFERED_PER_SECOND} requests/s offered`)
    const row = (title: string, pod: Pod, { requestsPerSecond, p99Ms }: Service) => [title, amountsText(givenTo(pod).requests), amountsText(givenTo(pod).limits), `${Math.round(requestsPerSecond)} requests/s`, `${p99Ms} ms`]
    transcript.table(['', 'request', 'limit', 'throughput', 'p99 latency'], [row('before', before, served), row('after', after, servedAfter)])
    expectThat(transcript, 'it serves more requests than before, and faster', servedAfter.requestsPerSecond > 1.3 * served.requestsPerSecond && servedAfter.p99Ms < served.p99Ms)
    if (keep) await stayUp(stage, ['kubectl get vpa,pods -A; kubectl top pods -A; kubectl logs -n kube-system deployment/vpa-updater'])
  } finally {
    await api.removeStory(NAMESPACE)
    await api.close()
  }
}

async function measure({ cluster, transcript, signal }: RealStage): Promise<Service> {
  // What was under way before belongs to neither.
  await sleep((MEASURED_SECONDS + 2) * 1000, undefined, { signal })
  const log = await cluster.kubectl('logs', '-n', NAMESPACE, `deployment/${DEPLOYMENT}`, '-c', CLIENTS, '--tail', String(MEASURED_SECONDS))
  const seconds = log.trim().split('\n').map((line) => JSON.parse(line) as { answered: number; p99Ms: number })
  const requestsPerSecond = seconds.reduce((sum, { answered }) => sum + answered, 0) / seconds.length
  const p99Ms = seconds.map(({ p99Ms }) => p99Ms).toSorted((a, b) => a - b)[Math.floor(seconds.length / 2)] ?? 0
  transcript.say(`  ${Math.round(requestsPerSecond)} of ${OFFERED_PER_SECOND} requests/s served, 99 % within ${p99Ms} ms (measured for ${seconds.length} s)`)
  return { requestsPerSecond, p99Ms }
}

async function storyPod(api: Api, fits: (pod: Pod) => boolean): Promise<Pod | undefined> {
  const [pod, ...others] = await api.pods(NAMESPACE)
  return pod !== undefined && others.length === 0 && fits(pod) ? pod : undefined
}

function expectThat(transcript: Transcript, fact: string, holds: boolean): void {
  if (!holds) throw new Error(`expected, but not seen: ${fact}`)
  transcript.holds(fact)
}

/** What the kubelet has given the proxy, and not what the spec asks for. */
function givenTo({ containerStatuses }: Pod) {
  return containerStatuses.find(({ name }) => name === CONTAINER)?.resources ?? {}
}

function cpuLimitOf(pod: Pod): number {
  const cpu = givenTo(pod).limits?.['cpu']
  return cpu === undefined ? 0 : Number(milliValue(cpu))
}

