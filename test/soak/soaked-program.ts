import { join } from 'node:path'
import { freePort } from '../../hack/demo/free-port.ts'
import { type ProgramName, bundledCommand } from '../bench/bundled-program.ts'
import { Program, until } from '../bench/program.ts'
import { type Point, slopeErrorOf, slopeOf } from './linear-fit.ts'

const MOST_MB_PER_HOUR = 1
const MOST_LAG_SECONDS = 0.05
/** Growth of file descriptors that is no leak: connections are opened as needed. */
const SPARE_FILES = 5

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
  readonly #program: Program
  readonly #memory: Point[] = []
  readonly #files: Point[] = []
  #lag = 0

  /** Resolves when it is healthy. */
  static async start({ name, kubeconfig, flags, directory }: SoakedProgramOptions): Promise<SoakedProgram> {
    const [port, { command, args, env }] = await Promise.all([freePort(), bundledCommand(name)])
    const own = [`--kubeconfig=${kubeconfig}`, `--address=127.0.0.1:${port}`, '--v=2', ...flags]
    const program = new Program({ command, args: [...args, ...own], env: { ...env, NAMESPACE: 'kube-system' }, log: join(directory, `${name}.log`), port })
    try {
      await until(`${name} is healthy`, 60_000, () => program.isHealthy())
    } catch (error) {
      await program.stop()
      throw error
    }
    return new SoakedProgram(name, program)
  }

  private constructor(name: string, program: Program) {
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
    this.#lag = (await this.#program.scrape())?.sum('nodejs_eventloop_lag_p99_seconds') ?? this.#lag
  }

  /** Prints what it used after the first third of the time; what is wrong with it, empty for nothing. */
  judge(): readonly string[] {
    const memory = settled(this.#memory)
    const slope = slopeOf(memory)
    const error = slopeErrorOf(memory)
    const files = settled(this.#files).map(({ y }) => y)
    const [first = 0, last = 0] = [files[0], files.at(-1)]
    console.log(
      `soak: ${this.name}: RSS ${memory.at(-1)?.y.toFixed(0)} MB, slope ${slope.toFixed(1)} ± ${(2 * error).toFixed(1)} MB/h; ` +
        `file descriptors ${first} at first, ${last} at last, ${Math.max(...files)} at most; event loop p99 ${(this.#lag * 1000).toFixed(0)} ms`,
    )
    return [
      ...(slope - 2 * error > MOST_MB_PER_HOUR ? [`${this.name}: memory grows`] : []),
      ...(last > first + SPARE_FILES ? [`${this.name}: file descriptors grow`] : []),
      ...(this.#lag >= MOST_LAG_SECONDS ? [`${this.name}: the event loop is held up`] : []),
    ]
  }

  stop(): Promise<void> {
    return this.#program.stop()
  }
}

/** Without the time in which caches fill and V8 settles. */
function settled(points: readonly Point[]): readonly Point[] {
  return points.slice(Math.floor(points.length / 3))
}
