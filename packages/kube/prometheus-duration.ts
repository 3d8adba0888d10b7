import { DAY, type DurationMs, HOUR, MINUTE, SECOND } from '@vpa/core/time.ts'

const DURATION = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/
const UNITS: readonly DurationMs[] = [365 * DAY, 7 * DAY, DAY, HOUR, MINUTE, SECOND, 1]

/**
 * Reads a duration as Prometheus writes it: `8d`, `1h30m`, `500ms`; units from large to small, each at most once (prometheus/common: model.ParseDuration).
 *
 * @returns undefined when the text is not such a duration, or no time at all
 */
export function parsePrometheusDuration(text: string): DurationMs | undefined {
  const counts = DURATION.exec(text)?.slice(1) ?? []
  const total = UNITS.reduce((sum, unit, index) => sum + unit * Number(counts[index] ?? 0), 0)
  return total > 0 && Number.isSafeInteger(total) ? total : undefined
}
