import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type Interface, createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { ProgramName } from '../../hack/program-names.ts'

/** One line of a program's log. */
export interface Line {
  readonly msg: string
  readonly [field: string]: unknown
}

const PATIENCE_MS = 90_000
/** A program that does not end when it is asked to is not left behind. */
const STOP_TIMEOUT_MS = 30_000

/** One of the three programs as a process of its own, with a JSON log. Who starts it stops it. */
export class Program {
  readonly lines: Line[] = []
  readonly #name: ProgramName
  readonly #process: ChildProcessByStdio<null, null, Readable>
  readonly #log: Interface
  readonly #ended = new AbortController()

  /** @param flags may name an address of their own, which is not used: it may be taken */
  constructor(name: ProgramName, kubeconfig: string, flags: readonly string[]) {
    const own = [`--kubeconfig=${kubeconfig}`, '--address=127.0.0.1:0', '--log-format=json']
    const script = fileURLToPath(new URL(`../../packages/${name}/main.ts`, import.meta.url))
    this.#name = name
    this.#process = spawn(process.execPath, [script, ...flags, ...own], { stdio: ['ignore', 'ignore', 'pipe'], env: { NAMESPACE: 'kube-system' } })
    this.#process.once('close', () => this.#ended.abort())
    this.#log = createInterface({ input: this.#process.stderr }).on('line', (text) => void this.lines.push(lineOf(text)))
  }

  logged(message: string): readonly Line[] {
    return this.lines.filter(({ msg }) => msg === message)
  }

  /**
   * The n-th line with this message, as soon as there is one.
   *
   * @throws Error with all that it has logged when it ends before, or says nothing of the kind for a minute and a half
   */
  async said(message: string, nth = 1): Promise<Line> {
    const signal = AbortSignal.any([this.#ended.signal, AbortSignal.timeout(PATIENCE_MS)])
    for (;;) {
      const line = this.logged(message)[nth - 1]
      if (line !== undefined) return line
      if (signal.aborted) throw new Error(`the ${this.#name} ${this.#ended.signal.aborted ? 'ended before it said' : 'does not say'} "${message}"${nth > 1 ? ` ${nth} times` : ''}:\n${this.lines.map((said) => JSON.stringify(said)).join('\n')}`)
      await once(this.#log, 'line', { signal }).catch(() => undefined)
    }
  }

  /** Where it serves what this message tells of. */
  async portOf(message: string): Promise<number> {
    const { port } = await this.said(message)
    if (typeof port !== 'number') throw new Error(`the ${this.#name} says "${message}" without a port`)
    return port
  }

  /** What `/metrics` serves, once it does. */
  async metrics(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${await this.portOf('Serving metrics and health')}/metrics`)).text()
  }

  /** Stops all of its threads, as a machine that is suspended or has no memory left does, until {@link thaw}. */
  freeze(): void {
    this.#process.kill('SIGSTOP')
  }

  thaw(): void {
    this.#process.kill('SIGCONT')
  }

  /** Resolves when it has ended by itself. */
  async ended(): Promise<void> {
    if (!this.#ended.signal.aborted) await once(this.#ended.signal, 'abort')
  }

  /** Resolves when it has ended, with its exit code; null when the signal ended it. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<number | null> {
    if (this.#ended.signal.aborted) return this.#process.exitCode
    const closed = once(this.#process, 'close')
    this.#process.kill(signal)
    const kill = setTimeout(() => this.#process.kill('SIGKILL'), STOP_TIMEOUT_MS)
    await closed
    clearTimeout(kill)
    return this.#process.exitCode
  }
}

/** What ends a program is not always JSON; it is an error. */
export function lineOf(text: string): Line {
  try {
    const line = JSON.parse(text) as Line | null
    if (typeof line?.msg === 'string') return line
  } catch {}
  return { level: 'error', msg: text }
}
