import { hasStartupBoost } from '@vpa/core/admit/startup-boost.ts'
import type { Pod } from '@vpa/core/api/pod.ts'
import { type Recommendation, type Vpa, updateModeOf } from '@vpa/core/api/vpa.ts'
import { VpaIndex } from '@vpa/core/target/match.ts'
import { selectorOfTarget } from '@vpa/core/target/target-check.ts'
import type { DurationMs } from '@vpa/core/time.ts'
import type { OutcomeOptions } from '@vpa/core/update/outcome-check.ts'
import { ResizeTimes } from '@vpa/core/update/resize-status.ts'
import type { Clock } from '@vpa/kube/clock.ts'
import type { Cluster } from '@vpa/kube/cluster.ts'
import type { Log } from '@vpa/kube/log.ts'
import { RateLimit } from '@vpa/kube/rate-limit.ts'
import { workThrough } from '@vpa/kube/work-through.ts'
import { type AdmissionStatusOptions, isAdmissionControllerAlive } from './admission-status.ts'
import { DeprecationNotice } from './deprecation-notice.ts'
import { Hourly } from './hourly.ts'
import { tellLeftAlone } from './left-alone-notice.ts'
import type { Metrics, VpaOutcome } from './metrics.ts'
import { OutcomeWatch } from './outcome-watch.ts'
import { emptyTally } from './tally.ts'
import { tellTroubles } from './tell-troubles.ts'
import { updateVpa } from './update-vpa.ts'
import { type LoopContext, vpaPass } from './vpa-pass.ts'

/**
 * VPAs that are worked on at a time, each with one request at most. An eviction is a second's wait and hardly any work where many are
 * under way; of what follows them, the new pods, the API server does the less before they are done the more of them it has at hand.
 */
export const WORKERS = 100

export interface UpdaterOptions {
  readonly cluster: Cluster
  readonly log: Log
  readonly clock: Clock
  readonly metrics: Metrics
  readonly update: LoopContext['options']
  /** Evictions a second and at once; resizes in place have a bucket of their own of the same size. */
  readonly rateLimit: { readonly rate: number; readonly burst: number }
  /** undefined: evict without looking at what comes of it, as upstream does. */
  readonly outcome: OutcomeOptions | undefined
  /** A loop that has not ended by then is cut short; the next one goes on. */
  readonly interval: DurationMs
  /** undefined: act whether or not there is an admission controller. */
  readonly admissionStatus: AdmissionStatusOptions | undefined
  readonly signal: AbortSignal
}

/** @returns one loop: gather VPAs and their pods, decide what is to be updated, do it, record it */
export function updaterTick(options: UpdaterOptions): () => Promise<void> {
  const { cluster, log, clock, metrics, outcome } = options
  const limit = { ...options.rateLimit, clock }
  const memory = {
    evictionLimit: new RateLimit(limit),
    resizeLimit: new RateLimit(limit),
    resizeTimes: new ResizeTimes(),
    infeasible: new Map<string, Recommendation>(),
    leaving: new Map<string, DurationMs>(),
    hourly: new Hourly(),
  }
  const deprecation = new DeprecationNotice(log)
  const outcomes = outcome && new OutcomeWatch({ ...options, outcome })
  let unfinished: ReadonlySet<string> = new Set()

  return async () => {
    const steps = metrics.startLoop()
    if (options.admissionStatus === undefined || (await isAdmissionControllerAlive(options.admissionStatus, options))) {
      const [now, uptime] = [clock.now(), clock.uptime()]
      const servesResize = await cluster.servesResize()
      const acting = [...cluster.vpas.list()].filter(mayAct)
      const vpas = acting.filter((vpa) => hasTarget(vpa, cluster, log))
      deprecation.give(vpas)
      steps.endStep('ListVPAs')
      for (const [uid, until] of memory.leaving) if (until <= uptime) memory.leaving.delete(uid)
      const pods = [...cluster.pods.list()].filter(({ deleting, nodeName, uid }) => !deleting && nodeName !== undefined && !memory.leaving.has(uid))
      steps.endStep('ListPods')
      const podsOf = podsByVpa(vpas, pods, cluster)
      steps.endStep('FilterPods')
      memory.resizeTimes.observe(pods, now)
      forgetGone(memory.infeasible, pods)
      memory.hourly.forgetOld(uptime)
      outcomes?.beginLoop(podsOf, acting)
      steps.endStep('AdmissionInit')

      if (vpas.length === 0) log.info('No VPA objects to process')
      // What the loop before had no time for goes first; what did not achieve anything before goes last.
      const rank = (vpa: Vpa) => Number(!unfinished.has(vpa.uid)) + 2 * Number(outcomes?.isInTrouble(vpa) ?? false)
      const ordered = [...podsOf].toSorted(([a], [b]) => rank(a) - rank(b))
      const ended = await withinInterval(options, (signal) => updateAll(ordered, { ...memory, cluster, log, now, uptime, options: options.update, servesResize, outcomes, signal }, metrics))
      for (const outcome of ended) tellLeftAlone(outcome, { cluster, hourly: memory.hourly, uptime })
      const endedUids = new Set(ended.map(({ vpa }) => vpa.uid))
      unfinished = new Set(ordered.map(([{ uid }]) => uid).filter((uid) => !endedUids.has(uid)))
      if (unfinished.size === 0) steps.endStep('EvictPods')
      else log.warn('The loop had no time for all VPAs', { unfinished: unfinished.size })
      metrics.publishLoop(ended)
      await metrics.forgetGone(cluster.vpas)
    }
    // What was told before outcomes were not looked at any more would stand for ever.
    await (outcomes ? outcomes.publish() : tellTroubles(options, () => undefined))
    steps.end()
  }
}

/** Whether anything may ever be done to the VPA's pods once they run. */
function mayAct(vpa: Vpa): boolean {
  const mode = updateModeOf(vpa)
  return (mode !== 'Off' && mode !== 'Initial') || hasStartupBoost(vpa)
}

function hasTarget(vpa: Vpa, { workload }: Cluster, log: Log): boolean {
  const answer = selectorOfTarget(vpa, workload)
  if ('selector' in answer) return true
  log.info('Failed to get the target selector of a VPA, skipping it', { vpa: `${vpa.namespace}/${vpa.name}`, reason: answer.failed })
  return false
}

function podsByVpa(vpas: readonly Vpa[], pods: readonly Pod[], { workload }: Cluster): ReadonlyMap<Vpa, readonly Pod[]> {
  const index = new VpaIndex(vpas)
  const podsOf = new Map<Vpa, Pod[]>(vpas.map((vpa) => [vpa, []]))
  for (const pod of pods) {
    const vpa = index.controllingVpa(pod, workload)
    if (vpa !== undefined) podsOf.get(vpa)?.push(pod)
  }
  return podsOf
}

function forgetGone(infeasible: Map<string, Recommendation>, pods: readonly Pod[]): void {
  const uids = new Set(pods.map(({ uid }) => uid))
  for (const uid of infeasible.keys()) if (!uids.has(uid)) infeasible.delete(uid)
}

/**
 * Several VPAs at a time, each with one pod after the other. One VPA that fails does not hold up the others.
 *
 * @returns what came of those VPAs that the loop came to the end of
 */
async function updateAll(podsOf: readonly (readonly [Vpa, readonly Pod[]])[], context: LoopContext, metrics: Metrics): Promise<readonly VpaOutcome[]> {
  const ended: VpaOutcome[] = []
  await workThrough(podsOf, WORKERS, async ([vpa, pods]) => {
    if (context.signal.aborted) return false
    const outcome = { vpa, podCount: pods.length, tally: emptyTally() }
    if (await tryToUpdate(context, outcome, pods)) ended.push(outcome)
    metrics.countVpa(outcome)
    return true
  })
  return ended
}

/** @returns false when the loop has come to its end before the VPA's pods were all looked at */
async function tryToUpdate(context: LoopContext, { vpa, tally }: VpaOutcome, pods: readonly Pod[]): Promise<boolean> {
  try {
    return await updateVpa(vpaPass(context, vpa, pods, tally))
  } catch (error) {
    context.log.error('Failed to update the pods of a VPA', { vpa: `${vpa.namespace}/${vpa.name}`, error })
    return true
  }
}

async function withinInterval<T>({ clock, interval, signal }: UpdaterOptions, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const deadline = new AbortController()
  const done = new AbortController()
  void clock.sleep(interval, AbortSignal.any([done.signal, signal])).then(() => deadline.abort())
  try {
    return await work(deadline.signal)
  } finally {
    done.abort()
  }
}
