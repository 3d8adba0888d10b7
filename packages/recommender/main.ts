#!/usr/bin/env node
import { connect } from '@vpa/kube/connect.ts'
import { every } from '@vpa/kube/every.ts'
import { connectionOf } from '@vpa/kube/flags.ts'
import { runProgram } from '@vpa/kube/program.ts'
import { turn } from '@vpa/kube/turn.ts'
import { Config, recommenderOptions } from './config.ts'
import { openDashboard } from './dashboard/open-dashboard.ts'
import { Recorder } from './dashboard/recorder.ts'
import { Metrics } from './metrics.ts'
import { openPrometheus } from './open-prometheus.ts'
import { PrometheusHistory } from './prometheus-history.ts'
import { prometheusHistoryOptions } from './prometheus-options.ts'
import { QualityMetrics } from './quality-metrics.ts'
import { exposeRecommendations } from './recommendation-metrics.ts'
import { Recommender, watchedBy } from './recommender.ts'

await runProgram({
  name: 'vpa-recommender',
  flags: Config,
  healthTimeout: ({ recommenderInterval }) => 5 * recommenderInterval,
  async run({ config, log, registry, clock, signal, health, lead, leads, env }) {
    const options = recommenderOptions(config)
    const metrics = new Metrics(registry, clock)
    if (config.storage === 'prometheus' && config.prometheusInsecure) log.warn("Prometheus' certificate is not verified: --prometheus-insecure")
    const prometheus = config.storage === 'prometheus' ? await openPrometheus(config, { env, clock, metrics, signal }) : undefined
    const cluster = await connect({
      ...connectionOf(config),
      watch: watchedBy(options),
      source: 'vpa-recommender',
      log,
      clock,
      registry,
      signal,
      leads,
    })
    if (config.recommendationMetrics) exposeRecommendations(registry, { vpas: cluster.vpas, recommenderName: config.recommenderName })
    const recorder = config.dashboard ? new Recorder(config.recommenderInterval) : undefined
    const recommender = new Recommender({
      cluster,
      clock,
      log,
      options,
      metrics,
      quality: new QualityMetrics(registry),
      prometheus: prometheus && new PrometheusHistory({ prometheus, options: prometheusHistoryOptions(config), log, signal }),
      recorder,
      signal,
    })
    const dashboard = recorder && (await openDashboard(config, { cluster, clock, log, options, recorder, recommender }))
    const tick = () => turn(() => recommender.tick(), { message: 'Recommender Run failed', health, log })
    if (await lead(cluster.synced())) {
      // Prometheus may take longer than a rollout waits.
      health.standBy()
      await recommender.loadHistory()
      await prometheus?.close()
      health.start()
      // Who takes over from another leader does not let an interval pass without samples.
      await every(config.recommenderInterval, tick, { clock, signal, atOnce: config.leaderElect })
    }
    await dashboard?.close()
    await cluster.stop()
  },
})
