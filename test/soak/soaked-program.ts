import { join } from 'node:path'
import { freePort } from '../../hack/demo/free-port.ts'
import type { ProgramName } from '../../hack/program-names.ts'
import { bundledCommand } from '../bench/bundled-program.ts'
import { MeasuredProgram, until } from '../bench/measured-program.ts'
import { median } from '../bench/report.ts'
import { type Point, meansOf, slopeErrorOf, slopeOf } from './linear-fit.ts'

const MOST_MB_PER_HOUR = 1
const MOST_LAG_SECONDS = 0.05
/** Of the whole time: what is used in it is not judged. */
export const WARM_UP_SHARE = 1 / 2
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

/** A program of ours at work as in its container, and what it uses. */
export class SoakedProgram {
  readonly name: string
  readonly #program: MeasuredProgram
  readonly #memory: Point[] = []
  readonly #files: Point[] = []
  /** The 99th percentile between two samples, in seconds: the program begins to count anew each time that it is asked. */
  readonly #lags: number[] = []
  /** Collections of the whole heap since its start. Between two of them it fills, which is no leak: a slope over few of them says little. */
  readonly #collections: number[] = []

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
    const { rssMib, files } = await this.#program.usage()
    this.#memory.push({ x: hours, y: rssMib })
    this.#files.push({ x: hours, y: files })
    const metrics = await this.#program.scrape()
    if (metrics === undefined) return
    this.#lags.push(metrics.sum('nodejs_eventloop_lag_p99_seconds'))
    this.#collections.push(metrics.sum('nodejs_gc_duration_seconds_count', { kind: 'major' }))
  }

  /** Prints what it used after the warm-up; what is wrong with it, empty for nothing. */
  judge(): readonly string[] {
    const memory = meansOf(settled(this.#memory), MEANS)
    const slope = slopeOf(memory)
    const error = slopeErrorOf(memory)
    const files = settled(this.#files).map(({ y }) => y)
    const quarter = Math.ceil(files.length / 4)
    const [first, last] = [median(files.slice(0, quarter)), median(files.slice(-quarter))]
    const lag = median(settled(this.#lags))
    const collections = settled(this.#collections)
    console.log(
      `soak: ${this.name}: RSS ${memory.at(-1)?.y.toFixed(0)} MB, slope ${slope.toFixed(1)} ± ${(2 * error).toFixed(1)} MB/h over ${(collections.at(-1) ?? 0) - (collections[0] ?? 0)} collections; ` +
        `file descriptors ${first} at first, ${last} at last, ${Math.max(...files)} at most; event loop p99 ${(lag * 1000).toFixed(0)} ms, ${(Math.max(...settled(this.#lags)) * 1000).toFixed(0)} ms at worst`,
    )
    return [
      ...(slope - 2 * error > MOST_MB_PER_HOUR ? [`${this.name}: memory grows`] : []),
      ...(last > first + SPARE_FILES ? [`${this.name}: file descriptors grow`] : []),
      ...(lag >= MOST_LAG_SECONDS ? [`${this.name}: the event loop is held up`] : []),
    ]
  }

  stop(): Promise<void> {
    return this.#program.stop()
  }
}

/** Without the time in which caches fill and V8 settles. */
function settled<T>(points: readonly T[]): readonly T[] {
  return points.slice(Math.floor(WARM_UP_SHARE * points.length))
}
