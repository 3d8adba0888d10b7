import { join } from 'node:path'
import { freePort } from '../../hack/demo/free-port.ts'
import type { ProgramName } from '../../hack/program-names.ts'
import { bundledCommand } from '../bench/bundled-program.ts'
import { MeasuredProgram, until } from '../bench/measured-program.ts'
import { median } from '../bench/report.ts'
import { meansOf, slopeErrorOf, slopeOf } from './linear-fit.ts'

const MOST_MB_PER_HOUR = 1
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
  /** The 99th percentile since the sample before: the program begins to count anew each time that it is asked. */
  readonly lagSeconds: number
  /** Collections of the whole heap since the program's start. Between two of them it fills, which is no leak: a slope over few of them says little. */
  readonly collections: number
}

/** A program of ours at work as in its container, and what it uses. */
export class SoakedProgram {
  readonly name: string
  readonly #program: MeasuredProgram
  readonly #samples: Sample[] = []

  /** Resolves when it is healthy. */
  static async start({ name, kubeconfig, flags, directory }: SoakedProgramOptions): Promise<SoakedProgram> {
    const [port, { command, args, env }] = await Promise.all([freePort(), bundledCommand(name)])
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

  private constructor(name: string, program: MeasuredProgram) {
    this.name = name
    this.#program = program
  }

  /**
   * @param hours since the soak began
   * @throws Error when it has ended
   */
  async sample(hours: number): Promise<void> {
    const [{ rssMib, files }, metrics] = [await this.#program.usage(), await this.#program.scrape()]
    if (metrics === undefined) return
    const [lagSeconds, collections] = [metrics.sum('nodejs_eventloop_lag_p99_seconds'), metrics.sum('nodejs_gc_duration_seconds_count', { kind: 'major' })]
    this.#samples.push({ hours, rssMib, files, lagSeconds, collections })
  }

  /**
   * Prints what it used; what is wrong with it, empty for nothing.
   *
   * @param warmUpHours in which caches fill and V8 settles: what it used then counts for nothing
   */
  judge(warmUpHours: number): readonly string[] {
    const samples = this.#samples.filter(({ hours }) => hours >= warmUpHours)
    const memory = meansOf(samples.map(({ hours, rssMib }) => ({ x: hours, y: rssMib })), MEANS)
    const slope = slopeOf(memory)
    const error = slopeErrorOf(memory)
    const files = samples.map((sample) => sample.files)
    const quarter = Math.ceil(files.length / 4)
    const [first, last] = [median(files.slice(0, quarter)), median(files.slice(-quarter))]
    const lags = samples.map(({ lagSeconds }) => lagSeconds * 1000)
    const collections = (samples.at(-1)?.collections ?? 0) - (samples[0]?.collections ?? 0)
    console.log(
      `soak: ${this.name}: RSS ${memory.at(-1)?.y.toFixed(0)} MB, slope ${slope.toFixed(1)} ± ${(2 * error).toFixed(1)} MB/h over ${collections} collections; ` +
        `file descriptors ${first} at first, ${last} at last, ${Math.max(...files)} at most; event loop p99 ${median(lags).toFixed(0)} ms, ${Math.max(...lags).toFixed(0)} ms at worst`,
    )
    return [
      ...(samples.length < MEANS ? [`${this.name}: ${samples.length} samples, at least ${MEANS} are needed: soak for longer`] : []),
      ...(slope - 2 * error > MOST_MB_PER_HOUR ? [`${this.name}: memory grows`] : []),
      ...(last > first + SPARE_FILES ? [`${this.name}: file descriptors grow`] : []),
      ...(median(lags) >= MOST_LAG_MS ? [`${this.name}: the event loop is held up`] : []),
    ]
  }

  stop(): Promise<void> {
    return this.#program.stop()
  }
}
