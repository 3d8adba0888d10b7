import type { Metric } from './catalogue.ts'

/** A label with what its value must be: `is_error="true"`, or `update_mode!~"Off|Initial"` by {@link not}. */
export type Matchers = Readonly<Record<string, string | { readonly not: string }>>

/** Matches everything but these, a regular expression. */
export const not = (expression: string) => ({ not: expression })

/** Part of a histogram that Prometheus keeps as a series of its own. */
type Part = 'bucket' | 'sum' | 'count'

/** Names series by the definitions of the programs, so that no query names a metric, a part or a label that they do not have. */
export class Query {
  readonly #metrics: ReadonlyMap<string, Metric>

  constructor(catalogue: readonly Metric[]) {
    this.#metrics = new Map(catalogue.map((metric) => [metric.name, metric]))
  }

  /**
   * A counter or gauge, such as `vpa_watch_objects{kind="pods"}`.
   *
   * @throws Error for one that is not defined, or has no such label
   */
  series(name: string, matchers: Matchers = {}): string {
    const { type, labels } = this.#defined(name)
    if (type === 'histogram') throw new Error(`${name} is a histogram: name its bucket, sum or count`)
    return name + selectorOf(name, labels, matchers)
  }

  /** One part of a histogram. */
  part(name: string, part: Part, matchers: Matchers = {}): string {
    const { type, labels } = this.#defined(name)
    if (type !== 'histogram') throw new Error(`${name} is a ${type}: it has no ${part}`)
    return `${name}_${part}${selectorOf(name, labels, matchers)}`
  }

  /** The label itself, for `by (...)`. */
  label(name: string, label: string): string {
    if (!this.#defined(name).labels.includes(label)) throw new Error(`${name} has no label ${label}`)
    return label
  }

  #defined(name: string): Metric {
    const metric = this.#metrics.get(name)
    if (metric === undefined) throw new Error(`no program defines the metric ${name}`)
    return metric
  }
}

function selectorOf(name: string, labels: readonly string[], matchers: Matchers): string {
  const written = Object.entries(matchers).map(([label, value]) => {
    if (!labels.includes(label)) throw new Error(`${name} has no label ${label}; it has ${labels.join(', ') || 'none'}`)
    return typeof value === 'string' ? `${label}="${value}"` : `${label}!~"${value.not}"`
  })
  return written.length === 0 ? '' : `{${written.join(',')}}`
}
