import { setTimeout as sleep } from 'node:timers/promises'
import type { MeasuredProgram, Scrape } from './measured-program.ts'

/** One turn of a program's loop, as its metrics and its process tell. */
export interface Loop {
  /** By step, and `total`. */
  readonly seconds: Readonly<Record<string, number>>
  /** Since the loop before, or the start of the program: what goes on between loops is part of it. */
  readonly cpuSeconds: number
}

/** A page of metrics of thousands of VPAs takes a good part of a second to make. */
const POLL_MS = 1000

/** Follows a program from loop to loop by its metric of durations. */
export class LoopWatch {
  readonly #program: MeasuredProgram
  readonly #metric: string
  readonly #steps: readonly string[]
  #before: Readonly<Record<string, number>> = {}
  #cpuSeconds = 0
  #count = 0

  constructor(program: MeasuredProgram, metric: string, steps: readonly string[]) {
    this.#program = program
    this.#metric = metric
    this.#steps = ['total', ...steps]
  }

  /** Resolves at the end of the next loop. @throws Error when it does not end in time */
  async next(timeoutMs: number): Promise<Loop> {
    const deadline = Date.now() + timeoutMs
    for (;;) {
      const page = await this.#program.scrape()
      const count = page?.sum(`${this.#metric}_count`, { step: 'total' }) ?? 0
      if (page !== undefined && count > this.#count) {
        this.#count = count
        return this.#read(page)
      }
      if (Date.now() > deadline) throw new Error(`no loop ended within ${timeoutMs / 1000} s`)
      await sleep(POLL_MS)
    }
  }

  async #read(page: Scrape): Promise<Loop> {
    const { cpuSeconds } = await this.#program.usage()
    const sums = Object.fromEntries(this.#steps.map((step) => [step, page.sum(`${this.#metric}_sum`, { step })]))
    const seconds = Object.fromEntries(this.#steps.map((step) => [step, (sums[step] ?? 0) - (this.#before[step] ?? 0)]))
    const loop = { seconds, cpuSeconds: cpuSeconds - this.#cpuSeconds }
    this.#before = sums
    this.#cpuSeconds = cpuSeconds
    return loop
  }
}
