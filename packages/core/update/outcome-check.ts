import type { Pod } from '../api/pod.ts'
import type { Vpa } from '../api/vpa.ts'
import { type DurationMs, type EpochMs, MINUTE, formatDuration } from '../time.ts'
import { backOff, failuresBehind } from './back-off.ts'
import { type ChangeDirections, isOpposite } from './change-directions.ts'
import { type BreakerOptions, CircuitBreaker } from './circuit-breaker.ts'
import type { Moment } from './moment.ts'
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
  /** By uid: the VPA's pods when its turn in this loop began. Later ones are made by the recommendation that this eviction applies. */
  readonly podsBefore: ReadonlySet<string>
  /** Where the replacement will turn up: the pod's immediate controller. */
  readonly group: string
  /** How many pods the controller wanted then. */
  readonly groupSize: number
  readonly directions: ChangeDirections
  /** It ran out of memory: then growing is no flapping, whatever was done before. */
  readonly urgent: boolean
  /** When it was asked for. */
  readonly at: Moment
}

/** Why a VPA must not evict now. */
export type Hold = 'apply-failed' | 'flapping' | 'breaker-open'

/** What keeps a VPA from being acted on; told in its condition ApplyFailed. */
export interface Trouble {
  readonly reason: 'NotAdmitted' | 'Overwritten' | 'NotReplaced' | 'Flapping'
  readonly message: string
  readonly failures: number
  /** Of the first failure, as it is told. */
  readonly since: EpochMs
  /** Of the last one. */
  readonly failedAt: Moment
  /** As it is told; by the system's clock at the last failure. */
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

/** The last eviction of a VPA that was done. */
interface LastDone {
  readonly eviction: Eviction
  /** By uid: pods that are older than the first of the evictions that followed each other in the same direction. */
  readonly podsBefore: ReadonlySet<string>
  readonly flapped: boolean
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
  /** By VPA uid, for flapping. */
  readonly #lastDone = new Map<string, LastDone>()
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
   * Whether the eviction may be done at the moment it is asked for; once granted, it counts until {@link cancel} or {@link judge}.
   *
   * @returns `wait`: ask again when there is a verdict
   */
  tryBegin(eviction: Eviction): 'granted' | 'wait' | Hold {
    const { vpa: { uid }, at } = eviction
    if (!this.#breaker.allows(this.#pending.size, at)) return 'breaker-open'
    const trouble = this.#troubles.get(uid)
    if (trouble !== undefined && at.uptime < retryAt(trouble)) return trouble.reason === 'Flapping' ? 'flapping' : 'apply-failed'
    if (this.#isFlapping(eviction)) {
      this.#flap(eviction)
      return 'flapping'
    }
    const successes = [...this.#successes.values()].reduce((sum, count) => sum + count, 0)
    // What has just failed keeps its place: no more is risked than it takes to open the breaker.
    const room = Math.max(1, this.#options.breakerThreshold + 2 * successes - this.#breaker.recentFailures(at))
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
    const last = this.#lastDone.get(eviction.vpa.uid)
    const goesOn = last !== undefined && this.#isSoonAfter(last, eviction) && !isOpposite(eviction.directions, last.eviction.directions)
    this.#lastDone.set(eviction.vpa.uid, { eviction, podsBefore: goesOn ? last.podsBefore : eviction.podsBefore, flapped: false })
  }

  /** The eviction that a new pod of the group is the answer to. One from before the evicted pod comes late, and tells nothing; both times are the API server's. */
  pendingFor(group: string, { createdAt = Infinity }: Pick<Pod, 'createdAt'>): Eviction | undefined {
    return [...this.#pending].find(({ group: itsGroup, pod }) => itsGroup === group && createdAt >= (pod.createdAt ?? 0))
  }

  /** @param replacement name of the pod that came instead */
  judge(eviction: Eviction, verdict: Verdict, replacement: string, now: Moment): Effect {
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

  /** A well-admitted pod of the VPA is news if it was made after that, by the API server's clock; undefined: it would be none. */
  evidenceAfter(uid: string): EpochMs | undefined {
    const trouble = this.#troubles.get(uid)
    const failedAt = trouble?.reason === 'Flapping' ? undefined : trouble?.failedAt
    return (failedAt ?? this.#breaker.openSince)?.newestPod
  }

  /**
   * Gives up on replacements that have not come. A group that misses a pod after all that time does not get pods back; that is a failure, too.
   *
   * @param isShort whether the eviction's group has fewer pods than its controller wants
   */
  expire(isShort: (eviction: Eviction) => boolean, now: Moment): readonly { readonly eviction: Eviction; readonly effect: Effect }[] {
    const effects = []
    for (const eviction of this.#pending) {
      const age = now.uptime - eviction.at.uptime
      if (age < COMPLETE_AFTER) continue
      const short = isShort(eviction)
      if (short && age < REPLACEMENT_TIMEOUT) continue
      this.#pending.delete(eviction)
      if (!short) continue
      const message = `No pod replaced evicted pod ${eviction.pod.name} within ${formatDuration(REPLACEMENT_TIMEOUT)}: see the events of its controller.`
      effects.push({ eviction, effect: this.#fail(eviction, 'NotReplaced', message, now) })
    }
    for (const [uid, { eviction }] of this.#lastDone) if (now.uptime - eviction.at.uptime >= this.#options.flappingWindow) this.#lastDone.delete(uid)
    for (const [uid, trouble] of this.#troubles) {
      if (trouble.reason === 'Flapping' && now.uptime >= retryAt(trouble) + this.#options.flappingWindow) this.#troubles.delete(uid)
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
  restore(uid: string, { reason, message, since, nextAttempt }: TroubleTold, now: Moment): void {
    const told = (nextAttempt ?? now.now) - now.now
    const failures = failuresBehind(told, this.#options)
    const wait = Math.min(Math.max(backOff(1, this.#options), told), backOff(failures, this.#options))
    this.#troubles.set(uid, { reason, message, since, failures, failedAt: now, nextAttempt: now.now + wait })
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

  #isFlapping(eviction: Eviction): boolean {
    const { vpa, pod, directions, urgent } = eviction
    const last = this.#lastDone.get(vpa.uid)
    if (urgent || last === undefined || last.flapped || !this.#isSoonAfter(last, eviction)) return false
    return !last.podsBefore.has(pod.uid) && isOpposite(directions, last.eviction.directions)
  }

  #isSoonAfter(last: LastDone, { at }: Eviction): boolean {
    return at.uptime - last.eviction.at.uptime < this.#options.flappingWindow
  }

  #flap(eviction: Eviction): void {
    const last = this.#lastDone.get(eviction.vpa.uid)
    if (last === undefined) return
    // Said once; what is tried after the back-off is a new eviction, which may flap again.
    this.#lastDone.set(eviction.vpa.uid, { ...last, flapped: true })
    const [what = '', direction = ''] = [...eviction.directions].find(([key, way]) => last.eviction.directions.get(key) !== way) ?? []
    const message = `Pod ${eviction.pod.name} is to be evicted because ${what} should go ${direction}, ${formatDuration(eviction.at.uptime - last.eviction.at.uptime)} after pod ${last.eviction.pod.name} was evicted for the opposite reason: the recommendation is not stable.`
    this.#trouble(eviction.vpa.uid, 'Flapping', message, eviction.at)
  }

  #fail(eviction: Eviction, reason: Trouble['reason'], message: string, now: Moment): Effect {
    const { uid } = eviction.vpa
    this.#successes.clear()
    const trouble = this.#trouble(uid, reason, message, now)
    return this.#breaker.fail(uid, eviction.at, now) ? { trouble, breaker: 'opened' } : { trouble }
  }

  #trouble(uid: string, reason: Trouble['reason'], message: string, now: Moment): Trouble {
    const before = this.#troubles.get(uid)
    const failures = (before?.failures ?? 0) + 1
    const trouble = { reason, message, failures, since: before?.since ?? now.now, failedAt: now, nextAttempt: now.now + backOff(failures, this.#options) }
    this.#troubles.set(uid, trouble)
    return trouble
  }

  #pendingOf(uid: string): number {
    return [...this.#pending].filter(({ vpa }) => vpa.uid === uid).length
  }
}

/** The uptime of the next attempt: whoever sets the system's clock makes the wait neither longer nor shorter. */
function retryAt({ failedAt, nextAttempt }: Trouble): DurationMs {
  return failedAt.uptime + nextAttempt - failedAt.now
}
