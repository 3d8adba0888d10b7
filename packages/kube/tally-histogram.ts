import type { Metric, Registry } from 'prom-client'

export interface TallyHistogramOptions<Label extends string> {
  readonly name: string
  readonly help: string
  readonly labelNames: readonly Label[]
  /** Upper bounds, ascending. */
  readonly buckets: readonly number[]
  readonly registry: Registry
}

/** One series: what it has counted, by bucket. */
export interface Tally {
  observe(value: number): void
}

/**
 * A histogram for what is observed for every sample of every container. prom-client's own takes a microsecond for each value,
 * because it looks up labels and bounds by text; here the series is looked up once, and a value costs some nanoseconds.
 * `/metrics` shows it as it shows others. (prom-client's own also counts what is above all bounds in a bucket whose bound is -1.)
 */
export class TallyHistogram<Label extends string> {
  readonly #options: TallyHistogramOptions<Label>
  readonly #series = new Map<string, Series>()

  constructor(options: TallyHistogramOptions<Label>) {
    this.#options = options
    const { name, help, labelNames, registry } = options
    const metric = { name, help, labelNames, type: 'histogram', aggregator: 'sum' }
    registry.registerMetric({ ...metric, get: async () => ({ ...metric, values: this.#values() }) } as unknown as Metric)
  }

  /** The series of these labels; worth keeping where it is used often. */
  series(labels: Readonly<Record<Label, string>>): Tally {
    const { labelNames, buckets } = this.#options
    const key = JSON.stringify(labelNames.map((name) => labels[name]))
    const series = this.#series.get(key) ?? new Series(labels, buckets)
    this.#series.set(key, series)
    return series
  }

  #values(): readonly object[] {
    const { name, buckets } = this.#options
    return [...this.#series.values()].flatMap(({ labels, counts, sum }) => {
      let cumulative = 0
      const bucketValues = [...buckets, '+Inf'].map((le, index) => ({ metricName: `${name}_bucket`, labels: { le, ...labels }, value: (cumulative += counts[index] ?? 0) }))
      return [...bucketValues, { metricName: `${name}_sum`, labels, value: sum }, { metricName: `${name}_count`, labels, value: cumulative }]
    })
  }
}

class Series implements Tally {
  readonly labels: Readonly<Record<string, string>>
  readonly counts: Float64Array
  readonly #bounds: readonly number[]
  sum = 0

  constructor(labels: Readonly<Record<string, string>>, bounds: readonly number[]) {
    this.labels = labels
    this.counts = new Float64Array(bounds.length + 1)
    this.#bounds = bounds
  }

  observe(value: number): void {
    if (!Number.isFinite(value)) throw new TypeError(`not a finite number: ${value}`)
    let bucket = 0
    while (bucket < this.#bounds.length && value > (this.#bounds[bucket] ?? 0)) bucket += 1
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1
    this.sum += value
  }
}
