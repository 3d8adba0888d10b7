import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, readdir } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { type Point, slopeErrorOf, slopeOf } from './linear-fit.ts'

const MOST_MB_PER_HOUR = 1
const MOST_LAG_SECONDS = 0.05
/** Growth of file descriptors that is no leak: connections are opened as needed. */
const SPARE_DESCRIPTORS = 5

/** A program of ours at work, and what it uses. */
export class SoakedProgram {
  readonly name: string
  readonly #stop: () => Promise<void>
  readonly #pid: number
  readonly #metrics: string
  readonly #memory: Point[] = []
  readonly #descriptors: Point[] = []
  #lag = 0

  /** Resolves when it serves its metrics. */
  static async start(name: string, kubeconfig: string, flags: readonly string[]): Promise<SoakedProgram> {
    const own = [`--kubeconfig=${kubeconfig}`, '--address=127.0.0.1:0', '--log-format=json', '--v=2', ...flags]
    const child = spawn(process.execPath, [`packages/${name}/main.ts`, ...own], { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, NAMESPACE: 'kube-system' } })
    let port: number | undefined
    for await (const line of createInterface(child.stderr)) {
      ;({ port } = JSON.parse(line) as { port?: number })
      if (port !== undefined) break
    }
    child.stderr.resume()
    const stop = async () => {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`vpa-${name} ended on its own`)
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    return new SoakedProgram(name, child.pid ?? 0, `http://127.0.0.1:${port}/metrics`, stop)
  }

  private constructor(name: string, pid: number, metrics: string, stop: () => Promise<void>) {
    this.name = name
    this.#pid = pid
    this.#metrics = metrics
    this.#stop = stop
  }

  /** @param hours since the soak began */
  async sample(hours: number): Promise<void> {
    const status = await readFile(`/proc/${this.#pid}/status`, 'utf8')
    this.#memory.push({ x: hours, y: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024 })
    this.#descriptors.push({ x: hours, y: (await readdir(`/proc/${this.#pid}/fd`)).length })
    const text = await (await fetch(this.#metrics)).text()
    this.#lag = Number(/^nodejs_eventloop_lag_p99_seconds (\S+)/m.exec(text)?.[1])
  }

  /** Prints what it used after the first third of the time; what is wrong with it, empty for nothing. */
  judge(): readonly string[] {
    const memory = settled(this.#memory)
    const slope = slopeOf(memory)
    const error = slopeErrorOf(memory)
    const files = settled(this.#descriptors).map(({ y }) => y)
    const [first = 0, last = 0] = [files[0], files.at(-1)]
    console.log(
      `soak: ${this.name}: RSS ${memory.at(-1)?.y.toFixed(0)} MB, slope ${slope.toFixed(1)} ± ${(2 * error).toFixed(1)} MB/h; ` +
        `file descriptors ${first} at first, ${last} at last, ${Math.max(...files)} at most; event loop p99 ${(this.#lag * 1000).toFixed(0)} ms`,
    )
    return [
      ...(slope - 2 * error > MOST_MB_PER_HOUR ? [`${this.name}: memory grows`] : []),
      ...(last > first + SPARE_DESCRIPTORS ? [`${this.name}: file descriptors grow`] : []),
      ...(this.#lag >= MOST_LAG_SECONDS ? [`${this.name}: the event loop is held up`] : []),
    ]
  }

  /** @throws Error when it has ended before */
  stop(): Promise<void> {
    return this.#stop()
  }
}

/** Without the time in which caches fill and V8 settles. */
function settled(points: readonly Point[]): readonly Point[] {
  return points.slice(Math.floor(points.length / 3))
}
