import type { Health } from './health.ts'
import type { Log } from './log.ts'

export interface TurnOptions {
  /** Of the log line about a turn that failed. */
  readonly message: string
  readonly health: Pick<Health, 'beat'>
  readonly log: Pick<Log, 'error'>
}

/**
 * One turn of a program's loop, which never ends the program: whoever fails over an object that is in the cluster would fail over it
 * again after a restart, and again, with all that it remembered gone.
 *
 * It beats after a turn that went well and not before one: a program whose turns all fail must not look healthy. Beats are then at most
 * an interval and a turn apart.
 */
export async function turn(work: () => Promise<void>, { message, health, log }: TurnOptions): Promise<void> {
  try {
    await work()
    health.beat()
  } catch (error) {
    log.error(message, { error })
  }
}
