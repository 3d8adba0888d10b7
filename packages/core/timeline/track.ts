import type { Amount } from '../amount.ts'
import { UNKNOWN, amountOfCode, codeOf } from './amount-code.ts'

/** So many points of usage are kept. */
export const POINTS = 96
/** What changes seldom is kept once for so many of them. */
const POINTS_PER_SETTING = 4
/** One more than fit into the points: the oldest and the newest may both be kept in part. */
const SETTING_SLOTS = POINTS / POINTS_PER_SETTING + 1

/** What the pods' containers use: on average, and the one that uses most. */
const USAGES = ['cpuAverage', 'cpuMost', 'memoryMost'] as const
/** What they request, may use, and should request. */
const SETTINGS = ['cpuRequest', 'cpuLimit', 'cpuTarget', 'cpuLowerBound', 'cpuUpperBound', 'memoryRequest', 'memoryLimit', 'memoryTarget', 'memoryLowerBound', 'memoryUpperBound'] as const

const FIRST_SETTING = USAGES.length * POINTS

/** Millicores and bytes; what is undefined is not known, or not set. */
export type TrackPoint = { readonly [Value in (typeof USAGES)[number] | (typeof SETTINGS)[number]]: Amount | undefined }

/**
 * A container's usage, requests, limits and recommendation over time, in 1,076 bytes: two
 * rings of 16-bit codes. A slot is the number of
 * a span of time since 1970, so that all tracks of a timeline share their time axis, and two slots make one of twice the length.
 */
export class Track {
  /** Both rings in one array: each array of its own takes another 250 bytes. */
  readonly #codes = new Uint16Array(FIRST_SETTING + SETTINGS.length * SETTING_SLOTS)
  #latest: number
  /** Moments that the latest point tells of, for its average. */
  #moments = 0

  constructor(slot: number) {
    this.#latest = slot
  }

  get latest(): number {
    return this.#latest
  }

  /** Of several moments of one slot, the highest usage counts, the average, and the last settings. An older slot than the latest is passed over. */
  record(slot: number, point: TrackPoint): void {
    if (slot < this.#latest) return
    this.#advance(slot)
    this.#moments += 1
    this.#setUsage(slot, {
      cpuAverage: averaged(this.#usageAt(slot, 'cpuAverage'), point.cpuAverage, this.#moments),
      cpuMost: highest(this.#usageAt(slot, 'cpuMost'), point.cpuMost),
      memoryMost: highest(this.#usageAt(slot, 'memoryMost'), point.memoryMost),
    })
    for (const [index, name] of SETTINGS.entries()) this.#codes[settingIndex(index, slot)] = codeOf(point[name])
  }

  /** All of it is undefined where nothing was recorded, or too long ago. */
  at(slot: number): TrackPoint {
    const isKept = slot <= this.#latest && slot > this.#latest - POINTS
    const usages = USAGES.map((name) => [name, isKept ? this.#usageAt(slot, name) : undefined])
    const settings = SETTINGS.map((name, index) => [name, isKept ? amountOfCode(this.#codes[settingIndex(index, slot)] ?? UNKNOWN) : undefined])
    return Object.fromEntries([...usages, ...settings]) as TrackPoint
  }

  /** The same history in slots twice as long, which is half as many. All tracks become coarser in one turn of the loop, which must not be held up: so codes are taken over, which grow with their amounts. */
  coarser(): Track {
    const track = new Track(Math.floor(this.#latest / 2))
    for (let slot = this.#latest - POINTS + 1; slot <= this.#latest; slot += 1) {
      if (slot % 2 === 0) track.#moments = 0
      if (track.#takeHalf(this.#codes, slot)) track.#moments += 1
    }
    return track
  }

  /** What the codes of slots half as long tell of one of them, which come in order. Returns whether they tell anything. */
  #takeHalf(codes: Uint16Array, slot: number): boolean {
    const whole = Math.floor(slot / 2)
    let isKnown = false
    for (let usage = 0; usage < USAGES.length; usage += 1) {
      const [to, now] = [usageIndex(usage, whole), codes[usageIndex(usage, slot)] ?? UNKNOWN]
      const before = this.#codes[to] ?? UNKNOWN
      this.#codes[to] = USAGES[usage] === 'cpuAverage' ? averageCode(before, now) : Math.max(before, now)
      isKnown ||= now !== UNKNOWN
    }
    for (let setting = 0; setting < SETTINGS.length; setting += 1) isKnown ||= codes[settingIndex(setting, slot)] !== UNKNOWN
    if (isKnown) for (let setting = 0; setting < SETTINGS.length; setting += 1) this.#codes[settingIndex(setting, whole)] = codes[settingIndex(setting, slot)] ?? UNKNOWN
    return isKnown
  }

  /** What lies between the latest slot and this one is not known. */
  #advance(slot: number): void {
    if (slot === this.#latest) return
    this.#moments = 0
    const first = Math.max(this.#latest + 1, slot - POINTS + 1)
    for (let next = first; next <= slot; next += 1) {
      this.#setUsage(next, {})
      const isNewSetting = next % POINTS_PER_SETTING === 0 || (next === first && first > this.#latest + 1)
      if (isNewSetting) for (const index of SETTINGS.keys()) this.#codes[settingIndex(index, next)] = UNKNOWN
    }
    this.#latest = slot
  }

  #usageAt(slot: number, name: (typeof USAGES)[number]): Amount | undefined {
    return amountOfCode(this.#codes[usageIndex(USAGES.indexOf(name), slot)] ?? UNKNOWN)
  }

  #setUsage(slot: number, usage: Partial<Pick<TrackPoint, (typeof USAGES)[number]>>): void {
    for (const [index, name] of USAGES.entries()) this.#codes[usageIndex(index, slot)] = codeOf(usage[name])
  }
}

function usageIndex(usage: number, slot: number): number {
  return usage * POINTS + (slot % POINTS)
}

function settingIndex(setting: number, slot: number): number {
  return FIRST_SETTING + setting * SETTING_SLOTS + (Math.floor(slot / POINTS_PER_SETTING) % SETTING_SLOTS)
}

function averageCode(one: number, other: number): number {
  const [a, b] = [amountOfCode(one), amountOfCode(other)]
  return one === other || a === undefined || b === undefined ? Math.max(one, other) : codeOf((a + b) / 2)
}

function averaged(before: Amount | undefined, now: Amount | undefined, moments: number): Amount | undefined {
  if (before === undefined || now === undefined) return now ?? before
  return before + (now - before) / moments
}

function highest(before: Amount | undefined, now: Amount | undefined): Amount | undefined {
  return before === undefined || now === undefined ? (now ?? before) : Math.max(before, now)
}
