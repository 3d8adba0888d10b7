import { projectPod } from '@vpa/core/api/pod.ts'
import { UsageHistory } from '@vpa/core/history/usage-history.ts'
import { DAY, MINUTE } from '@vpa/core/time.ts'
import type { Store } from '@vpa/kube/cluster.ts'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { logTo } from '../../test/support/recorded-log.ts'
import { Config, recommenderOptions } from './config.ts'
import { QualityMetrics } from './quality-metrics.ts'
import { type SampleContext, addUsage } from './samples.ts'
import { SubjectIndex } from './subject.ts'

const NOW = Date.UTC(2026, 2, 1)
const GIB = 2 ** 30
const POD = projectPod({ metadata: { namespace: 'default', name: 'web-0' }, spec: { initContainers: [{ name: 'init' }], containers: [{ name: 'app' }] }, status: { phase: 'Running' } })

interface Sample {
  readonly cpu?: number
  readonly memory?: number
  readonly minute?: number
  readonly container?: string
}

/** What a pod with one regular and one init container has learnt, and what was logged on the way. */
function learn(...samples: readonly Sample[]) {
  const warnings: string[] = []
  const log = logTo((message, { why } = {}) => void warnings.push(`${message}: ${String(why)}`), ['warn'])
  const history = new UsageHistory({ cpu: DAY, memory: DAY })
  history.setPod(POD, NOW)
  const pods: Store<typeof POD> = { get: () => POD, list: () => [POD], size: 1, heardAt: NOW, subscribe: () => () => {} }
  const context: SampleContext = { history, pods, log, index: new SubjectIndex([]), quality: new QualityMetrics(new Registry()), options: recommenderOptions(Config.parse({})), now: NOW }
  const usage = samples.map(({ cpu, memory, minute = 0, container = 'app' }) => ({ namespace: 'default', podName: 'web-0', containerName: container, at: NOW + minute * MINUTE, cpu, memory }))
  const tally = addUsage(context, usage)
  const aggregate = [...history.groups()][0]!.aggregateOf('app', NOW)
  return { tally, warnings, samples: aggregate.span.count, peak: aggregate.memoryPeaks.percentile(1), cpu: aggregate.cpu.percentile(1) }
}

const NONE = { accepted: 0, stale: 0, invalid: 0, future: 0, unknown: 0 }
const REFUSED = 'Error adding metric sample: usage is not an amount that a machine can have'
const AHEAD = 'Samples of a time that is to come are refused: is the clock here behind, or that of the metrics ahead?: undefined'

test('a resource that is missing in a sample was not unused', () => {
  expect(learn({ memory: GIB })).toMatchObject({ tally: { ...NONE, accepted: 1 }, samples: 0, cpu: 0 })
  expect(learn({ cpu: 500 })).toMatchObject({ tally: { ...NONE, accepted: 1 }, samples: 1, peak: 0 })
})

test.for<[string, readonly Sample[], object, readonly string[]]>([
  ['seen before or out of order', [{ cpu: 1, minute: 2 }, { cpu: 1, minute: 2 }, { cpu: 1, minute: 1 }], { accepted: 1, stale: 2 }, []],
  ['negative', [{ cpu: -1, memory: -1 }], { invalid: 2 }, [REFUSED, REFUSED]],
  ['no number', [{ cpu: Number.NaN, memory: GIB }], { invalid: 1, accepted: 1 }, [REFUSED]],
  ['infinite', [{ cpu: Number.POSITIVE_INFINITY, memory: Number.POSITIVE_INFINITY }], { invalid: 2 }, [REFUSED, REFUSED]],
  ['more than any machine has', [{ cpu: 1e16, memory: 1e16 }], { invalid: 2 }, [REFUSED, REFUSED]],
  ['of no time', [{ cpu: 1, minute: Number.NaN }, { cpu: 1, minute: -1e9 }], { invalid: 2 }, [REFUSED, REFUSED]],
  ['more than an hour ahead of our clock', [{ cpu: 1, memory: GIB, minute: 61 }, { cpu: 1, minute: 1e7 }, { cpu: 1, minute: 60 }], { accepted: 1, future: 3 }, [AHEAD]],
  ['of a container that the pod does not have', [{ cpu: 1, memory: 1, container: 'other' }], { unknown: 2 }, []],
  ['of an init container', [{ cpu: 1, memory: 1, container: 'init' }], {}, []],
])('a sample that is %s is counted, and is no usage', ([, samples, tally, warnings]) => {
  expect(learn(...samples)).toMatchObject({ tally: { ...NONE, ...tally }, warnings })
})

test('a sample far ahead takes nothing from those before it and after it', () => {
  const before = { cpu: 500, minute: 0 }
  const after = { cpu: 500, minute: 1 }
  expect(learn(before, { cpu: 1, minute: 200 * 24 * 60 }, after)).toMatchObject({ tally: { ...NONE, accepted: 2, future: 1 }, samples: 2, cpu: learn(before, after).cpu })
})

test('a first memory sample of 0 bytes does not hide the peaks after it', () => {
  expect(learn({ memory: 0 }, { memory: GIB, minute: 1 }).peak).toBeGreaterThan(GIB)
})
