import { type Amount, type Resource, amountOf } from '../amount.ts'
import type { Aggregate } from '../history/aggregate.ts'
import { CPU_BUCKETS, MEMORY_BUCKETS } from '../history/buckets.ts'
import type { EstimateOptions } from '../recommend/estimate.ts'

/** How usage is spread, in millicores or bytes; of memory, its peaks are. */
export interface Distribution {
  /** From the first bucket with any weight to the last, those between them too; `part` is of all weight. */
  readonly buckets: readonly { readonly from: Amount; readonly to: Amount; readonly part: number }[]
  /** Those that the recommendation is made of, in ascending order. */
  readonly percentiles: readonly { readonly of: 'lowerBound' | 'target' | 'upperBound'; readonly percentile: number; readonly amount: Amount }[]
}

/** @returns undefined without any usage */
export function distributionOf(resource: Resource, usage: Aggregate, options: EstimateOptions): Distribution | undefined {
  const [histogram, { starts }, unit] = resource === 'cpu' ? [usage.cpu, CPU_BUCKETS, 1000] : [usage.memoryPeaks, MEMORY_BUCKETS, 1]
  if (histogram.isEmpty()) return undefined
  const { bucketWeights } = histogram.save()
  const indexes = Object.keys(bucketWeights).map(Number)
  const [first, last] = [Math.min(...indexes), Math.max(...indexes)]
  const total = Object.values(bucketWeights).reduce((sum, weight) => sum + weight, 0)
  const edge = (index: number) => amountOf((starts[Math.min(index, starts.length - 1)] ?? 0) * unit)
  const at = (of: 'lowerBound' | 'target' | 'upperBound', percentile: number) => ({ of, percentile, amount: amountOf(histogram.percentile(percentile) * unit) })
  return {
    buckets: Array.from({ length: last - first + 1 }, (_, offset) => ({ from: edge(first + offset), to: edge(first + offset + 1), part: (bucketWeights[first + offset] ?? 0) / total })),
    percentiles: [at('lowerBound', options.lowerBoundPercentile), at('target', options.targetPercentile), at('upperBound', options.upperBoundPercentile)].toSorted((a, b) => a.percentile - b.percentile),
  }
}
