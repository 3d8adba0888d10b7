import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

/** One line of a program's log. */
export interface Line {
  readonly msg: string
  readonly [field: string]: unknown
}

/** One of the three programs as a process of its own, with a JSON log. */
export class Program {
  readonly #process: ChildProcessByStdio<null, null, Readable>
  readonly #exited: Promise<unknown>
  readonly lines: Line[] = []

  constructor(name: 'updater' | 'admission-controller' | 'recommender', kubeconfig: string, flags: readonly string[]) {
    const own = [`--kubeconfig=${kubeconfig}`, '--address=127.0.0.1:0', '--log-format=json']
    this.#process = spawn(process.execPath, [`packages/${name}/main.ts`, ...own, ...flags], { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, NAMESPACE: 'kube-system' } })
    this.#exited = once(this.#process, 'exit')
    createInterface({ input: this.#process.stderr }).on('line', (text) => void this.lines.push(lineOf(text)))
  }

  logged(message: string): readonly Line[] {
    return this.lines.filter(({ msg }) => msg === message)
  }

  /** What `/metrics` serves; empty until it is served. */
  async metrics(): Promise<string> {
    const port = this.logged('Serving metrics and health')[0]?.['port']
    return typeof port === 'number' ? (await fetch(`http://127.0.0.1:${port}/metrics`)).text() : ''
  }

  /** Resolves when it has ended. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    this.#process.kill(signal)
    await this.#exited
  }
}

/** What ends a program is not always JSON. */
function lineOf(text: string): Line {
  try {
    return JSON.parse(text) as Line
  } catch {
    return { msg: text }
  }
}
