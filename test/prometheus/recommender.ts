import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ContainerUsage } from '@vpa/kube/cluster.ts'
import { parseConfig } from '@vpa/kube/config.ts'
import { connect } from '@vpa/kube/connect.ts'
import type { Sandbox } from '@vpa/sandbox/sandbox.ts'
import { Registry } from 'prom-client'
import { onTestFinished } from 'vitest'
import { Config, recommenderOptions } from 'vpa-recommender/config.ts'
import { Metrics } from 'vpa-recommender/metrics.ts'
import { openPrometheus } from 'vpa-recommender/open-prometheus.ts'
import { PrometheusHistory } from 'vpa-recommender/prometheus-history.ts'
import { prometheusHistoryOptions } from 'vpa-recommender/prometheus-options.ts'
import { QualityMetrics } from 'vpa-recommender/quality-metrics.ts'
import { Recommender, watchedBy } from 'vpa-recommender/recommender.ts'
import type { FakeClock } from '../support/fake-clock.ts'
import { logTo } from '../support/recorded-log.ts'

export interface Run {
  readonly flags?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** What the metrics API says. */
  readonly usage?: readonly ContainerUsage[]
}

export interface Ran {
  readonly registry: Registry
  /** Messages with what they are of and why. */
  readonly logged: readonly string[]
}

/** A recommender that starts, makes one turn and ends. */
export async function runOnce(sandbox: Sandbox, clock: FakeClock, { flags = [], env = {}, usage = [] }: Run): Promise<Ran> {
  const parsed = parseConfig(Config, flags)
  if (!('config' in parsed)) throw new Error('problem' in parsed ? parsed.problem : parsed.help)
  const { config } = parsed
  const folder = await mkdtemp(join(tmpdir(), 'recommender-'))
  await writeFile(join(folder, 'kubeconfig'), sandbox.kubeconfig)
  const logged: string[] = []
  const log = logTo((message: string, { of, error }: { of?: string; error?: Error } = {}) => void logged.push([message, of, error?.message].filter(Boolean).join(' | ')))
  const registry = new Registry()
  const stop = new AbortController()
  const { signal } = stop
  const options = recommenderOptions(config)
  const cluster = await connect({ kubeconfig: join(folder, 'kubeconfig'), qps: 0, burst: 0, source: 'vpa-recommender', ignoredNamespaces: [], clock, log, registry, signal, watch: watchedBy(options) })
  onTestFinished(async () => {
    stop.abort()
    await cluster.stop()
    await rm(folder, { recursive: true })
  })
  const metrics = new Metrics(registry, clock)
  const prometheus = config.storage === 'prometheus' ? await openPrometheus(config, { env, clock, metrics, signal }) : undefined
  const history = prometheus && new PrometheusHistory({ prometheus, options: prometheusHistoryOptions(config), log, signal })
  const recommender = new Recommender({ cluster: { ...cluster, usage: async () => usage }, clock, log, options, metrics, quality: new QualityMetrics(registry), prometheus: history, signal })
  await cluster.synced()
  await recommender.loadHistory()
  await recommender.tick()
  await prometheus?.close()
  return { registry, logged }
}
