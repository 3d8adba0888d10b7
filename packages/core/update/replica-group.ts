import type { Pod } from '../api/pod.ts'

/** What one loop may take away from a group of pods, and why not more. */
export type Permission = 'granted' | 'group-too-small' | 'budget-spent'

export interface GroupSize {
  /** Pods that the controller is to keep. */
  readonly configured: number
  readonly running: number
  readonly tolerance: number
  /** The group has fewer pods than minReplicas: only what disrupts nothing may be done to it. */
  readonly belowMinimum?: boolean
}

/**
 * The pods of one controller during one loop: never more than the tolerated share of them is disrupted at once.
 * With 4 configured and a tolerance of 0.5, two may go; a single pod may go when it is all there is and it runs.
 */
export class ReplicaGroup {
  readonly configured: number
  readonly #running: number
  readonly #tolerated: number
  readonly #belowMinimum: boolean
  #disrupted = 0

  constructor({ configured, running, tolerance, belowMinimum = false }: GroupSize) {
    this.configured = configured
    this.#running = running
    this.#tolerated = Math.trunc(configured * tolerance)
    this.#belowMinimum = belowMinimum
  }

  /** A resize in place that might restart containers. */
  resizing(): Permission {
    const spare = this.#running - this.#disrupted > this.configured - this.#tolerated
    const onlyOneAtATime = this.#tolerated === 0 && this.#running === this.configured && this.#disrupted === 0
    return spare || onlyOneAtATime ? 'granted' : 'budget-spent'
  }

  /** A pending pod serves nobody, so it may always go: what keeps it from being scheduled may be its requests. */
  eviction(pod: Pod): Permission {
    if (pod.phase === 'Pending') return 'granted'
    return this.#belowMinimum ? 'group-too-small' : this.resizing()
  }

  recordEviction(pod: Pod): void {
    if (pod.phase !== 'Pending') this.#disrupted += 1
  }

  recordResize(): void {
    this.#disrupted += 1
  }
}
