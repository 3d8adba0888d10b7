import type { Resource } from '@vpa/core/amount.ts'
import type { Vpa } from '@vpa/core/api/vpa.ts'
import { type Quantity, type ResourceList, inUnits } from '@vpa/core/quantity.ts'
import { type Tally, TallyHistogram } from '@vpa/kube/tally-histogram.ts'
import { sizeLog2 } from '@vpa/kube/vpa-size.ts'
import { Counter, type Registry, exponentialBuckets } from 'prom-client'

const CPU_BUCKETS = exponentialBuckets(0.01, 2, 17)
const MEMORY_BUCKETS = exponentialBuckets(1e6, 2, 17)
const RELATIVE_BUCKETS = [
  -1, -0.75, -0.5, -0.25, -0.1, -0.05, -0.025, -0.01, -0.005, -0.0025, -0.001, 0, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 10, 25, 50, 100,
]

export interface ObservedUsage {
  readonly vpa: Vpa
  readonly containerName: string
  readonly resource: Resource
  /** In millicores or bytes. */
  readonly usage: number
  readonly isOom: boolean
}

/** How well recommendations meet what is used, named and labelled as the Go implementation's (metrics_quality.go). */
export class QualityMetrics {
  readonly #registry: Registry
  readonly #relativeDifference: TallyHistogram<'update_mode' | 'resource' | 'is_oom'>
  readonly #missing: Counter<'update_mode' | 'resource' | 'is_oom'>
  readonly #changes: TallyHistogram<'update_mode' | 'resource' | 'vpa_size_log2'>
  readonly #cpu: DifferenceMetrics
  readonly #memory: DifferenceMetrics
  /** Series by what usage is told apart by: every sample of every container asks for them. */
  readonly #usageSeries = new Map<string, UsageSeries>()

  constructor(registry: Registry) {
    const registers = [registry]
    const labelNames = ['update_mode', 'resource', 'is_oom'] as const
    this.#registry = registry
    this.#relativeDifference = this.#histogram('usage_recommendation_relative_diffs', 'Diffs between recommendation and usage, normalized by recommendation value', labelNames, RELATIVE_BUCKETS)
    this.#missing = new Counter({
      name: 'vpa_quality_usage_sample_missing_recommendation_count',
      help: 'Count of usage samples when a recommendation should be present but is missing',
      labelNames,
      registers,
    })
    this.#changes = this.#histogram('relative_recommendation_changes', 'Relative changes of the recommendation: new / old - 1', ['update_mode', 'resource', 'vpa_size_log2'], RELATIVE_BUCKETS)
    this.#cpu = this.#differences('cpu', 'cores', ['update_mode'], CPU_BUCKETS)
    this.#memory = this.#differences('mem', 'bytes', ['update_mode', 'is_oom'], MEMORY_BUCKETS)
  }

  /** Compares a sample with what the VPA recommends without caps. */
  observeUsage({ vpa, containerName, resource, usage, isOom }: ObservedUsage): void {
    const used = resource === 'cpu' ? usage / 1000 : usage
    const container = vpa.status.recommendation?.containerRecommendations?.find((container) => container.containerName === containerName)
    const recommended = unitsOf(container?.uncappedTarget?.[resource])
    const series = this.#seriesOf(vpa.spec.updatePolicy?.updateMode ?? '', resource, isOom)
    if (recommended > 0) {
      series.relative().observe((used - recommended) / recommended)
      series.recommendation().observe(recommended)
      const difference = recommended > used ? series.over : series.lowerOrEqual
      difference().observe(Math.abs(recommended - used))
    } else {
      series.missing()
      series.withoutRecommendation().observe(Math.abs(recommended - used))
    }
  }

  /** Compares two uncapped targets of one container. */
  observeChange(vpa: Vpa, podCount: number, before: ResourceList, now: ResourceList): void {
    for (const [resource, amount] of Object.entries(now)) {
      const old = unitsOf(before[resource])
      if (old <= 0) continue
      this.#changes.series({ update_mode: vpa.spec.updatePolicy?.updateMode ?? '', resource, vpa_size_log2: String(sizeLog2(podCount)) }).observe(inUnits(amount) / old - 1)
    }
  }

  #seriesOf(update_mode: string, resource: Resource, isOom: boolean): UsageSeries {
    const key = `${update_mode} ${resource} ${isOom}`
    const known = this.#usageSeries.get(key)
    if (known !== undefined) return known
    const is_oom = String(isOom)
    const metrics = resource === 'cpu' ? this.#cpu : this.#memory
    const labels = { update_mode, ...(resource === 'memory' && { is_oom }) }
    const series: UsageSeries = {
      relative: once(() => this.#relativeDifference.series({ update_mode, resource, is_oom })),
      recommendation: once(() => metrics.recommendation.series(labels)),
      over: once(() => metrics.over.series({ ...labels, recommendation_missing: 'false' })),
      lowerOrEqual: once(() => metrics.lowerOrEqual.series({ ...labels, recommendation_missing: 'false' })),
      withoutRecommendation: once(() => metrics.lowerOrEqual.series({ ...labels, recommendation_missing: 'true' })),
      missing: () => this.#missing.inc({ update_mode, resource, is_oom }),
    }
    this.#usageSeries.set(key, series)
    return series
  }

  #differences(resource: string, unit: string, labels: readonly string[], buckets: number[]): DifferenceMetrics {
    const withMissing = [...labels, 'recommendation_missing']
    return {
      over: this.#histogram(`${resource}_recommendation_over_usage_diffs_${unit}`, `Absolute diffs between recommendation and usage for ${resource} when recommendation > usage`, withMissing, buckets),
      lowerOrEqual: this.#histogram(`${resource}_recommendation_lower_equal_usage_diffs_${unit}`, `Absolute diffs between recommendation and usage for ${resource} when recommendation <= usage`, withMissing, buckets),
      recommendation: this.#histogram(`${resource}_recommendations_${unit}`, `Recommendation values for ${resource}`, labels, buckets),
    }
  }

  #histogram<Label extends string>(name: string, help: string, labelNames: readonly Label[], buckets: number[]): TallyHistogram<Label> {
    return new TallyHistogram({ name: `vpa_quality_${name}`, help, labelNames, buckets, registry: this.#registry })
  }
}

interface DifferenceMetrics {
  readonly over: TallyHistogram<string>
  readonly lowerOrEqual: TallyHistogram<string>
  readonly recommendation: TallyHistogram<string>
}

/** Each is asked for when it has something to count, so that `/metrics` shows no series that never had a value. */
interface UsageSeries {
  relative(): Tally
  recommendation(): Tally
  over(): Tally
  lowerOrEqual(): Tally
  withoutRecommendation(): Tally
  missing(): void
}

function once<T>(make: () => T): () => T {
  let made: T | undefined
  return () => (made ??= make())
}

/** Cores or bytes; 0 for what is not there. */
function unitsOf(amount: Quantity | undefined): number {
  return amount === undefined ? 0 : inUnits(amount)
}
