import type { Amount } from '../amount.ts'
import type { DurationMs, EpochMs } from '../time.ts'
import { CPU_BUCKETS, MEMORY_BUCKETS } from './buckets.ts'
import { Histogram } from './histogram.ts'

export interface HalfLives {
  readonly cpu: DurationMs
  readonly memory: DurationMs
}

/** The same for every CPU sample, whatever the container requests; the age of a sample is what makes it lighter. */
const CPU_SAMPLE_WEIGHT = 0.1
const MEMORY_PEAK_WEIGHT = 1

/** Which samples a distribution was made of. Only CPU samples count, also for memory (upstream: AggregateContainerState). */
export interface SampleSpan {
  readonly first: EpochMs | undefined
  readonly last: EpochMs | undefined
  readonly count: number
}

const NO_SAMPLES: SampleSpan = { first: undefined, last: undefined, count: 0 }

/** The usage of alike containers: the distributions of their CPU usage, in cores, and of their memory peaks, in bytes. */
export class Aggregate {
  readonly cpu: Histogram
  readonly memoryPeaks: Histogram
  #first: EpochMs
  #last: EpochMs
  #count: number

  constructor(halfLives: HalfLives, { first = Infinity, last = -Infinity, count }: SampleSpan = NO_SAMPLES) {
    this.cpu = new Histogram(CPU_BUCKETS, halfLives.cpu)
    this.memoryPeaks = new Histogram(MEMORY_BUCKETS, halfLives.memory)
    this.#first = first
    this.#last = last
    this.#count = count
  }

  get span(): SampleSpan {
    return { first: finite(this.#first), last: finite(this.#last), count: this.#count }
  }

  /** Neither a CPU sample nor a memory peak: an OOM may come before the first sample. */
  isEmpty(): boolean {
    return this.#count === 0 && this.memoryPeaks.isEmpty()
  }

  addCpu(millicores: Amount, at: EpochMs): void {
    this.cpu.add(millicores / 1000, CPU_SAMPLE_WEIGHT, at)
    this.#first = Math.min(this.#first, at)
    this.#last = Math.max(this.#last, at)
    this.#count += 1
  }

  /** @param windowEnd the end of the interval whose highest usage this is: up to one interval in the future */
  addMemoryPeak(bytes: Amount, windowEnd: EpochMs): void {
    this.memoryPeaks.add(bytes, MEMORY_PEAK_WEIGHT, windowEnd)
  }

  subtractMemoryPeak(bytes: Amount, windowEnd: EpochMs): void {
    this.memoryPeaks.subtract(bytes, MEMORY_PEAK_WEIGHT, windowEnd)
  }

  merge(other: Aggregate): void {
    this.cpu.merge(other.cpu)
    this.memoryPeaks.merge(other.memoryPeaks)
    this.#first = Math.min(this.#first, other.#first)
    this.#last = Math.max(this.#last, other.#last)
    this.#count += other.#count
  }
}

function finite(time: EpochMs): EpochMs | undefined {
  return Number.isFinite(time) ? time : undefined
}
