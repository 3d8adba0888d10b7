import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { readFile, readdir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { text } from 'node:stream/consumers'

/** CPU time of a process from its beginning, and what it holds. */
export interface Usage {
  readonly cpuSeconds: number
  readonly rssMib: number
  readonly peakRssMib: number
  /** Open file descriptors. */
  readonly files: number
}

/** One page of metrics. */
export interface Scrape {
  /** The value of a metric, summed over its other labels; 0 where there is none. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number
}

export interface ProgramOptions {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Gets what it writes. */
  readonly log: string
  /** Of its `/metrics`. */
  readonly port: number
}

const STOP_TIMEOUT_MS = 15_000
/** Linux counts CPU time in hundredths of a second on every platform that Node runs on (USER_HZ). */
const TICKS_PER_SECOND = 100

/** A program under measurement: a process of its own, watched from outside. */
export class MeasuredProgram {
  readonly #child: ChildProcess
  readonly #options: ProgramOptions
  #failure: Error | undefined

  constructor(options: ProgramOptions) {
    this.#options = options
    // It writes to its log by itself: what it says must not cost the bench time, nor block it while the bench is busy.
    const log = openSync(options.log, 'w')
    this.#child = spawn(options.command, options.args, { stdio: ['ignore', log, log], env: { ...process.env, ...options.env } })
    closeSync(log)
    this.#child.on('error', (error) => void (this.#failure = error))
  }

  /** @throws Error with the place of its log when it has ended by itself */
  check(): void {
    const { exitCode, signalCode } = this.#child
    if (this.#failure !== undefined) throw this.#failure
    if (exitCode !== null || signalCode !== null) throw new Error(`${this.#options.command} ended with ${exitCode ?? signalCode}; its log: ${this.#options.log}`)
  }

  usage(): Promise<Usage> {
    this.check()
    return usageOf(this.#child.pid ?? NaN)
  }

  /** What `/metrics` says now; undefined while the program does not answer. Large pages cost the program time: ask seldom. */
  async scrape(): Promise<Scrape | undefined> {
    this.check()
    const page = await fetch(`http://127.0.0.1:${this.#options.port}/metrics`).then((response) => response.text(), () => undefined)
    return page === undefined ? undefined : { sum: (name, labels = {}) => sumOf(page, name, labels) }
  }

  async isHealthy(): Promise<boolean> {
    this.check()
    return fetch(`http://127.0.0.1:${this.#options.port}/health-check`).then(({ ok }) => ok, () => false)
  }

  async stop(): Promise<void> {
    if (this.#failure !== undefined || this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS)
    await ended
    clearTimeout(kill)
  }
}

export async function usageOf(pid: number): Promise<Usage> {
  const proc = `/proc/${pid}`
  const [stat, status, files] = await Promise.all([readFile(`${proc}/stat`, 'utf8'), readFile(`${proc}/status`, 'utf8'), readdir(`${proc}/fd`)])
  // The program's name, in parentheses, may hold spaces; user and system time are fields 14 and 15 of proc(5).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const mib = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024
  return { cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND, rssMib: mib('VmRSS'), peakRssMib: mib('VmHWM'), files: files.length }
}

function sumOf(page: string, name: string, labels: Readonly<Record<string, string>>): number {
  const lines = page.split('\n').filter((line) => line.startsWith(name) && Object.entries(labels).every(([label, value]) => line.includes(`${label}="${value}"`)))
  return lines.reduce((sum, line) => {
    const [, found, value] = /^([\w:]+)(?:\{.*\})? (\S+)/.exec(line) ?? []
    return found === name ? sum + Number(value) : sum
  }, 0)
}

/**
 * Runs a command to its end; its progress, on the error stream, is ours.
 *
 * @returns its standard output without the last line feed, and its exit code
 */
export async function run(command: string, args: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'close')])
  return { code: typeof code === 'number' ? code : 1, output: output.trimEnd() }
}

/** @throws Error when it does not become true in time */
export async function until(what: string, timeoutMs: number, isSo: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; !(await isSo()); await sleep(50)) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs / 1000} s: ${what}`)
  }
}
