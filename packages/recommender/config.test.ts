import { MINUTE, SECOND } from '@vpa/core/time.ts'
import { parseConfig } from '@vpa/kube/config.ts'
import { expect, test } from 'vitest'
import { Config, recommenderOptions } from './config.ts'

test('defaults are those of the Go implementation', () => {
  expect(recommenderOptions(Config.parse({}))).toMatchInlineSnapshot(`
    {
      "aggregation": {
        "memoryInterval": 86400000,
        "memoryIntervalCount": 8,
        "oomBumpUpRatio": 1.2,
        "oomMinBumpUp": 104857600,
      },
      "checkpointsGcInterval": 600000,
      "checkpointsTimeout": 60000,
      "deadBand": 0,
      "explainConditions": true,
      "halfLives": {
        "cpu": 86400000,
        "memory": 86400000,
      },
      "memorySaver": false,
      "name": "default",
      "perVpaConfig": false,
      "postProcess": {
        "globalMaxAllowed": {},
        "integerCpu": false,
      },
      "recommend": {
        "estimates": {
          "cpu": {
            "confidenceInterval": 86400000,
            "lowerBoundPercentile": 0.5,
            "marginFraction": 0.15,
            "targetPercentile": 0.9,
            "upperBoundPercentile": 0.95,
          },
          "memory": {
            "confidenceInterval": 86400000,
            "lowerBoundPercentile": 0.5,
            "marginFraction": 0.15,
            "targetPercentile": 0.9,
            "upperBoundPercentile": 0.95,
          },
        },
        "minSamples": 0,
        "podMinimum": {
          "cpu": 25,
          "memory": 262144000,
        },
        "rounding": {
          "cpuMillicores": 1,
          "humanizeMemory": false,
          "memoryBytes": 1,
        },
      },
      "workers": 10,
    }
  `)
})

test.for([
  ['25', 25],
  ['2.5', 2],
  ['4007', 4006],
] as const)('the least CPU is cut to whole millicores as the Go implementation does: %sm to %im', ([podRecommendationMinCpuMillicores, expected]) => {
  expect(recommenderOptions(Config.parse({ podRecommendationMinCpuMillicores })).recommend.podMinimum.cpu).toBe(expected)
})

test.for([
  ['--history-length=8', '--history-length: history length 8 is not a valid Prometheus duration: expected one such as 8d or 1h30m'],
  ['--history-resolution=1.5h', '--history-resolution: history resolution 1.5h is not a valid Prometheus duration: expected one such as 8d or 1h30m'],
  ['--use-external-metrics', '--use-external-metrics: name a metric with --external-metrics-cpu-metric or --external-metrics-memory-metric'],
  ['--target-cpu-percentile=90', '--target-cpu-percentile: must not be less than 0 or more than 1: 90'],
  ['--cpu-histogram-decay-half-life=0', '--cpu-histogram-decay-half-life: must not be less than 1ms: 0s'],
] as const)('%s is refused with one line', ([argument, problem]) => {
  expect(parseConfig(Config, [argument])).toEqual({ problem })
})

test('external metrics are those that are named', () => {
  const config = Config.parse({ useExternalMetrics: 'true', externalMetricsMemoryMetric: 'memory-usage', containerNameLabel: 'container' })
  expect(recommenderOptions(config).externalMetrics).toEqual({ metrics: { memory: 'memory-usage' }, containerNameLabel: 'container' })
})

test('a token, a token file and a user name together are refused', () => {
  const problem = '--prometheus-bearer-token: --prometheus-bearer-token, --prometheus-bearer-token-file and --username exclude each other: give one of them'
  const flags = ['--prometheus-bearer-token=abc', '--prometheus-bearer-token-file=/token', '--username=me']
  expect(parseConfig(Config, flags)).toEqual({ problem })
  expect(parseConfig(Config, flags.slice(1))).toMatchObject({ config: { username: 'me' } })
})

test.for([
  ['--storage=checkpoint', {}],
  ['--storage=prometheus', { storage: 'prometheus' }],
  ['--prometheus-address=http://prometheus:9090', {}],
  ['--recommender_interval=90s', { recommenderInterval: MINUTE + 30 * SECOND }],
  ['--min-checkpoints=3', {}],
] as const)('%s is taken', ([argument, expected]) => {
  expect(parseConfig(Config, [argument])).toMatchObject({ config: expected })
})
