import { projectVpa } from '@vpa/core/api/vpa.ts'
import { UsageHistory } from '@vpa/core/history/usage-history.ts'
import { parseQuantity } from '@vpa/core/quantity.ts'
import { DAY } from '@vpa/core/time.ts'
import type { ExternalMetricQuery, ExternalMetricValue } from '@vpa/kube/external-metrics.ts'
import { expect, test } from 'vitest'
import { logTo } from '../../test/support/recorded-log.ts'
import { externalUsage } from './external-usage.ts'
import type { Subject } from './subject.ts'

const AT = Date.UTC(2026, 2, 1)
const OPTIONS = { metrics: { cpu: 'cpu-usage', memory: 'memory-usage' }, containerNameLabel: 'container' }

/** A VPA whose selector is app=<name>, and its pods. */
function subject(name: string, ...podNames: readonly string[]): Subject {
  const history = new UsageHistory({ cpu: DAY, memory: DAY })
  for (const pod of podNames) history.setPod({ namespace: 'kong', name: pod, labels: { app: name }, phase: 'Running', containers: [{ name: 'app' }] }, AT)
  return { vpa: projectVpa({ metadata: { namespace: 'kong', name } }), target: { selector: { matchLabels: { app: name } } }, groups: [...history.groups()] }
}

function value(text: string, facts: Partial<ExternalMetricValue> = {}): ExternalMetricValue {
  return { labels: { container: 'app' }, at: AT, value: parseQuantity(text), ...facts }
}

async function read(subjects: readonly Subject[], answer: (query: ExternalMetricQuery) => readonly ExternalMetricValue[], options: object = OPTIONS) {
  const asked: ExternalMetricQuery[] = []
  const logged: unknown[] = []
  const log = logTo((_message, fields) => void logged.push(fields))
  const externalMetric = async (query: ExternalMetricQuery) => {
    asked.push(query)
    return answer(query)
  }
  const context = { cluster: { externalMetric }, options: options as typeof OPTIONS, log, workers: 2, signal: new AbortController().signal }
  return { usage: await externalUsage(subjects, context), asked: asked.map(({ namespace, metric, selector }) => `${namespace} ${metric} ${selector}`).toSorted(), logged }
}

test('each pod of each VPA is asked for by the selector and its name, once for each metric', async () => {
  const { asked } = await read([subject('web', 'web-1', 'web-2'), subject('empty')], () => [])
  expect(asked).toEqual(['kong cpu-usage app=web,pod=web-1', 'kong cpu-usage app=web,pod=web-2', 'kong memory-usage app=web,pod=web-1', 'kong memory-usage app=web,pod=web-2'])
})

test('a resource without a metric is not asked for, nor a VPA whose target is not supported', async () => {
  const broken: Subject = { ...subject('broken', 'broken-1'), target: { unsupported: 'no such target' } }
  const { asked } = await read([subject('web', 'web-1'), broken], () => [], { ...OPTIONS, metrics: { memory: 'memory-usage' } })
  expect(asked).toEqual(['kong memory-usage app=web,pod=web-1'])
})

const web = { namespace: 'kong', podName: 'web-1', containerName: 'app', at: AT }

test.for([
  ['CPU in millicores, rounded up', 'cpu-usage', value('250.1m'), [{ ...web, cpu: 251, memory: undefined }]],
  ['memory in bytes', 'memory-usage', value('1Gi'), [{ ...web, cpu: undefined, memory: 1_073_741_824 }]],
  ['an amount that is none', 'cpu-usage', value('much'), [{ ...web, cpu: Number.NaN, memory: undefined }]],
  ['no container', 'cpu-usage', value('1', { labels: { pod: 'web-1' } }), []],
  ['no time', 'cpu-usage', value('1', { at: undefined }), []],
] as const)('a value: %s', async ([, of, given, expected]) => {
  const { usage } = await read([subject('web', 'web-1')], ({ metric }) => (metric === of ? [given] : []))
  expect(usage).toEqual(expected)
})

test('a query that fails costs only itself, and each cause is said once', async () => {
  const { usage, logged } = await read([subject('web', 'web-1', 'web-2', 'web-3')], ({ metric, selector }) => {
    if (metric === 'cpu-usage' && !selector.endsWith('web-3')) throw new Error('adapter is away')
    return [value('1')]
  })
  expect(usage.map(({ podName, cpu, memory }) => [podName, cpu, memory])).toEqual(expect.arrayContaining([['web-1', undefined, 1], ['web-2', undefined, 1], ['web-3', 1000, undefined], ['web-3', undefined, 1]]))
  expect(logged).toEqual([{ metric: 'cpu-usage', error: new Error('adapter is away'), count: 2 }])
})

test('when all fail there is no usage to speak of', async () => {
  await expect(read([subject('web', 'web-1')], refuseAll)).rejects.toThrow('no external metric can be read')
  expect((await read([], refuseAll)).usage).toEqual([])
})

function refuseAll(): never {
  throw new Error('the server could not find the requested resource')
}
