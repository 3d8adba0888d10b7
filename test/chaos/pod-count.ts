import { setTimeout as sleep } from 'node:timers/promises'
import type { ChaosCluster } from './chaos-cluster.ts'
import { runningPods } from './workloads.ts'

/** A replacement takes longer than this to run. */
const PAUSE_MS = 50

/** Counts the probe's running pods again and again. The administrator is asked for them: a watch tells nothing of what comes and goes while it is broken. */
export class PodCount {
  #fewest = Infinity
  readonly #end = new AbortController()
  readonly #counted: Promise<void>

  constructor(cluster: ChaosCluster) {
    this.#counted = this.#count(cluster)
  }

  /** The fewest that ran at a time; Infinity where it could never be seen. */
  async end(): Promise<number> {
    this.#end.abort()
    await this.#counted
    return this.#fewest
  }

  async #count(cluster: ChaosCluster): Promise<void> {
    for (; !this.#end.signal.aborted; await sleep(PAUSE_MS)) {
      // An API server that is away lets nobody evict.
      const count = await runningPods(cluster).then(({ length }) => length, () => Infinity)
      this.#fewest = Math.min(this.#fewest, count)
    }
  }
}
