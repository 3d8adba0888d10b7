import { type Amount, RESOURCES, type Resource } from '../amount.ts'
import { DAY, type DurationMs, type EpochMs } from '../time.ts'
import { POINTS, Track, type TrackPoint } from './track.ts'

/** More containers than this are not followed: with all that belongs to them, they take 45 MB. */
export const MOST_TRACKS = 20_000

/** One resource of one container over time: millicores or bytes, one for each of {@link Series.times}; undefined where nothing is known. */
export interface ResourceSeries {
  /** Of the pod that used most. */
  readonly usage: readonly (Amount | undefined)[]
  /** Of all pods; CPU only. */
  readonly average?: readonly (Amount | undefined)[]
  readonly request: readonly (Amount | undefined)[]
  readonly limit: readonly (Amount | undefined)[]
  readonly target: readonly (Amount | undefined)[]
  readonly lowerBound: readonly (Amount | undefined)[]
  readonly upperBound: readonly (Amount | undefined)[]
}

export interface Series extends Readonly<Record<Resource, ResourceSeries>> {
  /** When each point begins, at the same distance from each other, the oldest first. */
  readonly times: readonly EpochMs[]
  readonly step: DurationMs
}

/**
 * What containers used and were given over the last day, in a bounded amount of memory. It begins with a point for each turn of the
 * loop; whenever its points are used up they become half as many and twice as long, until they reach over a day: 96 of 16 minutes.
 */
export class Timeline {
  #step: DurationMs
  #first: EpochMs | undefined
  #tracks = new Map<string, Track>()

  /** @param interval between two turns of the loop, at least 1 ms */
  constructor(interval: DurationMs) {
    this.#step = interval
  }

  get size(): number {
    return this.#tracks.size
  }

  /**
   * Begins a turn: makes room for its point, and forgets containers of which nothing came for as long as points are kept.
   * Every track of the turn is recorded with the same time.
   */
  begin(now: EpochMs): void {
    this.#first ??= now
    while (this.#slot(now) - this.#slot(this.#first) >= POINTS && this.#step * POINTS < DAY) {
      this.#step *= 2
      this.#tracks = new Map([...this.#tracks].map(([key, track]) => [key, track.coarser()]))
    }
    for (const [key, { latest }] of this.#tracks) if (latest <= this.#slot(now) - POINTS) this.#tracks.delete(key)
  }

  /**
   * @param key such as uid and container
   * @param now that of {@link begin}
   */
  record(key: string, now: EpochMs, point: TrackPoint): void {
    let track = this.#tracks.get(key)
    if (track === undefined) {
      if (this.#tracks.size >= MOST_TRACKS) return
      track = new Track(this.#slot(now))
      this.#tracks.set(key, track)
    }
    track.record(this.#slot(now), point)
  }

  /** @returns undefined for what was never recorded */
  seriesOf(key: string, now: EpochMs): Series | undefined {
    const track = this.#tracks.get(key)
    if (track === undefined) return undefined
    const slots = this.#slots(now)
    const points = slots.map((slot) => track.at(slot))
    const values = (name: keyof TrackPoint) => points.map((point) => point[name])
    const seriesOf = (resource: Resource): ResourceSeries => ({
      usage: values(`${resource}Most`),
      ...(resource === 'cpu' && { average: values('cpuAverage') }),
      request: values(`${resource}Request`),
      limit: values(`${resource}Limit`),
      target: values(`${resource}Target`),
      lowerBound: values(`${resource}LowerBound`),
      upperBound: values(`${resource}UpperBound`),
    })
    const [cpu, memory] = RESOURCES.map(seriesOf) as [ResourceSeries, ResourceSeries]
    return { times: slots.map((slot) => slot * this.#step), step: this.#step, cpu, memory }
  }

  /** From the first point of all, or the oldest that is kept, to now. */
  #slots(now: EpochMs): readonly number[] {
    const last = this.#slot(now)
    const first = Math.max(this.#slot(this.#first ?? now), last - POINTS + 1)
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index)
  }

  #slot(at: EpochMs): number {
    return Math.floor(at / this.#step)
  }
}
