import { hasStartupBoost } from '@vpa/core/admit/startup-boost.ts'
import type { Pod } from '@vpa/core/api/pod.ts'
import { type Vpa, updateModeOf } from '@vpa/core/api/vpa.ts'
import { VpaIndex } from '@vpa/core/target/match.ts'
import { selectorOfTarget } from '@vpa/core/target/target-check.ts'
import type { DurationMs, EpochMs } from '@vpa/core/time.ts'
import type { OutcomeOptions } from '@vpa/core/update/outcome-check.ts'
import { ResizeTimes } from '@vpa/core/update/resize-status.ts'
import type { Clock } from '@vpa/kube/clock.ts'
import type { Cluster } from '@vpa/kube/cluster.ts'
import type { ExecutionTimer } from '@vpa/kube/execution-timer.ts'
import { LimitsByNamespace } from '@vpa/kube/limits-by-namespace.ts'
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
import { type LoopContext, type LoopMemory, vpaPass } from './vpa-pass.ts'

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

/** The loop: gather VPAs and their pods -> decide -> evict or resize -> tell. One VPA that cannot be handled never holds up others. */
export class Updater {
  readonly #options: UpdaterOptions
  readonly #memory: LoopMemory
  readonly #limits: LimitsByNamespace
  readonly #deprecation: DeprecationNotice
  /** undefined: outcomes are not looked at. */
  readonly #outcomes: OutcomeWatch | undefined
  /** By uid: the VPAs that the last loop had no time for. */
  #unfinished: ReadonlySet<string> = new Set()

  constructor(options: UpdaterOptions) {
    const { clock, cluster, log, outcome, rateLimit } = options
    this.#options = options
    this.#memory = {
      evictionLimit: new RateLimit({ ...rateLimit, clock }),
      resizeLimit: new RateLimit({ ...rateLimit, clock }),
      resizeTimes: new ResizeTimes(),
      infeasible: new Map(),
      leaving: new Map(),
      hourly: new Hourly(),
    }
    this.#limits = new LimitsByNamespace(cluster.limitRanges)
    this.#deprecation = new DeprecationNotice(log)
    this.#outcomes = outcome && new OutcomeWatch({ ...options, outcome, limits: this.#limits })
  }

  /** One loop. */
  async tick(): Promise<void> {
    const { admissionStatus, metrics } = this.#options
    const timer = metrics.startLoop()
    if (admissionStatus === undefined || (await isAdmissionControllerAlive(admissionStatus, this.#options))) await this.#update(timer)
    await this.#tellTroubles()
    timer.end()
  }

  /** Its steps bear upstream's names in the metric of their durations; a loop that is cut short has no last one. */
  async #update(timer: ExecutionTimer): Promise<void> {
    const { clock, cluster, metrics } = this.#options
    const [now, uptime] = [clock.now(), clock.uptime()]
    const servesResize = await cluster.servesResize()
    const acting = [...cluster.vpas.list()].filter(mayAct)
    const vpas = this.#withTarget(acting)
    this.#deprecation.give(vpas)
    timer.endStep('ListVPAs')
    const pods = [...cluster.pods.list()]
    const running = new Set(this.#running(pods, uptime))
    timer.endStep('ListPods')
    const allPodsOf = podsByVpa(vpas, pods, cluster)
    const podsOf = new Map([...allPodsOf].map(([vpa, itsPods]) => [vpa, itsPods.filter((pod) => running.has(pod))]))
    timer.endStep('FilterPods')
    this.#refreshMemory(running, now, uptime)
    this.#outcomes?.beginLoop(podsOf, acting)
    timer.endStep('AdmissionInit')
    const ended = await this.#updateInOrder(podsOf, { now, uptime, servesResize, allPodsOf })
    if (ended.length === podsOf.size) timer.endStep('EvictPods')
    this.#record(podsOf, ended, uptime)
    await metrics.forgetGone(cluster.vpas)
  }

  #withTarget(vpas: readonly Vpa[]): readonly Vpa[] {
    const { cluster, log } = this.#options
    const withTarget: Vpa[] = []
    for (const vpa of vpas) {
      const answer = selectorOfTarget(vpa, cluster.workload)
      if ('selector' in answer) withTarget.push(vpa)
      else log.info('Failed to get the target selector of a VPA, skipping it', { vpa: `${vpa.namespace}/${vpa.name}`, reason: answer.failed })
    }
    return withTarget
  }

  /** Those that have a node, and are not on their way out as far as anybody knows. */
  #running(pods: readonly Pod[], uptime: DurationMs): readonly Pod[] {
    const { leaving } = this.#memory
    for (const [uid, until] of leaving) if (until <= uptime) leaving.delete(uid)
    return pods.filter(({ deleting, nodeName, uid }) => !deleting && nodeName !== undefined && !leaving.has(uid))
  }

  #refreshMemory(pods: ReadonlySet<Pod>, now: EpochMs, uptime: DurationMs): void {
    const { resizeTimes, infeasible, hourly } = this.#memory
    resizeTimes.observe(pods, now)
    const uids = new Set([...pods].map(({ uid }) => uid))
    for (const uid of infeasible.keys()) if (!uids.has(uid)) infeasible.delete(uid)
    hourly.forgetOld(uptime)
  }

  /** @returns what came of those VPAs that the loop came to the end of */
  async #updateInOrder(podsOf: PodsByVpa, loop: Pick<LoopContext, 'now' | 'uptime' | 'servesResize' | 'allPodsOf'>): Promise<readonly VpaOutcome[]> {
    const { cluster, log, metrics, update } = this.#options
    if (podsOf.size === 0) log.info('No VPA objects to process')
    const ordered = [...podsOf].toSorted(([a], [b]) => this.#rank(a) - this.#rank(b))
    const context = { ...this.#memory, ...loop, cluster, limits: this.#limits, log, options: update, outcomes: this.#outcomes }
    return withinInterval(this.#options, (signal) => updateAll(ordered, { ...context, signal }, metrics))
  }

  /** What the loop before had no time for goes first; what did not achieve anything before goes last. */
  #rank(vpa: Vpa): number {
    return Number(!this.#unfinished.has(vpa.uid)) + 2 * Number(this.#outcomes?.isInTrouble(vpa) ?? false)
  }

  #record(podsOf: PodsByVpa, ended: readonly VpaOutcome[], uptime: DurationMs): void {
    const { cluster, log, metrics } = this.#options
    for (const outcome of ended) tellLeftAlone(outcome, { cluster, hourly: this.#memory.hourly, uptime })
    const endedUids = new Set(ended.map(({ vpa }) => vpa.uid))
    this.#unfinished = new Set([...podsOf.keys()].map(({ uid }) => uid).filter((uid) => !endedUids.has(uid)))
    if (this.#unfinished.size > 0) log.warn('The loop had no time for all VPAs', { unfinished: this.#unfinished.size })
    metrics.publishLoop(ended)
  }

  /** What was told before outcomes were not looked at any more would stand for ever. */
  #tellTroubles(): Promise<void> {
    return this.#outcomes ? this.#outcomes.publish() : tellTroubles(this.#options, () => undefined)
  }
}

/** Whether anything may ever be done to the VPA's pods once they run. */
function mayAct(vpa: Vpa): boolean {
  const mode = updateModeOf(vpa)
  return (mode !== 'Off' && mode !== 'Initial') || hasStartupBoost(vpa)
}

type PodsByVpa = ReadonlyMap<Vpa, readonly Pod[]>

function podsByVpa(vpas: readonly Vpa[], pods: readonly Pod[], { workload }: Cluster): PodsByVpa {
  const index = new VpaIndex(vpas)
  const podsOf = new Map<Vpa, Pod[]>(vpas.map((vpa) => [vpa, []]))
  for (const pod of pods) {
    const vpa = index.controllingVpa(pod, workload)
    if (vpa !== undefined) podsOf.get(vpa)?.push(pod)
  }
  return podsOf
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
