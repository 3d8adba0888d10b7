#!/usr/bin/env node
// Writes the worked example of docs/concepts.md, between its two marks, with the numbers of core itself: npx node hack/generate-example.ts
import { readFileSync, writeFileSync } from 'node:fs'
import { Aggregate } from '@vpa/core/history/aggregate.ts'
import { confidenceOf } from '@vpa/core/recommend/estimate.ts'
import { recommend } from '@vpa/core/recommend/recommendation.ts'
import { type Quantity, inUnits } from '@vpa/core/quantity.ts'
import { DAY, HOUR, MINUTE } from '@vpa/core/time.ts'
import { parseConfig } from '@vpa/kube/config.ts'
import { Config, recommenderOptions } from '../packages/recommender/config.ts'

const PAGE = new URL('../docs/concepts.md', import.meta.url)
const MARKED = /<!-- example -->\n[\s\S]*<!-- end of example -->\n/
const DAYS = 8

/** A shop's proxy: 100m at night, and in the day more and more, up to 600m around noon. In millicores. */
function usageAt(time: number): number {
  const hour = (time % DAY) / HOUR
  return hour < 8 || hour >= 18 ? 100 : 100 + Math.round(500 * Math.sin((Math.PI * (hour - 8)) / 10) ** 3)
}

interface Row {
  readonly label: string
  /** In millicores. */
  readonly lower: number
  readonly target: number
  readonly upper: number
}

/** docs/concepts.md with the example as core computes it. */
export function conceptsPage(page: string): string {
  return page.replace(MARKED, () => `<!-- example -->\n${example()}<!-- end of example -->\n`)
}

function example(): string {
  const options = recommenderOptions(defaults())
  const { estimates } = options.recommend
  const aggregate = new Aggregate(options.halfLives)
  const rows: Row[] = []
  for (let time = 0; time <= DAYS * DAY; time += MINUTE) {
    aggregate.addCpu(usageAt(time), time)
    const label = labelAt(time)
    if (label !== undefined) rows.push({ label, ...recommended(aggregate, options.recommend) })
  }
  const [first] = rows
  const last = rows.at(-1)
  if (first === undefined || last === undefined) throw new Error('there is nothing to show')
  const percentile = Math.trunc(aggregate.cpu.percentile(estimates.cpu.targetPercentile) * 1000)
  const upper = Math.trunc(aggregate.cpu.percentile(estimates.cpu.upperBoundPercentile) * 1000)
  const confidence = confidenceOf(aggregate.span, estimates.cpu.confidenceInterval)
  const margin = estimates.cpu.marginFraction
  const shown = rows.filter(({ label }) => label.endsWith('d'))
  return `A proxy uses 100m at night and up to 600m at noon, and was measured each minute for ${DAYS} days:

- ${estimates.cpu.targetPercentile * 100} % of the time it stays below **${percentile}m** (the upper edge of the histogram's step). With ${margin * 100} % on top, the \`target\` is **${last.target}m**.
- ${estimates.cpu.upperBoundPercentile * 100} % of the time it stays below ${upper}m. With ${margin * 100} % on top, and times 1 + 1/${Math.round(confidence)} for ${Math.round(confidence)} days of history, the \`upperBound\` is **${last.upper}m**.
- Half of the time it stays below what makes a \`lowerBound\` of **${last.lower}m**.

The bounds begin far apart, so that little history evicts nobody, and close with the days:

| after | ${rows.map(({ label }) => label.replace(/(\d+)d/, '$1 d').replace(/(\d+)h/, '$1 h')).join(' | ')} |
|---|${rows.map(() => '---').join('|')}|
| \`lowerBound\` | ${rows.map(({ lower }) => `${lower}m`).join(' | ')} |
| \`target\` | ${rows.map(({ target }) => `${target}m`).join(' | ')} |
| \`upperBound\` | ${rows.map(({ upper }) => `${upper}m`).join(' | ')} |

\`\`\`mermaid
xychart-beta
  title "Millicores after days of history: upper bound, target, lower bound"
  x-axis "days" [${shown.map(({ label }) => label.slice(0, -1)).join(', ')}]
  y-axis "millicores"
  line [${shown.map(({ upper }) => upper).join(', ')}]
  line [${shown.map(({ target }) => target).join(', ')}]
  line [${shown.map(({ lower }) => lower).join(', ')}]
\`\`\`
`
}

function labelAt(time: number): string | undefined {
  if (time === HOUR) return '1h'
  if (time === 12 * HOUR) return '12h'
  return time > 0 && time % DAY === 0 ? `${time / DAY}d` : undefined
}

function recommended(aggregate: Aggregate, options: Parameters<typeof recommend>[2]): Omit<Row, 'label'> {
  const [proxy] = recommend(new Map([['proxy', aggregate]]), undefined, options)
  return { lower: millicores(proxy?.lowerBound?.['cpu']), target: millicores(proxy?.target?.['cpu']), upper: millicores(proxy?.upperBound?.['cpu']) }
}

function millicores(quantity: Quantity | undefined): number {
  return quantity === undefined ? 0 : Math.round(inUnits(quantity) * 1000)
}

function defaults(): Config {
  const parsed = parseConfig(Config, [])
  if ('config' in parsed) return parsed.config
  throw new Error('the recommender has no defaults')
}

if (import.meta.main) writeFileSync(PAGE, conceptsPage(readFileSync(PAGE, 'utf8')))
