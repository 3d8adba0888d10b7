import { HistogramCheckpoint, histogramJson } from '@vpa/core/api/checkpoint.ts'
import { CPU_BUCKETS, MEMORY_BUCKETS } from '@vpa/core/history/buckets.ts'
import { Histogram } from '@vpa/core/history/histogram.ts'
import { parseDuration } from '@vpa/core/time.ts'
import { type Vector, type Verdict, compare } from './verdict.ts'

interface Input {
  readonly resource: 'cpu' | 'memory'
  readonly halfLife: string
  readonly percentiles: readonly number[]
  readonly a: readonly Operation[]
  readonly b?: readonly Operation[]
  readonly rawCheckpoint?: unknown
}
type Operation = readonly ['query'] | readonly ['add' | 'sub', value: number, weight: number, at: number]

export function runHistogram(vector: Vector): Verdict {
  const { resource, halfLife, percentiles, a: operationsOnA, b: operationsOnB, rawCheckpoint } = vector.input as Input
  const empty = () => new Histogram(resource === 'cpu' ? CPU_BUCKETS : MEMORY_BUCKETS, parseDuration(halfLife) ?? 0)
  const state = (histogram: Histogram) => ({
    percentiles: percentiles.map((fraction) => histogram.percentile(fraction)),
    isEmpty: histogram.isEmpty(),
    checkpoint: histogramJson(histogram.save()),
  })
  const loaded = (checkpoint: unknown) => {
    const histogram = empty()
    histogram.load(HistogramCheckpoint.parse(checkpoint))
    return state(histogram)
  }
  const replay = (histogram: Histogram, operations: readonly Operation[]) =>
    operations.flatMap((operation) => {
      if (operation[0] === 'query') return [state(histogram)]
      const [kind, value, weight, at] = operation
      if (kind === 'add') histogram.add(value, weight, at)
      else histogram.subtract(value, weight, at)
      return []
    })

  const a = empty()
  const actual: Record<string, unknown> = { a: replay(a, operationsOnA), aReloaded: loaded(histogramJson(a.save())) }
  if (operationsOnB !== undefined) {
    const b = empty()
    actual.b = replay(b, operationsOnB)
    a.merge(b)
    Object.assign(actual, { merged: state(a), bAfterMerge: state(b), mergedReloaded: loaded(histogramJson(a.save())) })
  }
  if (rawCheckpoint !== undefined) actual.rawLoad = attempt(() => loaded(rawCheckpoint))
  return compare(actual, vector)
}

function attempt<T>(make: () => T): T | { error: string } {
  try {
    return make()
  } catch (error) {
    return { error: (error as Error).message }
  }
}
