import type { Log } from '@vpa/kube/log.ts'

export interface Line {
  readonly message: string
  readonly [field: string]: unknown
}

type Level = 'debug' | 'info' | 'warn' | 'error'

/** Gives what is logged on these levels to a function of the test. */
export function logTo(note: Log['info'], levels: readonly Level[] = ['debug', 'info', 'warn', 'error']): Log {
  const at = (level: Level) => (levels.includes(level) ? note : () => {})
  const log: Log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: () => log }
  return log
}

/** Adds what is logged to a list. */
export function logInto(lines: Line[], levels?: readonly Level[]): Log {
  return logTo((message, fields) => void lines.push({ message, ...fields }), levels)
}

export const silentLog: Log = logTo(() => {})
