import { join } from 'node:path'
import { freePort } from '../../hack/demo/free-port.ts'
import type { ProgramName } from '../../hack/program-names.ts'
import { bundledCommand } from '../bench/bundled-program.ts'
import { MeasuredProgram, until } from '../bench/measured-program.ts'
import { median } from '../bench/report.ts'
import { meansOf, slopeErrorOf, slopeOf } from './linear-fit.ts'

const MOST_MIB_PER_HOUR = 1
/** Twice the standard error of a fit; one that is less certain says nothing of {@link MOST_MIB_PER_HOUR}. */
const MOST_ERROR = 2
const MOST_LAG_MS = 50
/** Growth of file descriptors that is no leak: connections are opened as needed. */
const SPARE_FILES = 5
/** Memory of one moment is much like that of the one before: single samples would make the error of a fit look far smaller than it is. */
const MEANS = 10

export interface SoakedProgramOptions {
  readonly name: ProgramName
  readonly kubeconfig: string
  readonly flags: readonly string[]
  /** Gets its log. */
  readonly directory: string
}

interface Sample {
  /** Since the soak began. */
  readonly hours: number
  readonly rssMib: number
  readonly files: number
}

interface Told {
  readonly hours: number
  /** The 99th percentile since it was asked before: the program begins to count anew each time. */
  readonly lagMs: number
  /** Collections of the whole heap since the program's start. Between two of them it fills, which is no leak: a slope over few of them says little. */
  readonly collections: number
  readonly work: number
}

/** What shows that a program had work to do, by its own count. */
const WORK = {
  recommender: { what: 'samples of usage', metric: 'vpa_recommender_usage_samples_total', labels: { result: 'accepted' } },
  updater: { what: 'evictions', metric: 'vpa_updater_evicted_pods_total', labels: {} },
  'admission-controller': { what: 'pods patched', metric: 'vpa_admission_controller_admission_pods_total', labels: { applied: 'true' } },
} as const

/**
 * V8 keeps what it has once taken. What it gives back by itself where there is little to do, 3 to 7 MiB at once, and takes again within
 * minutes, is many times what a leak of 1 MiB an hour would be in that time.
 */
const STEADY_HEAP = ['--no-memory-reducer', '--min-semi-space-size=8']

/** A program of ours at work as in its container, but for {@link STEADY_HEAP}, and what it uses. */
export class SoakedProgram {
  readonly #name: ProgramName
  readonly #program: MeasuredProgram
  readonly #samples: Sample[] = []
  readonly #told: Told[] = []

  /** Resolves when it is healthy. */
  static async start({ name, kubeconfig, flags, directory }: SoakedProgramOptions): Promise<SoakedProgram> {
    const [port, { command, args, env }] = await Promise.all([freePort(), bundledCommand(name, STEADY_HEAP)])
    const own = [`--kubeconfig=${kubeconfig}`, `--address=127.0.0.1:${port}`, '--v=2', ...flags]
    const program = new MeasuredProgram({ command, args: [...args, ...own], env: { ...env, NAMESPACE: 'kube-system' }, log: join(directory, `${name}.log`), port })
    try {
      await until(`${name} is healthy`, 60_000, () => program.isHealthy())
    } catch (error) {
      await program.stop()
      throw error
    }
    return new SoakedProgram(name, program)
  }

  private constructor(name: ProgramName, program: MeasuredProgram) {
    this.#name = name
    this.#program = program
  }

  /**
   * Looks at it from outside.
   *
   * @param hours since the soak began
   * @throws Error when it has ended
   */
  async sample(hours: number): Promise<void> {
    const { rssMib, files } = await this.#program.usage()
    this.#samples.push({ hours, rssMib, files })
  }

  /**
   * Asks it for its metrics.
   *
   * @param hours since the soak began
   * @throws Error when it has ended, or does not answer
   */
  async ask(hours: number): Promise<void> {
    const metrics = await this.#program.scrape()
    if (metrics === undefined) throw new Error(`${this.#name} does not answer when asked for its metrics`)
    const { metric, labels } = WORK[this.#name]
    this.#told.push({
      hours,
      lagMs: metrics.sum('nodejs_eventloop_lag_p99_seconds') * 1000,
      collections: metrics.sum('nodejs_gc_duration_seconds_count', { kind: 'major' }),
      work: metrics.sum(metric, labels),
    })
  }

  /**
   * Prints what it used; what is wrong with it, empty for nothing.
   *
   * @param warmUpHours in which caches fill and V8 settles: what it used then counts for nothing
   */
  judge(warmUpHours: number): readonly string[] {
    const samples = this.#samples.filter(({ hours }) => hours >= warmUpHours)
    const told = this.#told.filter(({ hours }) => hours >= warmUpHours)
    const [before, last] = [this.#told.findLast(({ hours }) => hours < warmUpHours), told.at(-1)]
    if (samples.length < MEANS || before === undefined || last === undefined) return [`${this.#name}: too few samples; soak for longer`]
    const growth = growthOf(samples)
    const files = filesOf(samples)
    const lags = told.map(({ lagMs }) => lagMs)
    const work = last.work - before.work
    console.log(
      `soak: ${this.#name}: RSS ${growth.rssMib.toFixed(0)} MiB, slope ${growth.slope.toFixed(1)} ± ${growth.error.toFixed(1)} MiB/h over ${last.collections - before.collections} collections; ` +
        `file descriptors ${files.first} at first, ${files.last} at last, ${files.most} at most; event loop p99 ${median(lags).toFixed(0)} ms, in the worst minute ${Math.max(...lags).toFixed(0)} ms; ${work} ${WORK[this.#name].what}`,
    )
    return [
      ...wrongWith(growth).map((what) => `${this.#name}: ${what}`),
      ...(files.last > files.first + SPARE_FILES ? [`${this.#name}: file descriptors grow`] : []),
      ...(Math.max(...lags) >= MOST_LAG_MS ? [`${this.#name}: the event loop is held up`] : []),
      ...(work === 0 ? [`${this.#name}: had nothing to do`] : []),
    ]
  }

  stop(): Promise<void> {
    return this.#program.stop()
  }
}

function wrongWith({ slope, error }: { readonly slope: number; readonly error: number }): readonly string[] {
  if (slope > MOST_MIB_PER_HOUR) return ['memory grows']
  return error > MOST_ERROR ? ['memory goes up and down too much to tell whether it grows; soak for longer'] : []
}

/** MiB an hour, with twice the standard error of the fit; and what it takes at the end. */
function growthOf(samples: readonly Sample[]): { readonly rssMib: number; readonly slope: number; readonly error: number } {
  const means = meansOf(samples.map(({ hours, rssMib }) => ({ x: hours, y: rssMib })), MEANS)
  return { rssMib: means.at(-1)?.y ?? NaN, slope: slopeOf(means), error: 2 * slopeErrorOf(means) }
}

/** In the first quarter of the time, in the last one, and ever. */
function filesOf(samples: readonly Sample[]): { readonly first: number; readonly last: number; readonly most: number } {
  const files = samples.map((sample) => sample.files)
  const quarter = Math.ceil(files.length / 4)
  return { first: median(files.slice(0, quarter)), last: median(files.slice(-quarter)), most: Math.max(...files) }
}
