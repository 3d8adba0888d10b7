import type { Pod } from '@vpa/core/api/pod.ts'
import type { Vpa } from '@vpa/core/api/vpa.ts'
import { controllerOf } from '@vpa/core/target/owner.ts'
import { type DurationMs, type EpochMs, SECOND } from '@vpa/core/time.ts'
import { troubleTold } from '@vpa/core/update/apply-failed.ts'
import type { Moment } from '@vpa/core/update/moment.ts'
import { type Effect, type Eviction, type Hold, OutcomeCheck, type OutcomeOptions } from '@vpa/core/update/outcome-check.ts'
import { type Verdict, hasMark, judgeReplacement } from '@vpa/core/update/replacement.ts'
import type { Clock } from '@vpa/kube/clock.ts'
import type { Change, Cluster } from '@vpa/kube/cluster.ts'
import type { LimitsByNamespace } from '@vpa/kube/limits-by-namespace.ts'
import type { Log } from '@vpa/kube/log.ts'
import { regardingVpa } from '@vpa/kube/regarding.ts'
import type { Metrics } from './metrics.ts'
import { tellTroubles } from './tell-troubles.ts'

export interface OutcomeWatchOptions {
  readonly cluster: Cluster
  readonly limits: LimitsByNamespace
  readonly log: Log
  readonly clock: Clock
  readonly metrics: Metrics
  readonly outcome: OutcomeOptions
  /** Ends the watch. */
  readonly signal: AbortSignal
}

/** What is known of an eviction before it may be done. */
export type EvictionPlan = Omit<Eviction, 'at' | 'group'>

export type Admission = { readonly granted: Eviction } | { readonly held: Hold | 'replacement-awaited' }

/** So long one VPA waits in a loop for replacements to show how they were admitted; then its next pods wait for the next loop. */
const LONGEST_WAIT: DurationMs = 10 * SECOND

/**
 * Watches the pods that come in place of evicted ones, and holds back evictions while they do not come back as recommended.
 * What it finds is kept in memory and told: in the log, metrics, Events, and the condition ApplyFailed of the VPA, from which
 * an updater that has just started learns it.
 */
export class OutcomeWatch {
  readonly #options: OutcomeWatchOptions
  readonly #check: OutcomeCheck
  #changed = Promise.withResolvers<void>()
  #hasBegun = false
  /** When the newest pod was made, also if it is gone. Where the API server's clock is set back, no pod is evidence until it has caught up; what is evicted after a back-off is judged all the same. */
  #newestPod: EpochMs = -Infinity

  constructor(options: OutcomeWatchOptions) {
    this.#options = options
    this.#check = new OutcomeCheck(options.outcome)
    for (const { createdAt = -Infinity } of options.cluster.pods.list()) this.#newestPod = Math.max(this.#newestPod, createdAt)
    options.signal.addEventListener('abort', options.cluster.pods.subscribe((change) => this.#see(change)), { once: true })
  }

  /**
   * @param podsOf all VPAs that may be acted on, with their live pods
   * @param vpas those and the others whose target cannot be found now: it may be found again before their back-off is over
   */
  beginLoop(podsOf: ReadonlyMap<Vpa, readonly Pod[]>, vpas: readonly Vpa[]): void {
    const now = this.#moment()
    if (!this.#hasBegun) for (const vpa of vpas) this.#restore(vpa, now)
    this.#hasBegun = true
    this.#check.beginLoop()
    this.#check.keepOnly(new Set(vpas.map(({ uid }) => uid)))
    const size = this.#groupSizes()
    for (const { eviction, effect } of this.#check.expire((eviction) => this.#isShort(eviction, size), now)) this.#tell(eviction.vpa, 'not-replaced', effect)
    for (const [vpa, pods] of podsOf) this.#lookForEvidence(vpa, pods)
  }

  /** Whether a VPA is in trouble: others are better suited to find out whether all is well. */
  isInTrouble({ uid }: Vpa): boolean {
    return this.#check.troubleOf(uid) !== undefined
  }

  /** Resolves when the eviction may be done, or is held back. Whoever is granted one must tell what came of it: {@link done} or {@link cancel}. */
  async admit(plan: EvictionPlan, signal: AbortSignal): Promise<Admission> {
    const first = this.#ask(plan)
    if (first !== undefined) return first
    const over = new AbortController()
    let waits = true
    const wait = this.#options.clock.sleep(LONGEST_WAIT, AbortSignal.any([signal, over.signal])).then(() => void (waits = false))
    try {
      for (;;) {
        await Promise.race([this.#changed.promise, wait])
        const answer = this.#ask(plan)
        if (answer !== undefined) return answer
        if (!waits) return { held: 'replacement-awaited' }
      }
    } finally {
      over.abort()
    }
  }

  done(eviction: Eviction): void {
    this.#check.done(eviction)
  }

  cancel(eviction: Eviction): void {
    this.#check.cancel(eviction)
    this.#wake()
  }

  /** Brings the conditions of the VPAs up to date, once it is known what they told before. */
  async publish(): Promise<void> {
    const { metrics } = this.#options
    metrics.outcomeState({ inTrouble: this.#check.troubles, breakerOpen: this.#check.isOpen })
    if (this.#hasBegun) await tellTroubles(this.#options, (uid) => this.#check.troubleOf(uid))
  }

  #ask(plan: EvictionPlan): Admission | undefined {
    const eviction = { ...plan, group: groupOf(plan.pod), at: this.#moment() }
    const before = this.#check.troubleOf(plan.vpa.uid)
    const answer = this.#check.tryBegin(eviction)
    if (answer === 'granted') return { granted: eviction }
    const trouble = this.#check.troubleOf(plan.vpa.uid)
    if (trouble !== undefined && trouble !== before) this.#tell(plan.vpa, 'flapping', { trouble })
    return answer === 'wait' ? undefined : { held: answer }
  }

  /** A new pod: perhaps the replacement of one that was evicted. */
  #see({ before, now: pod }: Change<Pod>): void {
    if (pod === undefined || before !== undefined) return
    this.#newestPod = Math.max(this.#newestPod, pod.createdAt ?? -Infinity)
    const { cluster } = this.#options
    const eviction = this.#check.pendingFor(groupOf(pod), pod)
    if (eviction === undefined || pod.uid === eviction.pod.uid) return
    const vpa = cluster.vpas.get(eviction.vpa.namespace, eviction.vpa.name)
    if (vpa?.uid !== eviction.vpa.uid) return this.cancel(eviction)
    const verdict = this.#judge(pod, [eviction.vpa, vpa])
    this.#tell(vpa, nameOf(verdict), this.#check.judge(eviction, verdict, pod.name, this.#moment()))
  }

  /** Pods come for other reasons than ours, too: a scaled-up group, a rollout. One that was admitted well ends the trouble. */
  #lookForEvidence(vpa: Vpa, pods: readonly Pod[]): void {
    const after = this.#check.evidenceAfter(vpa.uid)
    if (after === undefined) return
    const isEvidence = (pod: Pod) => (pod.createdAt ?? -Infinity) > after && hasMark(pod, vpa) && this.#judge(pod, [vpa]).verdict === 'applied'
    if (pods.some(isEvidence)) this.#tell(vpa, 'applied', this.#check.succeed(vpa.uid))
  }

  #judge(pod: Pod, vpas: readonly Vpa[]): Verdict {
    return judgeReplacement({ vpas, pod, ...this.#options.limits.of(pod.namespace) })
  }

  #restore(vpa: Vpa, now: Moment): void {
    const told = troubleTold(vpa, now.now)
    if (told !== undefined) this.#check.restore(vpa.uid, told, now)
  }

  #tell(vpa: Vpa, outcome: string, { trouble, breaker }: Effect): void {
    const { cluster, log, metrics } = this.#options
    const name = `${vpa.namespace}/${vpa.name}`
    const regarding = regardingVpa(vpa)
    metrics.countOutcome(outcome)
    log.debug('Outcome of an eviction', { vpa: name, outcome })
    if (trouble !== undefined) {
      const { reason, message, failures } = trouble
      const nextAttempt = new Date(trouble.nextAttempt).toISOString()
      log.warn('Evictions of a VPA are held back', { vpa: name, reason, message, failures, nextAttempt })
      cluster.event({ regarding, type: 'Warning', reason: 'ApplyFailed', message })
    }
    if (breaker === 'opened') {
      log.error('Evictions are stopped for all VPAs: the replacements of several came back without what is recommended', { vpa: name, threshold: this.#options.outcome.breakerThreshold })
      cluster.event({ regarding, type: 'Warning', reason: 'EvictionsStopped', message: 'Evictions are stopped for all VPAs, because the pods of several of them came back without what is recommended.' })
    }
    if (breaker === 'closed') log.info('Evictions go on: a new pod was admitted with what is recommended', { vpa: name })
    this.#wake()
  }

  #moment(): Moment {
    const { clock } = this.#options
    return { uptime: Math.round(clock.uptime()), now: clock.now(), newestPod: this.#newestPod }
  }

  #wake(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }

  #groupSizes(): ReadonlyMap<string, number> {
    const sizes = new Map<string, number>()
    for (const pod of this.#options.cluster.pods.list()) if (!pod.deleting) sizes.set(groupOf(pod), (sizes.get(groupOf(pod)) ?? 0) + 1)
    return sizes
  }

  /** A controller that does not say how many pods it wants is taken to want as many as before; but a Job comes to its end. */
  #isShort({ pod, group, groupSize }: Eviction, sizes: ReadonlyMap<string, number>): boolean {
    const owner = controllerOf(pod)
    if (owner === undefined || owner.kind === 'Job') return false
    const answer = this.#options.cluster.workload(pod.namespace, owner)
    const gone = 'missing' in answer && answer.missing === 'not-found' ? 0 : groupSize
    return (sizes.get(group) ?? 0) < ('found' in answer ? (answer.found.replicas ?? groupSize) : gone)
  }
}

/** Upstream's creator: the controller that makes the replacement. */
function groupOf(pod: Pod): string {
  const owner = controllerOf(pod)
  return `${pod.namespace}/${owner?.kind}/${owner?.name}`
}

function nameOf(verdict: Verdict): string {
  return verdict.verdict === 'not-applied' ? verdict.why : verdict.verdict
}
