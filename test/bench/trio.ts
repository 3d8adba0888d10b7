import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Bench, NotAvailable } from './bench.ts'
import { freePort } from '../../hack/demo/free-port.ts'
import type { ProgramName } from '../../hack/program-names.ts'
import { type Command, bundlePrograms, bundledCommand } from './bundled-program.ts'
import { MeasuredProgram, run } from './measured-program.ts'

export type Side = 'go' | 'ours'
const SIDES: readonly Side[] = ['go', 'ours']

type Flags = Readonly<Record<string, string | number | boolean>>

const fileOf = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const NOT_AVAILABLE = 3

/** The programs of both sides, ready to be started: the Go ones as compiled, ours bundled as for the image and run as in it. */
export class Trio {
  /** Without Go to compile with, ours alone. */
  readonly sides: readonly Side[]
  readonly #go: string | undefined
  readonly #kubeconfig: string
  readonly #directory: string
  readonly #bench: Bench
  #started = 0

  static async open(bench: Bench, { kubeconfig, directory }: { readonly kubeconfig: string; readonly directory: string }): Promise<Trio> {
    const go = await run('bash', [fileOf('go-vpa/build.sh')])
    if (go.code === NOT_AVAILABLE) bench.say('the Go implementation is not here: our figures stand alone')
    else if (go.code !== 0) throw new Error(`the Go implementation could not be built: exit code ${go.code}`)
    await bundlePrograms()
    return new Trio(bench, { go: go.code === 0 ? go.output : undefined, kubeconfig, directory })
  }

  private constructor(bench: Bench, { go, kubeconfig, directory }: { readonly go: string | undefined; readonly kubeconfig: string; readonly directory: string }) {
    this.sides = go === undefined ? ['ours'] : SIDES
    this.#bench = bench
    this.#go = go
    this.#kubeconfig = kubeconfig
    this.#directory = directory
  }

  /**
   * The same flags for both sides; it is stopped when the bench ends, if not before.
   *
   * @throws NotAvailable for the Go side where there is none
   */
  async start(side: Side, name: ProgramName, flags: Flags, nodeOptions: readonly string[] = []): Promise<MeasuredProgram> {
    const port = await freePort()
    const { command, args, env } = side === 'go' ? this.#goCommand(name) : await bundledCommand(name, nodeOptions)
    const written = Object.entries({ kubeconfig: this.#kubeconfig, address: `127.0.0.1:${port}`, ...flags }).map(([flag, value]) => `--${flag}=${value}`)
    this.#started += 1
    const log = join(this.#directory, `${this.#started}-${side}-${name}.log`)
    const program = new MeasuredProgram({ command, args: [...args, ...written], env: { ...env, NAMESPACE: 'kube-system' }, log, port })
    this.#bench.onEnd(() => program.stop())
    return program
  }

  #goCommand(name: ProgramName): Command {
    if (this.#go === undefined) throw new NotAvailable('the Go implementation is not here')
    return { command: join(this.#go, name), args: [], env: {} }
  }
}
