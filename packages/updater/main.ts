#!/usr/bin/env node
import { connect } from '@vpa/kube/connect.ts'
import { every } from '@vpa/kube/every.ts'
import { connectionOf } from '@vpa/kube/flags.ts'
import { type ProgramContext, runProgram } from '@vpa/kube/program.ts'
import { UNFINISHED_PODS } from '@vpa/kube/resources.ts'
import { turn } from '@vpa/kube/turn.ts'
import { Config } from './config.ts'
import { Metrics } from './metrics.ts'
import { Updater, type UpdaterOptions } from './updater.ts'

await runProgram({ name: 'vpa-updater', flags: Config, healthTimeout: ({ updaterInterval }) => 5 * updaterInterval, run })

async function run({ config, namespace, health, lead, ...context }: ProgramContext<Config>): Promise<void> {
  const { log, clock, registry, signal } = context
  const cluster = await connect({
    ...context,
    ...connectionOf(config),
    // Finished pods have nothing to gain; those without a node yet show how they were admitted.
    watch: { vpas: true, pods: { fieldSelector: UNFINISHED_PODS }, limitRanges: true, workloads: true },
    source: 'vpa-updater',
  })
  const updater = new Updater({
    cluster,
    log,
    clock,
    metrics: new Metrics(registry, clock),
    update: updateOptions(config),
    rateLimit: { rate: config.evictionRateLimit, burst: config.evictionRateBurst },
    interval: config.updaterInterval,
    admissionStatus: config.useAdmissionControllerStatus
      ? {
          lease: { namespace: config.admissionControllerStatusLeaseNamespace || namespace || 'kube-system', name: config.admissionControllerStatusLeaseName },
          timeout: config.admissionControllerStatusLeaseTimeout,
        }
      : undefined,
    outcome: outcomeOptions(config),
    signal,
  })
  try {
    if (!(await lead(cluster.synced()))) return
    health.start()
    // However few evictions their rate allows, a loop is cut short after one interval: what beats after it comes well before the five that are allowed.
    const tick = () => turn(() => updater.tick(), { message: 'Updater loop failed', health, log })
    await every(config.updaterInterval, tick, { clock, signal, atOnce: config.leaderElect })
  } finally {
    await cluster.stop()
  }
}

function updateOptions(config: Config): UpdaterOptions['update'] {
  return {
    minReplicas: config.minReplicas,
    evictionTolerance: config.evictionTolerance,
    lifetimeThreshold: config.inRecommendationBoundsEvictionLifetimeThreshold,
    minimumDifference: config.podUpdateThreshold,
    evictAfterOomThreshold: config.evictAfterOomThreshold,
    inPlaceSkipDisruptionBudget: config.inPlaceSkipDisruptionBudget,
    perVpaConfig: config.featureGates.PerVPAConfig,
    waitsForOom: config.verifyOutcome,
    startupBoost: config.featureGates.CPUStartupBoost,
    inPlaceOnly: config.featureGates.InPlace,
  }
}

function outcomeOptions(config: Config): UpdaterOptions['outcome'] {
  if (!config.verifyOutcome) return undefined
  return {
    breakerThreshold: config.outcomeBreakerThreshold,
    backOffBase: config.outcomeBackOffBase,
    backOffCap: config.outcomeBackOffCap,
    flappingWindow: config.outcomeFlappingWindow,
  }
}
