import type { Pod } from '../api/pod.ts'
import type { Vpa } from '../api/vpa.ts'
import { type DurationMs, type EpochMs, MINUTE, formatDuration } from '../time.ts'
import { backOff, failuresBehind } from './back-off.ts'
import { type ChangeDirections, isOpposite } from './change-directions.ts'
import { type BreakerOptions, CircuitBreaker } from './circuit-breaker.ts'
import { type Verdict, describeMismatches } from './replacement.ts'

/** `breakerThreshold` is also how many evictions a loop begins with. */
export interface OutcomeOptions extends BreakerOptions {
  /** A replacement that is to be evicted for the opposite reason within this time is flapping. */
  readonly flappingWindow: DurationMs
}

/** One eviction, known from just before it is done until its outcome is. */
export interface Eviction {
  readonly vpa: Vpa
  readonly pod: Pod
  /** Where the replacement will turn up: the pod's immediate controller. */
  readonly group: string
  /** How many pods the controller wanted then. */
  readonly groupSize: number
  readonly directions: ChangeDirections
  /** It ran out of memory: then growing is no flapping, whatever was done before. */
  readonly urgent: boolean
  readonly at: EpochMs
}

/** Why a VPA must not evict now. */
export type Hold = 'apply-failed' | 'flapping' | 'breaker-open'

/** What keeps a VPA from being acted on; told in its condition ApplyFailed. */
export interface Trouble {
  readonly reason: 'NotAdmitted' | 'Overwritten' | 'NotReplaced' | 'Flapping'
  readonly message: string
  readonly failures: number
  readonly since: EpochMs
  readonly failedAt: EpochMs
  readonly nextAttempt: EpochMs
}

/** What of a trouble its condition tells. */
export interface TroubleTold extends Pick<Trouble, 'reason' | 'message' | 'since'> {
  /** undefined where it is not told, or not as a time. */
  readonly nextAttempt?: EpochMs | undefined
}

/** What changed by a verdict, to be told. */
export interface Effect {
  readonly trouble?: Trouble
  readonly breaker?: 'opened' | 'closed'
}

/** A pod that has not come back by then does not come back by itself. */
const REPLACEMENT_TIMEOUT = 5 * MINUTE
/** Where a group is complete without a new pod, it was made smaller meanwhile. */
const COMPLETE_AFTER = MINUTE

/**
 * Looks at what became of evictions, and says which may be done next.
 *
 * A loop begins with a few evictions, one per VPA; each replacement that comes back as recommended makes room for three more,
 * so that a thousand take a handful of rounds, and a webhook that changes nothing is found out after a handful of pods.
 * A VPA whose replacement comes back otherwise waits, ever longer. When several VPAs fail in a row, all wait ({@link CircuitBreaker}),
 * until a single eviction after the back-off goes well, or any new pod shows that the webhook works.
 */
export class OutcomeCheck {
  readonly #options: OutcomeOptions
  readonly #pending = new Set<Eviction>()
  readonly #troubles = new Map<string, Trouble>()
  /** By VPA uid: the last eviction that was done, for flapping. */
  readonly #lastDone = new Map<string, { readonly eviction: Eviction; readonly flapped: boolean }>()
  readonly #breaker: CircuitBreaker
  /** By VPA uid: how often it went well in this loop, since the last failure of any. */
  readonly #successes = new Map<string, number>()

  constructor(options: OutcomeOptions) {
    this.#options = options
    this.#breaker = new CircuitBreaker(options)
  }

  /** Trust is earned anew in each loop. */
  beginLoop(): void {
    this.#successes.clear()
  }

  /**
   * Whether the eviction may be done now; once granted, it counts until {@link cancel} or {@link judge}.
   *
   * @returns `wait`: ask again when there is a verdict
   */
  tryBegin(eviction: Eviction, now: EpochMs): 'granted' | 'wait' | Hold {
    const { uid } = eviction.vpa
    if (!this.#breaker.allows(this.#pending.size, now)) return 'breaker-open'
    const trouble = this.#troubles.get(uid)
    if (trouble !== undefined && now < trouble.nextAttempt) return trouble.reason === 'Flapping' ? 'flapping' : 'apply-failed'
    if (this.#isFlapping(eviction, now)) {
      this.#flap(eviction, now)
      return 'flapping'
    }
    const successes = [...this.#successes.values()].reduce((sum, count) => sum + count, 0)
    // What has just failed keeps its place: no more is risked than it takes to open the breaker.
    const room = Math.max(1, this.#options.breakerThreshold + 2 * successes - this.#breaker.recentFailures(now))
    if (this.#pending.size >= room || this.#pendingOf(uid) >= 1 + 2 * (this.#successes.get(uid) ?? 0)) return 'wait'
    this.#pending.add(eviction)
    return 'granted'
  }

  /** It was not done after all, or nothing can be learned from it. */
  cancel(eviction: Eviction): void {
    this.#pending.delete(eviction)
  }

  /** It was done, or may have been. */
  done(eviction: Eviction): void {
    this.#lastDone.set(eviction.vpa.uid, { eviction, flapped: false })
  }

  /** The eviction that a new pod of the group is the answer to. One from before the evicted pod comes late, and tells nothing; both times are the API server's. */
  pendingFor(group: string, { createdAt = Infinity }: Pick<Pod, 'createdAt'>): Eviction | undefined {
    return [...this.#pending].find(({ group: itsGroup, pod }) => itsGroup === group && createdAt >= (pod.createdAt ?? 0))
  }

  /** @param replacement name of the pod that came instead */
  judge(eviction: Eviction, verdict: Verdict, replacement: string, now: EpochMs): Effect {
    this.#pending.delete(eviction)
    switch (verdict.verdict) {
      case 'applied':
        return this.succeed(eviction.vpa.uid)
      case 'not-judged':
        return {}
      case 'not-applied': {
        const found = `Pod ${replacement}, which replaced evicted pod ${eviction.pod.name}, does not have what is recommended: ${describeMismatches(verdict.mismatches)}.`
        return verdict.why === 'not-admitted'
          ? this.#fail(eviction, 'NotAdmitted', `${found} The admission webhook did not change it: see that vpa-admission-controller can be reached with a valid certificate.`, now)
          : this.#fail(eviction, 'Overwritten', `${found} The admission webhook set it, and something after it set it back: see which other webhooks or controllers write resources.`, now)
      }
    }
  }

  /** A pod of the VPA came with what is recommended, whether or not instead of an evicted one. */
  succeed(uid: string): Effect {
    this.#successes.set(uid, (this.#successes.get(uid) ?? 0) + 1)
    if (this.#troubles.get(uid)?.reason !== 'Flapping') this.#troubles.delete(uid)
    return this.#breaker.succeed() ? { breaker: 'closed' } : {}
  }

  /** Since when a well-admitted new pod of the VPA would be news; undefined when it would be none. */
  evidenceSince(uid: string): EpochMs | undefined {
    const trouble = this.#troubles.get(uid)
    return trouble?.reason === 'Flapping' ? this.#breaker.openSince : (trouble?.failedAt ?? this.#breaker.openSince)
  }

  /**
   * Gives up on replacements that have not come. A group that misses a pod after all that time does not get pods back; that is a failure, too.
   *
   * @param isShort whether the eviction's group has fewer pods than its controller wants
   */
  expire(isShort: (eviction: Eviction) => boolean, now: EpochMs): readonly { readonly eviction: Eviction; readonly effect: Effect }[] {
    const effects = []
    for (const eviction of this.#pending) {
      const age = now - eviction.at
      if (age < COMPLETE_AFTER) continue
      const short = isShort(eviction)
      if (short && age < REPLACEMENT_TIMEOUT) continue
      this.#pending.delete(eviction)
      if (!short) continue
      const message = `No pod replaced evicted pod ${eviction.pod.name} within ${formatDuration(REPLACEMENT_TIMEOUT)}: see the events of its controller.`
      effects.push({ eviction, effect: this.#fail(eviction, 'NotReplaced', message, now) })
    }
    for (const [uid, { reason, nextAttempt }] of this.#troubles) {
      if (reason === 'Flapping' && now >= nextAttempt + this.#options.flappingWindow) this.#troubles.delete(uid)
    }
    return effects
  }

  /** Forgets all but these VPAs. */
  keepOnly(uids: ReadonlySet<string>): void {
    this.#breaker.keepOnly(uids)
    for (const memory of [this.#troubles, this.#lastDone]) for (const uid of memory.keys()) if (!uids.has(uid)) memory.delete(uid)
    for (const eviction of this.#pending) if (!uids.has(eviction.vpa.uid)) this.#pending.delete(eviction)
  }

  /** What the condition tells of the time before a restart: the VPA counts as having failed, and waits for as long as is told there, but at least as after a first failure. */
  restore(uid: string, { reason, message, since, nextAttempt: told }: TroubleTold, now: EpochMs): void {
    const nextAttempt = told ?? now
    const failures = failuresBehind(nextAttempt - now, this.#options)
    const [shortest, longest] = [now + backOff(1, this.#options), now + backOff(failures, this.#options)]
    this.#troubles.set(uid, { reason, message, since, failures, failedAt: now, nextAttempt: Math.min(Math.max(shortest, nextAttempt), longest) })
    if (reason !== 'Flapping') this.#breaker.fail(uid, now, now)
  }

  troubleOf(uid: string): Trouble | undefined {
    return this.#troubles.get(uid)
  }

  get troubles(): number {
    return this.#troubles.size
  }

  get isOpen(): boolean {
    return this.#breaker.openSince !== undefined
  }

  #isFlapping({ vpa, pod, directions, urgent }: Eviction, now: EpochMs): boolean {
    const last = this.#lastDone.get(vpa.uid)
    if (urgent || last === undefined || last.flapped || now - last.eviction.at >= this.#options.flappingWindow) return false
    // Pods from before that eviction were not made by the recommendation that it applied.
    const isReplacement = (pod.createdAt ?? 0) + MINUTE >= last.eviction.at && pod.uid !== last.eviction.pod.uid
    return isReplacement && isOpposite(directions, last.eviction.directions)
  }

  #flap(eviction: Eviction, now: EpochMs): void {
    const last = this.#lastDone.get(eviction.vpa.uid)
    if (last === undefined) return
    // Said once; what is tried after the back-off is a new eviction, which may flap again.
    this.#lastDone.set(eviction.vpa.uid, { ...last, flapped: true })
    const [what = '', direction = ''] = [...eviction.directions].find(([key, way]) => last.eviction.directions.get(key) !== way) ?? []
    const message = `Pod ${eviction.pod.name} is to be evicted because ${what} should go ${direction}, ${formatDuration(now - last.eviction.at)} after pod ${last.eviction.pod.name} was evicted for the opposite reason: the recommendation is not stable.`
    this.#trouble(eviction.vpa.uid, 'Flapping', message, now)
  }

  #fail(eviction: Eviction, reason: Trouble['reason'], message: string, now: EpochMs): Effect {
    const { uid } = eviction.vpa
    this.#successes.clear()
    const trouble = this.#trouble(uid, reason, message, now)
    return this.#breaker.fail(uid, eviction.at, now) ? { trouble, breaker: 'opened' } : { trouble }
  }

  #trouble(uid: string, reason: Trouble['reason'], message: string, now: EpochMs): Trouble {
    const before = this.#troubles.get(uid)
    const failures = (before?.failures ?? 0) + 1
    const trouble = { reason, message, failures, since: before?.since ?? now, failedAt: now, nextAttempt: now + backOff(failures, this.#options) }
    this.#troubles.set(uid, trouble)
    return trouble
  }

  #pendingOf(uid: string): number {
    return [...this.#pending].filter(({ vpa }) => vpa.uid === uid).length
  }
}
