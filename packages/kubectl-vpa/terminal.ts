import type { Clock } from '@vpa/kube/clock.ts'

/** What a command has of its process. */
export interface Terminal {
  /** Standard output: what was asked for. */
  readonly out: (text: string) => void
  /** Standard error: what is wrong, and what is left out. */
  readonly err: (text: string) => void
  /** Whether a person reads standard output. */
  readonly isTerminal: boolean
  readonly colours: boolean
  readonly clock: Clock
  /** Aborted when the user has seen enough. */
  readonly signal: AbortSignal
  /** Kubeconfig files of the user, where no flag names one. */
  readonly kubeconfigs: () => Promise<readonly string[]>
}
