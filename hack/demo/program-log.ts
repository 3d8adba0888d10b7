import type { Transcript } from './transcript.ts'
import type { LogLine } from './trio.ts'

/** What the three programs log, and what of it belongs into the transcript. */
export interface ProgramLog {
  readonly take: (line: LogLine) => void
  /** The first line with that message that fits. */
  find(message: string, fits: (line: LogLine) => boolean): LogLine | undefined
  /** What went wrong, as the programs said it. */
  errors(): readonly string[]
}

/** Said every loop: once is enough to see. */
const TOLD_ONCE = new Set([
  'Recommender Run',
  'Using selector',
  'podMetrics retrieved for all namespaces',
  'Saved checkpoint for VPA',
  'Overriding minReplicas from global to per-VPA value',
])
const TOLD_ALWAYS = new Set(['Pod accepted for update', 'Evicting pod', 'Serving the dashboard'])
/** Of no interest in a transcript. */
const ENVELOPE = new Set(['program', 'level', 'msg', 'ts'])

export function followPrograms(transcript: Transcript): ProgramLog {
  const lines = new Map<string, LogLine[]>()
  const take = (line: LogLine) => {
    const alike = lines.get(line.msg) ?? []
    lines.set(line.msg, [...alike, line])
    const trouble = line.level === 'warn' || line.level === 'error'
    if (trouble || TOLD_ALWAYS.has(line.msg) || (TOLD_ONCE.has(line.msg) && alike.length === 0)) transcript.program(line.program, textOf(line))
  }
  return {
    take,
    find: (message, fits) => lines.get(message)?.find(fits),
    errors: () => [...lines.values()].flat().filter(({ level }) => level === 'error').map((line) => `${line.program}: ${textOf(line)}`),
  }
}

function textOf(line: LogLine): string {
  const fields = Object.entries(line).filter(([name]) => !ENVELOPE.has(name))
  return [line.msg, ...fields.map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)].join('  ')
}
