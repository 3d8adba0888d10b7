import { Histogram, Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { TallyHistogram } from './tally-histogram.ts'

const OPTIONS = { name: 'lengths', help: 'How long.', labelNames: ['kind', 'far'] as const, buckets: [-2, 0, 0.5, 2] }

test('shows what a histogram of prom-client shows', async () => {
  const [registry, expected] = [new Registry(), new Registry()]
  const tally = new TallyHistogram({ ...OPTIONS, registry })
  const histogram = new Histogram({ ...OPTIONS, buckets: [...OPTIONS.buckets], registers: [expected] })
  for (const [kind, value] of [['a', 0.5], ['a', 0.50001], ['b', -7], ['a', 3], ['a', 0], ['b', 2]] as const) {
    tally.series({ kind, far: 'true' }).observe(value)
    histogram.observe({ kind, far: 'true' }, value)
  }
  expect(await registry.metrics()).toBe(await expected.metrics())
})

test('a value above all bounds is in none of them, also where one is -1', async () => {
  const registry = new Registry()
  new TallyHistogram({ ...OPTIONS, buckets: [-1, 1], registry }).series({ kind: 'a', far: 'true' }).observe(5)
  const buckets = (await registry.metrics()).split('\n').filter((line) => line.startsWith('lengths_bucket')).map((line) => line.replace(',kind="a",far="true"', ''))
  expect(buckets).toEqual(['lengths_bucket{le="-1"} 0', 'lengths_bucket{le="1"} 0', 'lengths_bucket{le="+Inf"} 1'])
})

test('what is no number is a mistake of the caller', () => {
  const tally = new TallyHistogram({ ...OPTIONS, registry: new Registry() })
  expect(() => tally.series({ kind: 'a', far: 'true' }).observe(NaN)).toThrow('not a finite number: NaN')
})
