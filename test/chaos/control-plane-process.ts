import { spawn } from 'node:child_process'
import { openSync, readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

type Name = 'etcd' | 'kube-apiserver' | 'metrics-server'

/** One process of the control plane in a directory, killed and started again with what it was started with. */
export class ControlPlaneProcess {
  readonly #directory: string
  readonly #name: Name
  readonly #command: readonly string[]

  constructor(directory: string, name: Name) {
    this.#directory = directory
    this.#name = name
    this.#command = readFileSync(`/proc/${readFileSync(join(directory, 'pids', name), 'utf8').trim()}/cmdline`, 'utf8').split('\0').slice(0, -1)
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    const pid = Number(await readFile(join(this.#directory, 'pids', this.#name), 'utf8'))
    process.kill(pid, 'SIGKILL')
    while (await isRunning(pid)) await sleep(50)
  }

  /** It outlives this process, and is stopped with the control plane. */
  async start(): Promise<void> {
    const [program = '', ...flags] = this.#command
    const log = openSync(join(this.#directory, 'logs', `${this.#name}.log`), 'a')
    const child = spawn(program, flags, { detached: true, stdio: ['ignore', log, log] })
    child.unref()
    await writeFile(join(this.#directory, 'pids', this.#name), `${child.pid}\n`)
  }
}

/** One that has ended and was not waited for by its parent has no command line any more. */
async function isRunning(pid: number): Promise<boolean> {
  return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')) !== ''
}
