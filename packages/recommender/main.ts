#!/usr/bin/env node
import { connect } from '@vpa/kube/connect.ts'
import { every } from '@vpa/kube/every.ts'
import { runProgram } from '@vpa/kube/program.ts'
import { Config, recommenderOptions } from './config.ts'
import { Metrics } from './metrics.ts'
import { QualityMetrics } from './quality-metrics.ts'
import { Recommender, WATCHED } from './recommender.ts'

await runProgram({
  name: 'vpa-recommender',
  flags: Config,
  healthTimeout: ({ recommenderInterval }) => 5 * recommenderInterval,
  async run({ config, log, registry, clock, signal, health }) {
    const cluster = await connect({
      kubeconfig: config.kubeconfig,
      qps: config.kubeApiQps,
      burst: config.kubeApiBurst,
      namespace: config.vpaObjectNamespace || undefined,
      ignoredNamespaces: config.ignoredVpaObjectNamespaces,
      watch: WATCHED,
      source: 'vpa-recommender',
      log,
      clock,
      registry,
      signal,
    })
    const recommender = new Recommender({
      cluster,
      clock,
      log,
      options: recommenderOptions(config),
      metrics: new Metrics(registry, clock),
      quality: new QualityMetrics(registry),
      signal,
    })
    const tick = async () => {
      try {
        await recommender.tick()
        health.beat()
      } catch (error) {
        log.error('Recommender Run failed', { error })
      }
    }
    await cluster.synced()
    health.start()
    await every(config.recommenderInterval, tick, { clock, signal })
    await cluster.stop()
  },
})
