import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { EpochMs } from '@vpa/core/time.ts'
import type { ProgramName } from '../../hack/program-names.ts'
import { lineOf } from '../support/program.ts'
import { MessageLog } from './message-log.ts'

interface Line {
  readonly msg: string
  readonly at: number
}

const RESTART_AFTER_MS = 200
const CLOCK_STEP = new URL('clock-step.ts', import.meta.url).href

/** A program as a kubelet keeps it: whenever it ends, it is started again. */
export class KeptProgram {
  /** How often it ended without having been killed by {@link kill}. */
  crashes = 0
  /** The loops of a recommender, of all its lives. */
  readonly loopsEndedAt: EpochMs[] = []
  #lines: Line[] = []
  /** Of all its lives. */
  readonly #told = new MessageLog()
  readonly #name: ProgramName
  readonly #flags: readonly string[]
  #process: ChildProcess
  #stopping = false
  #killed = false

  constructor(name: ProgramName, kubeconfig: string, flags: readonly string[]) {
    this.#name = name
    this.#flags = [`--kubeconfig=${kubeconfig}`, '--address=127.0.0.1:0', '--log-format=json', ...flags]
    this.#process = this.#start()
  }

  /** Whether it has got the lease since then, as far as this life of it has told. */
  leadsSince(time: number): boolean {
    return this.#lines.some(({ msg, at }) => msg === 'Became leader' && at >= time)
  }

  /** How many loops the recommender has begun since then. */
  turnsSince(time: number): number {
    return this.#lines.filter(({ msg, at }) => msg === 'Recommender Run' && at >= time).length
  }

  /** How often it crashed, and what it has told in all its lives, in short. */
  account(): string {
    return [`${this.#name}: ${this.crashes} crashes`, ...this.#told.lines()].join('\n  ')
  }

  /**
   * Ends this life of it; the next one begins at once.
   *
   * @returns false between two lives, when there is nothing to end
   */
  kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): boolean {
    if (this.#hasEnded) return false
    this.#killed = true
    // What it told is of a life that is over, also while its end takes a while.
    this.#lines = []
    return this.#process.kill(signal)
  }

  /** Sets its clock an hour ahead, or back again. */
  stepClock(): void {
    this.#process.kill('SIGUSR2')
  }

  async stop(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    this.#stopping = true
    if (this.#hasEnded) return
    this.#process.kill(signal)
    await once(this.#process, 'exit')
  }

  get #hasEnded(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null
  }

  #start(): ChildProcess {
    const child = spawn(process.execPath, ['--import', CLOCK_STEP, `packages/${this.#name}/main.ts`, ...this.#flags], { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, NAMESPACE: 'kube-system' } })
    createInterface({ input: child.stderr }).on('line', (text) => this.#note(text))
    child.on('exit', (code, signal) => {
      this.#told.add('ended', `ended with ${signal ?? `exit code ${code}`}`)
      void this.#restart()
    })
    return child
  }

  #note(text: string): void {
    const { msg } = lineOf(text)
    this.#lines.push({ msg, at: Date.now() })
    if (msg === 'ClusterState is tracking') this.loopsEndedAt.push(Date.now())
    this.#told.add(msg, text)
  }

  async #restart(): Promise<void> {
    if (!this.#killed && !this.#stopping) this.crashes += 1
    this.#killed = false
    await sleep(RESTART_AFTER_MS)
    this.#lines = []
    if (!this.#stopping) this.#process = this.#start()
  }
}
