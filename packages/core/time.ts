/** Milliseconds since 1970-01-01T00:00:00Z, an integer. */
export type EpochMs = number
/** A length of time in milliseconds. */
export type DurationMs = number

export const SECOND: DurationMs = 1000
export const MINUTE: DurationMs = 60 * SECOND
export const HOUR: DurationMs = 60 * MINUTE
export const DAY: DurationMs = 24 * HOUR

const UNIT_MS = new Map([['ns', 1e-6], ['us', 1e-3], ['µs', 1e-3], ['μs', 1e-3], ['ms', 1], ['s', SECOND], ['m', MINUTE], ['h', HOUR]])
const DURATION = /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h)(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h))*$/

/**
 * Reads a Go duration: `90s`, `1h30m`, `1.5h`, `0`. What is finer than a millisecond is cut off.
 *
 * @returns undefined when the text is not a duration
 */
export function parseDuration(text: string): DurationMs | undefined {
  if (text === '0') return 0
  if (!DURATION.test(text)) return undefined
  let total = 0
  for (const [, value = '', unit = ''] of text.matchAll(/([\d.]+)([a-z\u00b5\u03bc]+)/g)) total += Number(value) * (UNIT_MS.get(unit) ?? 0)
  return Math.trunc(text.startsWith('-') ? -total : total)
}

/** As Go prints a duration: 5400000 is `1h30m0s`, 1500 is `1.5s`, 0 is `0s`. */
export function formatDuration(duration: DurationMs): string {
  const sign = duration < 0 ? '-' : ''
  const rest = Math.abs(duration)
  if (rest > 0 && rest < SECOND) return `${sign}${rest}ms`
  const hours = Math.floor(rest / HOUR)
  const minutes = Math.floor((rest % HOUR) / MINUTE)
  const seconds = (rest % MINUTE) / SECOND
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}s`
  return minutes > 0 ? `${sign}${minutes}m${seconds}s` : `${sign}${seconds}s`
}

/**
 * Reads an RFC 3339 time of an API object.
 *
 * @returns undefined for an absent or unreadable one
 */
export function parseTime(text: string | null | undefined): EpochMs | undefined {
  if (text === null || text === undefined) return undefined
  const time = Date.parse(text)
  return Number.isNaN(time) ? undefined : time
}

/** As API objects carry it, in whole seconds: `2026-03-01T00:00:00Z`. */
export function formatTime(time: EpochMs): string {
  const known = formatted.get(time)
  if (known !== undefined) return known
  if (formatted.size >= MOST_FORMATTED) formatted.clear()
  const text = `${new Date(time).toISOString().slice(0, 19)}Z`
  formatted.set(time, text)
  return text
}

/** Thousands of checkpoints of one turn carry the same few times, and a calendar takes longer than a look-up. */
const formatted = new Map<EpochMs, string>()
const MOST_FORMATTED = 1000
