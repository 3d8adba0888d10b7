import type { HistogramCheckpoint } from '@vpa/core/api/checkpoint.ts'

const BARS = '▁▂▃▄▅▆▇█'

/**
 * How weight is spread over the buckets of a checkpoint, from the first to the last that has any, as one line of bars.
 *
 * @param starts of all buckets
 */
export function sparkline({ bucketWeights }: HistogramCheckpoint, starts: Float64Array): { readonly bars: string; readonly from: number; readonly to: number } | undefined {
  const indexes = Object.keys(bucketWeights).map(Number).toSorted((a, b) => a - b)
  const [first, last] = [indexes[0], indexes.at(-1)]
  if (first === undefined || last === undefined) return undefined
  const weights = Array.from({ length: last - first + 1 }, (_, offset) => bucketWeights[first + offset] ?? 0)
  const heaviest = weights.reduce((a, b) => Math.max(a, b))
  const bars = weights.map((weight) => (weight === 0 ? ' ' : BARS[Math.ceil((weight / heaviest) * BARS.length) - 1])).join('')
  return { bars, from: starts[first] ?? 0, to: starts[last + 1] ?? starts[last] ?? 0 }
}
