import { SEVERITIES } from '@vpa/core/advise/severity.ts'
import { SUMMARY_ORDERS, type SummaryQuery } from '@vpa/core/advise/summary-query.ts'
import { UPDATE_MODES } from '@vpa/core/api/update-mode.ts'
import * as z from 'zod'

/** More rows than this would not be looked at, and would take long to draw. */
const MOST_ROWS = 200

const choice = <const T extends string>(choices: readonly T[]) => z.enum(choices, { error: ({ input }) => `expected one of ${choices.join(', ')}; got ${JSON.stringify(input)}` })
const text = (most: number) => z.string({ error: 'expected it once' }).max(most, { error: `expected at most ${most} characters` })
const whole = (most: number) => {
  const error = ({ input }: { readonly input?: unknown }) => `expected a whole number from 1 to ${most}; got ${JSON.stringify(input)}`
  return z.string({ error }).transform((written, context): number => {
    const number = Number(written)
    if (/^\d+$/.test(written) && number >= 1 && number <= most) return number
    context.addIssue({ code: 'custom', message: error({ input: written }) })
    return z.NEVER
  })
}

const ListQuery = z.strictObject(
  {
    text: text(253).optional(),
    namespace: text(63).optional(),
    severity: choice(SEVERITIES).optional(),
    mode: choice(UPDATE_MODES).optional(),
    sort: choice(SUMMARY_ORDERS).default('waste'),
    direction: choice(['ascending', 'descending']).default('descending'),
    page: whole(1_000_000).prefault('1'),
    size: whole(MOST_ROWS).prefault('50'),
  },
  { error: (issue) => (issue.code === 'unrecognized_keys' ? `expected text, namespace, severity, mode, sort, direction, page or size; got ${issue.keys.join(', ')}` : undefined) },
)

/** Reads the query of `/api/vpas`, or tells which part of it is wrong: `page: expected a whole number ...`. */
export function parseListQuery(query: unknown): { readonly query: SummaryQuery } | { readonly problem: string } {
  const parsed = ListQuery.safeParse(query)
  if (!parsed.success) return { problem: parsed.error.issues.slice(0, 1).map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`)).join('') }
  const { text, namespace, severity, mode, ...rest } = parsed.data
  return { query: { text, namespace, severity, mode, ...rest } }
}
