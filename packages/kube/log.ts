import { pino } from 'pino'
import { prettyFactory } from 'pino-pretty'
import type { Clock } from './clock.ts'

/**
 * A message is constant, its variables are fields: `log.info('Saved checkpoint for VPA', { vpa, container })`.
 * A field named `error` is written as message and stack, both with those of its causes.
 */
export interface Log {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void
  info(message: string, fields?: Readonly<Record<string, unknown>>): void
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void
  error(message: string, fields?: Readonly<Record<string, unknown>>): void
  /** A log that adds these fields to every line. */
  child(fields: Readonly<Record<string, unknown>>): Log
}

export interface LogOptions {
  /** klog's `-v`: 0 and less shows warnings and errors, 1 to 4 information too, 5 and more everything. */
  readonly verbosity: number
  /** `json`: one object per line, `{"level":"info","ts":"…","msg":"…",…fields}`; `text`: for people at a terminal. */
  readonly format: 'json' | 'text'
  readonly clock: Pick<Clock, 'now'>
  /** Takes whole lines. Default: the standard error stream, where klog writes. */
  readonly destination?: { write(line: string): void }
  /** Of the text format only. Default: as the terminal can. */
  readonly colors?: boolean
}

export function createLog({ verbosity, format, clock, destination = standardError(), colors }: LogOptions): Log {
  const options = {
    base: null,
    level: levelOf(verbosity),
    formatters: { level: (level: string) => ({ level }) },
    timestamp: timestamps(clock),
    serializers: { error: messageAndStack },
  }
  if (format === 'json') return fromPino(pino(options, destination))
  const pretty = prettyFactory({
    timestampKey: 'ts',
    translateTime: 'HH:MM:ss',
    singleLine: true,
    ...(colors === undefined ? {} : { colorize: colors }),
  })
  return fromPino(pino(options, { write: (line) => destination.write(pretty(line)) }))
}

/** Lines come in bursts, and printing a time takes longer than the rest of a line. */
function timestamps({ now }: LogOptions['clock']): () => string {
  let [at, text] = [NaN, '']
  return () => {
    const time = now()
    if (time !== at) [at, text] = [time, `,"ts":"${new Date(time).toISOString()}"`]
    return text
  }
}

/** Synchronous, so that the last line before an exit is not lost. */
function standardError() {
  return pino.destination({ fd: 2, sync: true })
}

function levelOf(verbosity: number): 'warn' | 'info' | 'debug' {
  if (verbosity <= 0) return 'warn'
  return verbosity < 5 ? 'info' : 'debug'
}

/** Nothing else of an error: those of HTTP clients carry requests, and requests carry credentials. */
function messageAndStack(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const { message, stack } = pino.stdSerializers.err(error)
  return { message, stack }
}

/** pino takes the fields first; our calls read better with the message first. */
function fromPino(logger: pino.Logger): Log {
  return {
    debug: (message, fields) => logger.debug(fields, message),
    info: (message, fields) => logger.info(fields, message),
    warn: (message, fields) => logger.warn(fields, message),
    error: (message, fields) => logger.error(fields, message),
    child: (fields) => fromPino(logger.child(fields)),
  }
}
