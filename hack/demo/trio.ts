import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createInterface } from 'node:readline'
import type { ProgramName } from '../program-names.ts'
import { freePort } from './free-port.ts'

export interface TrioOptions {
  /** Each program's own credentials: a kubeconfig file. */
  readonly kubeconfig: Readonly<Record<ProgramName, string>>
  /** Seconds between two loops of recommender and updater. */
  readonly intervalSeconds: number
  readonly onLine: (line: LogLine) => void
}

/** One line of a program's JSON log. */
export interface LogLine {
  readonly program: ProgramName
  readonly level: string
  readonly msg: string
  readonly [field: string]: unknown
}

/** The three programs, started as a user would start them: separate processes that know nothing but a kubeconfig. */
export class Trio {
  readonly #children: readonly ChildProcess[]
  readonly #failed = new AbortController()
  #stopping = false

  /** Aborted with the reason when a program ends that should not. */
  readonly failed: AbortSignal = this.#failed.signal

  static async start(options: TrioOptions): Promise<Trio> {
    return new Trio(options, await freePort())
  }

  private constructor({ kubeconfig, intervalSeconds, onLine }: TrioOptions, webhookPort: number) {
    const interval = `${intervalSeconds}s`
    const own = ['--address=127.0.0.1:0', '--log-format=json', '--v=5']
    const start = (program: ProgramName, args: readonly string[]) => this.#start(program, [`--kubeconfig=${kubeconfig[program]}`, ...own, ...args], onLine)
    this.#children = [
      start('recommender', [`--recommender-interval=${interval}`, '--dashboard-address=127.0.0.1:0']),
      start('updater', [`--updater-interval=${interval}`]),
      start('admission-controller', [`--port=${webhookPort}`, '--register-by-url', '--webhook-address=https://127.0.0.1', `--webhook-port=${webhookPort}`, '--shutdown-delay=0s']),
    ]
  }

  /** Ends all three as Kubernetes does, with SIGTERM. Resolves when they have exited. */
  async stop(): Promise<void> {
    this.#stopping = true
    await Promise.all(
      this.#children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return
        child.kill('SIGTERM')
        const kill = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
        await once(child, 'exit')
        clearTimeout(kill)
      }),
    )
  }

  #start(program: ProgramName, args: readonly string[], onLine: (line: LogLine) => void): ChildProcess {
    const main = fileURLToPath(new URL(`../../packages/${program}/main.ts`, import.meta.url))
    const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'inherit', 'pipe'], env: { ...process.env, NAMESPACE: 'kube-system' } })
    let last = ''
    createInterface({ input: child.stderr }).on('line', (text) => {
      last = text
      const line = parseLine(program, text)
      if (line !== undefined) onLine(line)
    })
    child.on('exit', (code, signal) => {
      if (!this.#stopping) this.#failed.abort(new Error(`vpa-${program} ended unexpectedly (${signal ?? `exit ${code}`}). Its last words: ${last}`))
    })
    return child
  }
}

const STOP_TIMEOUT_MS = 10_000

function parseLine(program: ProgramName, text: string): LogLine | undefined {
  try {
    return { ...(JSON.parse(text) as { level: string; msg: string }), program }
  } catch {
    return undefined
  }
}
