import { setTimeout as sleep } from 'node:timers/promises'
import type { ChaosCluster } from './chaos-cluster.ts'
import { runningPods } from './workloads.ts'

/** A replacement takes longer than this to run. */
const PAUSE_MS = 50

export interface Counted {
  /** The fewest that ran at a time; Infinity where it could never be seen. */
  readonly fewest: number
  /** How often it could be seen. */
  readonly readings: number
}

/** Counts the probe's running pods again and again. The administrator is asked for them: a watch tells nothing of what comes and goes while it is broken. */
export class PodCount {
  #fewest = Infinity
  #readings = 0
  readonly #end = new AbortController()
  readonly #counting: Promise<void>

  constructor(cluster: ChaosCluster) {
    this.#counting = this.#count(cluster)
  }

  async end(): Promise<Counted> {
    this.#end.abort()
    await this.#counting
    return { fewest: this.#fewest, readings: this.#readings }
  }

  async #count(cluster: ChaosCluster): Promise<void> {
    for (; !this.#end.signal.aborted; await sleep(PAUSE_MS)) {
      // An API server that is away lets nobody evict.
      const count = await runningPods(cluster).then(({ length }) => length, () => undefined)
      if (count === undefined) continue
      this.#readings += 1
      this.#fewest = Math.min(this.#fewest, count)
    }
  }
}
