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
import { WELL_KNOWN_KINDS } from '@vpa/core/target/workload.ts'
import { DAY, parseDuration, parseTime } from '@vpa/core/time.ts'
import { infeasibleTold } from '@vpa/core/update/infeasible-annotation.ts'
import { ANONYMOUS } from '@vpa/kube/authentication.ts'
import type { Client } from '@vpa/kube/client.ts'
import { Discovery } from '@vpa/kube/discovery.ts'
import { readEventsAbout } from '@vpa/kube/events-about.ts'
import { readExternalMetric } from '@vpa/kube/external-metrics.ts'
import { readUsage } from '@vpa/kube/metrics-api.ts'
import { Prometheus, type Series } from '@vpa/kube/prometheus.ts'
import { parsePrometheusDuration } from '@vpa/kube/prometheus-duration.ts'
import { ScaleLookup } from '@vpa/kube/scale.ts'
import { parseSelector } from '@vpa/kube/selector-text.ts'
import { ItemSplitter, LineSplitter } from '@vpa/kube/splitter.ts'
import { projectWorkload } from '@vpa/kube/workloads.ts'
import { type Arbitrary, array, assert, asyncProperty, constantFrom, nat, oneof, property } from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { clientOf, startApiServer } from './support/api-server.ts'
import { fakeClock } from './support/fake-clock.ts'
import { CASES, type Json, harmOf, harmOfReading, hostileText, nastyText } from './support/hostile-input.ts'
import { silentLog } from './support/recorded-log.ts'

const halfLives = { cpu: DAY, memory: DAY }
const meta = { namespace: 'n', name: 'x', uid: 'u', resourceVersion: '1', labels: { app: 'x' }, annotations: { a: 'b' }, creationTimestamp: '2026-01-01T00:00:00Z', ownerReferences: [{ kind: 'ReplicaSet', name: 'r', controller: true }] }
const resources = { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: 2 } }
const histogram = { referenceTimestamp: '2026-01-01T00:00:00Z', bucketWeights: { '1': 10_000, '175': 1 }, totalWeight: 2 }
const SEEDS: readonly Json[] = [
  { metadata: meta, spec: { nodeName: 'n', containers: [{ name: 'app', resources, resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'NotRequired' }] }], initContainers: [{ name: 'i' }] }, status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }], containerStatuses: [{ name: 'app', restartCount: 1, state: { running: { startedAt: '2026-01-01T00:00:00Z' } }, resources }] } },
  { metadata: meta, spec: { targetRef: { kind: 'Deployment', name: 'd' }, updatePolicy: { updateMode: 'Auto', minReplicas: 1 }, resourcePolicy: { containerPolicies: [{ containerName: '*', minAllowed: { cpu: '1' }, mode: 'Auto', controlledResources: ['cpu'] }] } }, status: { conditions: [{ type: 'RecommendationProvided', status: 'True' }], recommendation: { containerRecommendations: [{ containerName: 'app', target: { cpu: '1' } }] } } },
  { metadata: meta, spec: { vpaObjectName: 'v', containerName: 'c' }, status: { version: 'v3', lastUpdateTime: '2026-01-01T00:00:00Z', totalSamplesCount: 3, cpuHistogram: histogram, memoryHistogram: histogram } },
  { metadata: meta, spec: { limits: [{ type: 'Container', max: { cpu: '1' }, default: { memory: '1' } }], hard: { cpu: '1' }, scaleTargetRef: { kind: 'Deployment', name: 'd' } }, status: { allocatable: { cpu: '1' }, used: { cpu: '1' } } },
  { metadata: { ...meta, annotations: { offending_containers: 'a,b', offending_containers_usage: '1Gi,2', starved_resource: 'memory,memory' } }, involvedObject: { kind: 'Pod', name: 'p', namespace: 'n' }, reason: 'Evicted', lastTimestamp: '2026-01-01T00:00:00Z' },
  { metadata: meta, spec: { replicas: 1, selector: { matchLabels: { app: 'x' }, matchExpressions: [{ key: 'a', operator: 'In', values: ['b'] }] }, jobTemplate: { spec: { template: { metadata: meta } } } }, status: { desiredNumberScheduled: 1 } },
]

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
  ['workloads', (raw) => WELL_KNOWN_KINDS.map((kind) => projectWorkload(kind, raw))],
])('%s as hostile as can be', { timeout: 600_000 }, ([, project]) => {
  assert(property(hostileText(...SEEDS), (text) => void expect(harmOf(() => project(JSON.parse(text)))).toBeUndefined()), { numRuns: CASES })
})

test('what an annotation says of a resize as hostile as can be', { timeout: 600_000 }, () => {
  const told = hostileText({ app: { cpu: '1', memory: '1Gi' } })
  assert(property(told, (text) => void expect(harmOf(() => infeasibleTold({ ...projectPod({}), annotations: { vpaInfeasibleResize: text } }))).toBeUndefined()), { numRuns: CASES })
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
  assert(property(pieces, (text) => void expect(harmOf(() => parse(text))).toBeUndefined()), { numRuns: CASES })
  // What goes well for long and then does not makes a pattern try all ways.
  const long = ['9', '1h', '0.', 'a,', '(', '!', '"', '{"items":[', 'e', ' ', '-'].flatMap((piece) => ['', 'e1.5', 'x', '!', '\n'].map((end) => piece.repeat(50_000) + end))
  expect(long.map((text) => harmOf(() => parse(text))).filter(Boolean)).toEqual([])
})

test.for([['constructor'], ['toString'], ['__proto__'], ['hasOwnProperty']] as const)('a selector for label %s matches no pod without it', ([key]) => {
  expect(matchesSelector({ matchExpressions: [{ key, operator: 'Exists' }] }, {})).toBe(false)
  expect(matchesSelector({ matchExpressions: [{ key, operator: 'DoesNotExist' }] }, {})).toBe(true)
  expect(matchesSelector({ matchExpressions: [{ key, operator: 'NotIn', values: ['a'] }] }, {})).toBe(true)
})

/** What the readers make of an answer as hostile as can be, which may break off. */
async function assertNoHarm(answers: Arbitrary<string>, read: (server: { readonly url: string; answer: string }) => () => Promise<unknown>): Promise<void> {
  const server = await startApiServer(({ path }, response) => void response.writeHead(200).end(path === '/apis/x/v1' ? SCALABLE : path === '/apis' ? GROUPS : scene.answer))
  const scene = { url: server.url, answer: '' }
  const reading = read(scene)
  const cut = oneof(constantFrom(Infinity), nat(3000))
  await assert(
    asyncProperty(answers, cut, async (text, end) => {
      scene.answer = text.slice(0, end)
      expect(await harmOfReading(reading)).toBeUndefined()
    }),
    { numRuns: Math.ceil(CASES / 5) },
  )
}

function withClient(read: (client: Client) => Promise<unknown>) {
  return (server: { readonly url: string }) => read.bind(undefined, clientOf(server))
}

const GROUPS = JSON.stringify({ groups: [{ name: 'x', versions: [{ groupVersion: 'x/v1' }] }] })
const SCALABLE = JSON.stringify({ resources: [{ name: 'things', kind: 'Thing', namespaced: true }, { name: 'things/scale', kind: 'Scale', namespaced: true }] })
const listMeta = { resourceVersion: '1', continue: '' }

describe('as hostile as can be', { timeout: 600_000 }, () => {
  const log = silentLog

  test('answers of metrics.k8s.io', async () => {
    expect.hasAssertions()
    const answers = hostileText({ metadata: listMeta, items: [{ metadata: meta, timestamp: '2026-01-01T00:00:00Z', containers: [{ name: 'app', usage: { cpu: '1', memory: '1Gi' } }] }] })
    await assertNoHarm(answers, withClient((client) => readUsage(client, log, undefined)))
  })

  test('answers of external.metrics.k8s.io', async () => {
    expect.hasAssertions()
    const answers = hostileText({ metadata: listMeta, items: [{ metricName: 'm', metricLabels: { container: 'app' }, timestamp: '2026-01-01T00:00:00Z', value: '1' }] })
    await assertNoHarm(answers, withClient((client) => readExternalMetric(client, { namespace: 'n', metric: 'm', selector: 'app=x' })))
  })

  test('events', async () => {
    expect.hasAssertions()
    const answers = hostileText({ metadata: listMeta, items: [{ involvedObject: { name: 'x' }, type: 'Normal', reason: 'r', message: 'm', lastTimestamp: '2026-01-01T00:00:00Z', firstTimestamp: null, eventTime: null }] })
    await assertNoHarm(answers, withClient((client) => readEventsAbout(client, { kind: 'Pod', namespace: 'n', name: 'x' })))
  })

  test('scales', async () => {
    expect.hasAssertions()
    const answers = hostileText({ metadata: meta, spec: { replicas: 1 }, status: { selector: 'app=x,a in (b,c)' } })
    await assertNoHarm(answers, (server) => {
      const client = clientOf(server)
      const discovery = new Discovery(client, fakeClock())
      return async () => {
        const scales = new ScaleLookup({ client, discovery, clock: fakeClock(), random: () => 0 })
        const ref = { apiVersion: 'x/v1', kind: 'Thing', name: 'a' }
        await scales.prefetch('n', ref)
        return scales.lookup('n', ref)
      }
    })
  })

  test('answers of Prometheus', async () => {
    expect.hasAssertions()
    const matrix = { status: 'success', warnings: [], data: { resultType: 'matrix', result: [{ metric: { a: 'b' }, values: [[1, '2']], value: [1, '2'] }] } }
    await assertNoHarm(hostileText(matrix), (server) => {
      const prometheus = new Prometheus({ address: server.url, authentication: ANONYMOUS, insecure: false, queryTimeout: 10_000, clock: fakeClock(), signal: new AbortController().signal, onAnswer: () => {} })
      onTestFinished(() => prometheus.close())
      return async () => {
        const series: Series[] = []
        return [await prometheus.query('up', 0, (one) => void series.push(one)), series]
      }
    })
  })
})
