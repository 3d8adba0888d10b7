import { styleText } from 'node:util'

/** A run's end and its clean-up: what was opened last is closed first, also after Ctrl-C and after a failure. */
export class Bench {
  readonly #stop = new AbortController()
  readonly #closers: (() => Promise<unknown>)[] = []

  readonly signal: AbortSignal = this.#stop.signal

  /** Runs a bench to its end; its answer is the exit code. What is expected to go wrong is told in one line, all else with its stack. */
  static async run(body: (bench: Bench) => Promise<number>): Promise<void> {
    const bench = new Bench()
    const stopped = Promise.withResolvers<never>()
    for (const name of ['SIGINT', 'SIGTERM'] as const) {
      process.once(name, () => {
        bench.#stop.abort()
        stopped.reject(new Error(`stopped by ${name}`))
      })
    }
    try {
      process.exitCode = await Promise.race([body(bench), stopped.promise])
    } catch (error) {
      const exitCode = exitCodeOf(error)
      const text = error instanceof Error ? (exitCode === FAILED ? error.stack : error.message) : String(error)
      console.error(styleText('red', text ?? ''))
      process.exitCode = exitCode
    }
    bench.#stop.abort()
    await bench.closeSince(0)
    // What was cut off in the middle, such as a request, is not waited for.
    process.exit()
  }

  /** How much is open: what {@link closeSince} takes to close all that was opened after this call. */
  get openCount(): number {
    return this.#closers.length
  }

  onEnd(close: () => Promise<unknown>): void {
    this.#closers.push(close)
  }

  async closeSince(count: number): Promise<void> {
    for (const close of this.#closers.splice(count).toReversed()) await close().catch((error: unknown) => console.error(error))
  }

  /** Long work goes on: one line, with the time of day, on the error stream. */
  say(text: string): void {
    console.error(`${new Date().toISOString().slice(11, 19)} ${text}`)
  }
}

const FAILED = 1

function exitCodeOf(error: unknown): number {
  if (error instanceof NotAvailable) return 3
  const isOfParseArgs = error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
  return error instanceof WrongUsage || isOfParseArgs ? 2 : FAILED
}

/** Something that this machine lacks: exit code 3. */
export class NotAvailable extends Error {}

/** A command line that makes no sense, as `parseArgs` finds by itself: exit code 2. */
export class WrongUsage extends Error {}
