import { CheckpointStatus, projectCheckpoint } from '@vpa/core/api/checkpoint.ts'
import { projectEvictionEvent } from '@vpa/core/api/eviction-event.ts'
import { projectHorizontalAutoscaler } from '@vpa/core/api/horizontal-autoscaler.ts'
import { projectLimitRange } from '@vpa/core/api/limit-range.ts'
import { projectNode } from '@vpa/core/api/node.ts'
import { projectPod } from '@vpa/core/api/pod.ts'
import { projectResourceQuota } from '@vpa/core/api/resource-quota.ts'
import { projectVpa } from '@vpa/core/api/vpa.ts'
import { loadCheckpoint } from '@vpa/core/history/checkpoint.ts'
import { oomsOfEviction } from '@vpa/core/history/oom.ts'
import { parseOpenIntervals } from '@vpa/core/history/open-interval.ts'
import { parseQuantity } from '@vpa/core/quantity.ts'
import { formatSelector, matchesSelector } from '@vpa/core/selector.ts'
import { DAY, parseDuration, parseTime } from '@vpa/core/time.ts'
import { readUsage } from '@vpa/kube/metrics-api.ts'
import { Prometheus } from '@vpa/kube/prometheus.ts'
import { parsePrometheusDuration } from '@vpa/kube/prometheus-duration.ts'
import { parseSelector } from '@vpa/kube/selector-text.ts'
import { ItemSplitter, LineSplitter } from '@vpa/kube/splitter.ts'
import { array, assert, asyncProperty, constantFrom, double, jsonValue, nat, oneof, property, record, string } from 'fast-check'
import { expect, test } from 'vitest'
import { clientOf, startApiServer } from './support/api-server.ts'
import { fakeClock } from './support/fake-clock.ts'
import { logInto } from './support/updater-scene.ts'
import { usedMs } from './support/cpu-time.ts'

/** `npm run fuzz` asks for many more. */
const CASES = Number(process.env['FUZZ_CASES'] ?? 1000)
const SLOWEST_MS = 1000
const halfLives = { cpu: DAY, memory: DAY }
const NASTY = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '', '0', '-1', '1e400', '1e-400', '9'.repeat(400), 'NaN', 'Infinity', '\0', '\u{1f4a5}', '{', '[', ',', 'a=b', '!a', 'a in (b)']

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

const meta = { namespace: 'n', name: 'x', uid: 'u', resourceVersion: '1', labels: { app: 'x' }, annotations: { a: 'b' }, creationTimestamp: '2026-01-01T00:00:00Z', ownerReferences: [{ kind: 'ReplicaSet', name: 'r', controller: true }] }
const resources = { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: 2 } }
const histogram = { referenceTimestamp: '2026-01-01T00:00:00Z', bucketWeights: { '1': 10_000, '175': 1 }, totalWeight: 2 }
const SEEDS: readonly Json[] = [
  { metadata: meta, spec: { nodeName: 'n', containers: [{ name: 'app', resources, resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'NotRequired' }] }], initContainers: [{ name: 'i' }] }, status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }], containerStatuses: [{ name: 'app', restartCount: 1, state: { running: { startedAt: '2026-01-01T00:00:00Z' } }, resources }] } },
  { metadata: meta, spec: { targetRef: { kind: 'Deployment', name: 'd' }, updatePolicy: { updateMode: 'Auto', minReplicas: 1 }, resourcePolicy: { containerPolicies: [{ containerName: '*', minAllowed: { cpu: '1' }, mode: 'Auto', controlledResources: ['cpu'] }] } }, status: { conditions: [{ type: 'RecommendationProvided', status: 'True' }], recommendation: { containerRecommendations: [{ containerName: 'app', target: { cpu: '1' } }] } } },
  { metadata: meta, spec: { vpaObjectName: 'v', containerName: 'c' }, status: { version: 'v3', lastUpdateTime: '2026-01-01T00:00:00Z', totalSamplesCount: 3, cpuHistogram: histogram, memoryHistogram: histogram } },
  { metadata: meta, spec: { limits: [{ type: 'Container', max: { cpu: '1' }, default: { memory: '1' } }], hard: { cpu: '1' }, scaleTargetRef: { kind: 'Deployment', name: 'd' } }, status: { allocatable: { cpu: '1' }, used: { cpu: '1' } } },
  { metadata: { ...meta, annotations: { offending_containers: 'a,b', offending_containers_usage: '1Gi,2', starved_resource: 'memory,memory' } }, involvedObject: { kind: 'Pod', name: 'p', namespace: 'n' }, reason: 'Evicted', lastTimestamp: '2026-01-01T00:00:00Z' },
]

/** Puts a value, or a key, that does not belong there somewhere into an object. */
function mutated(seed: Json, path: readonly number[], { key: foreign, value }: { key: string; value: Json }): string {
  const walk = (at: Json, [step, ...rest]: readonly number[]): string => {
    if (step === undefined || at === null || typeof at !== 'object') return JSON.stringify(value)
    if (Array.isArray(at)) return at.length === 0 ? JSON.stringify([value]) : `[${at.map((item, index) => (index === step % at.length ? walk(item, rest) : JSON.stringify(item))).join()}]`
    const entries = Object.entries(at)
    const chosen = step % (entries.length + 1)
    const texts = entries.map(([key, item], index) => `${JSON.stringify(key)}:${index === chosen ? walk(item, rest) : JSON.stringify(item)}`)
    return `{${[...texts, ...(chosen === entries.length ? [`${JSON.stringify(foreign)}:${JSON.stringify(value)}`] : [])].join()}}`
  }
  return walk(seed, path)
}

const nastyText = oneof(constantFrom(...NASTY), string())
const nastyValue = oneof(jsonValue(), nastyText, double(), constantFrom<Json>({ polluted: true }, [], {}, null)) as ReturnType<typeof jsonValue>
const objectText = record({ seed: constantFrom(...SEEDS), path: array(nat(9), { maxLength: 9 }), key: nastyText, value: nastyValue }).map(({ seed, path, key, value }) => mutated(seed, path, { key, value: value as Json }))

/** Whatever comes, a parser is to answer or to throw an Error, soon, and to leave all other objects alone. */
function survives(parse: () => unknown): boolean {
  const begin = usedMs()
  try {
    parse()
  } catch (error) {
    if (!isOrdinary(error)) return false
  }
  return usedMs() - begin < SLOWEST_MS && ({} as { polluted?: unknown }).polluted === undefined && Object.keys(Object.prototype).length === 0
}

function isOrdinary(error: unknown): boolean {
  return error instanceof Error && !/call stack|out of memory/.test(error.message)
}

test.for<readonly [string, (raw: unknown) => unknown]>([
  ['pods', projectPod],
  ['VPAs', projectVpa],
  ['limit ranges', projectLimitRange],
  ['resource quotas', projectResourceQuota],
  ['nodes', projectNode],
  ['horizontal autoscalers', projectHorizontalAutoscaler],
  ['eviction events', (raw) => oomsOfEviction(projectEvictionEvent(raw))],
  ['checkpoints', (raw) => loadCheckpoint(projectCheckpoint(raw).status, halfLives)],
  ['checkpoint statuses', (raw) => loadCheckpoint(CheckpointStatus.parse((raw as { status?: unknown } | null)?.status), halfLives)],
])('%s as hostile as can be', { timeout: 600_000 }, ([, project]) => {
  assert(property(objectText, (text) => survives(() => project(JSON.parse(text)))), { numRuns: CASES })
})

test.for<readonly [string, (text: string) => unknown]>([
  ['quantities', parseQuantity],
  ['durations', parseDuration],
  ['durations of Prometheus', parsePrometheusDuration],
  ['times', parseTime],
  ['selectors', (text) => { const selector = parseSelector(text); return selector && [formatSelector(selector), matchesSelector(selector, { [text]: text })] }],
  ['memory intervals', (text) => parseOpenIntervals(text, 0)],
  ['watches', (text) => new LineSplitter().push(Buffer.from(text))],
  ['lists', (text) => { const splitter = new ItemSplitter(); return [splitter.push(Buffer.from(text)), splitter.end()] }],
])('%s of any text, and of very long text', { timeout: 600_000 }, ([, parse]) => {
  const pieces = array(oneof(nastyText, constantFrom('1', '.', 'e', 'E', '+', '-', 'm', 'Ki', 'n', 's', 'h', 'µs', ' ', '=', '(', ')', 'in', 'notin', '"', '\\', '{"items":['))).map((parts) => parts.join(''))
  assert(property(pieces, (text) => survives(() => parse(text))), { numRuns: CASES })
  const slow = ['9', '1h', '0.', 'a,', '(', '!', '"', '{"items":[', 'e', ' ', '-'].filter((piece) => !survives(() => parse(piece.repeat(50_000))))
  expect(slow).toEqual([])
})

test.for([['constructor'], ['toString'], ['__proto__'], ['hasOwnProperty']] as const)('a selector for label %s matches no pod without it', ([key]) => {
  expect(matchesSelector({ matchExpressions: [{ key, operator: 'Exists' }] }, {})).toBe(false)
  expect(matchesSelector({ matchExpressions: [{ key, operator: 'DoesNotExist' }] }, {})).toBe(true)
  expect(matchesSelector({ matchExpressions: [{ key, operator: 'NotIn', values: ['a'] }] }, {})).toBe(true)
})

test('answers of metrics.k8s.io and Prometheus as hostile as can be', { timeout: 600_000 }, async () => {
  let text = ''
  const server = await startApiServer((_, response) => void response.writeHead(200).end(text))
  const client = clientOf(server)
  const log = logInto([])
  const prometheus = new Prometheus({ address: server.url, authorization: undefined, insecure: false, queryTimeout: 10_000, clock: fakeClock(), signal: new AbortController().signal, onAnswer: () => {} })
  const podMetrics = { items: [{ metadata: meta, timestamp: '2026-01-01T00:00:00Z', containers: [{ name: 'app', usage: { cpu: '1', memory: '1Gi' } }] }] }
  const matrix = { status: 'success', data: { resultType: 'matrix', result: [{ metric: { a: 'b' }, values: [[1, '2']] }] } }
  const answers = record({ seed: constantFrom<Json>(podMetrics as Json, matrix as Json), path: array(nat(9), { maxLength: 9 }), key: nastyText, value: nastyValue, cut: nat(3000) })
  await assert(
    asyncProperty(answers, async ({ seed, path, key, value, cut }) => {
      text = mutated(seed, path, { key, value: value as Json }).slice(0, cut)
      const failures = await Promise.all([readUsage(client, log, undefined), prometheus.query('up', 0, () => {})].map((read) => read.then(() => undefined, (error: unknown) => error)))
      return failures.every((failure) => failure === undefined || isOrdinary(failure))
    }),
    { numRuns: Math.ceil(CASES / 5) },
  )
  await prometheus.close()
})
