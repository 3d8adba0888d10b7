import type { Vpa } from '@vpa/core/api/vpa.ts'
import { Client } from '@vpa/kube/client.ts'
import { systemClock as clock } from '@vpa/kube/clock.ts'
import { leaderGauge } from '@vpa/kube/election.ts'
import { EventRecorder } from '@vpa/kube/events.ts'
import { createLog } from '@vpa/kube/log.ts'
import { WatchMetrics } from '@vpa/kube/watch-metrics.ts'
import { Registry } from 'prom-client'
import { AdmissionMetrics } from '../../packages/admission-controller/metrics.ts'
import { Metrics as RecommenderMetrics } from '../../packages/recommender/metrics.ts'
import { QualityMetrics } from '../../packages/recommender/quality-metrics.ts'
import { exposeRecommendations } from '../../packages/recommender/recommendation-metrics.ts'
import { Metrics as UpdaterMetrics } from '../../packages/updater/metrics.ts'
import type { ProgramName } from '../program-names.ts'

/** A metric as a program defines it. */
export interface Metric {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly labels: readonly string[]
  readonly programs: readonly ProgramName[]
}

/** What each program registers, by way of the very code that does it there; Node's and the process's own metrics aside. */
export async function readCatalogue(): Promise<readonly Metric[]> {
  const byName = new Map<string, Metric>()
  for (const [program, registry] of registries()) {
    for (const metric of await metricsIn(registry)) {
      byName.set(metric.name, { ...metric, programs: [...(byName.get(metric.name)?.programs ?? []), program] })
    }
  }
  return [...byName.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

function registries(): readonly (readonly [ProgramName, Registry])[] {
  const recommender = ofAll()
  void new RecommenderMetrics(recommender, clock)
  void new QualityMetrics(recommender)
  exposeRecommendations(recommender, { vpas: { list: () => [EXAMPLE] }, recommenderName: 'default' })
  leaderGauge(recommender)

  const updater = ofAll()
  void new UpdaterMetrics(updater, clock)
  leaderGauge(updater)

  const admission = ofAll()
  void new AdmissionMetrics(admission)
  return [
    ['recommender', recommender],
    ['updater', updater],
    ['admission-controller', admission],
  ]
}

/** What all of them register; nothing is connected to. */
function ofAll(): Registry {
  const registry = new Registry()
  const credentials = { server: 'https://127.0.0.1', tls: {}, headers: () => Promise.resolve({}), refused: () => {} }
  const client = new Client({ credentials, qps: 0, burst: 0, userAgent: '', clock, registry })
  void new EventRecorder({ client, source: '', clock, log: createLog({ verbosity: 0, format: 'json', clock }), registry, signal: new AbortController().signal })
  void new WatchMetrics(registry, clock)
  return registry
}

/** For the labels of metrics that are made of VPAs. */
const EXAMPLE: Vpa = {
  apiVersion: 'autoscaling.k8s.io/v1',
  namespace: '',
  name: '',
  spec: {},
  status: { recommendation: { containerRecommendations: [{ containerName: '', target: { cpu: '1' }, lowerBound: { cpu: '1' }, upperBound: { cpu: '1' }, uncappedTarget: { cpu: '1' } }] } },
} as unknown as Vpa

async function metricsIn(registry: Registry): Promise<readonly Omit<Metric, 'programs'>[]> {
  const values = await registry.getMetricsAsJSON()
  return registry.getMetricsAsArray().map((metric) => {
    const { name, help, labelNames } = metric as unknown as { readonly name: string; readonly help: string; readonly labelNames: readonly string[] }
    const { type, values: series } = values.find((candidate) => candidate.name === name) as unknown as { readonly type: Metric['type']; readonly values: readonly { readonly labels: object }[] }
    const ofSeries = type === 'histogram' ? [] : series.flatMap(({ labels }) => Object.keys(labels))
    return { name, help, type, labels: [...new Set([...labelNames, ...ofSeries])] }
  })
}
