import { UPDATE_MODES } from '@vpa/core/api/update-mode.ts'
import { type Vpa, updateModeOf } from '@vpa/core/api/vpa.ts'
import type { Clock } from '@vpa/kube/clock.ts'
import { type ExecutionTimer, executionLatency, startTimer } from '@vpa/kube/execution-timer.ts'
import type { PrometheusAnswer } from '@vpa/kube/prometheus.ts'
import type { TallyHistogram } from '@vpa/kube/tally-histogram.ts'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { SampleTally } from './samples.ts'

const API_VERSIONS = ['v1beta1', 'v1beta2', 'v1']
const BOOLEANS = ['false', 'true']

/** What `vpa_recommender_vpa_objects_count` tells VPAs apart by. */
export interface VpaFacts {
  readonly vpa: Vpa
  readonly hasRecommendation: boolean
  readonly matchesPods: boolean
  readonly unsupported: boolean
}

/** The recommender's metrics, named and labelled as the Go implementation's (metrics_recommender.go). */
export class Metrics {
  readonly #clock: Clock
  readonly #latency: TallyHistogram<'step'>
  readonly #vpaObjects: Gauge<'update_mode' | 'has_recommendation' | 'api' | 'matches_pods' | 'unsupported_config'>
  readonly #recommendationLatency: Histogram
  readonly #aggregates: Gauge
  readonly #metricsServerResponses: Counter<'is_error' | 'client_name'>
  readonly #prometheusRequests: Counter<'code' | 'method'>
  readonly #prometheusDurations: Histogram<'code' | 'method'>
  readonly #samples: Counter<'result'>
  readonly #resourceReads: Counter<'source'>
  readonly #crowdedOut: Counter

  constructor(registry: Registry, clock: Clock) {
    const registers = [registry]
    this.#clock = clock
    this.#latency = executionLatency(registry, 'vpa_recommender', 'VPA Recommender')
    this.#vpaObjects = new Gauge({
      name: 'vpa_recommender_vpa_objects_count',
      help: 'Number of VPA objects present in the cluster.',
      labelNames: ['update_mode', 'has_recommendation', 'api', 'matches_pods', 'unsupported_config'],
      registers,
    })
    this.#recommendationLatency = new Histogram({
      name: 'vpa_recommender_recommendation_latency_seconds',
      help: 'Time elapsed from creating a valid VPA configuration to the first recommendation.',
      buckets: [1, 2, 5, 7.5, 10, 20, 30, 40, 50, 60, 90, 120, 150, 180, 240, 300, 600, 900, 1800],
      registers,
    })
    this.#aggregates = new Gauge({ name: 'vpa_recommender_aggregate_container_states_count', help: 'Number of aggregate container states being tracked by the recommender.', registers })
    this.#metricsServerResponses = new Counter({
      name: 'vpa_recommender_metric_server_responses',
      help: 'Count of responses to queries to metrics server.',
      labelNames: ['is_error', 'client_name'],
      registers,
    })
    const labelNames = ['code', 'method'] as const
    this.#prometheusRequests = new Counter({ name: 'vpa_recommender_prometheus_client_api_requests_count', help: 'Number of requests to a Prometheus API.', labelNames, registers })
    this.#prometheusDurations = new Histogram({
      name: 'vpa_recommender_prometheus_client_api_requests_duration_seconds',
      help: 'Duration of requests to a Prometheus API.',
      labelNames,
      buckets: [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 2, 5, 10, 20, 30, 60, 120, 300],
      registers,
    })
    this.#samples = new Counter({
      name: 'vpa_recommender_usage_samples_total',
      help: 'Usage samples by what became of them: accepted, stale (seen before or out of order), invalid (not an amount that a machine can have), future (more than an hour ahead of our clock), unknown (of no known container).',
      labelNames: ['result'],
      registers,
    })
    this.#resourceReads = new Counter({ name: 'vpa_resources_get_resources_count', help: 'Count of reads of the requests of containers, by where they were read from.', labelNames: ['source'], registers })
    this.#crowdedOut = new Counter({
      name: 'vpa_recommender_crowded_out_groups_total',
      help: 'Groups of equally labelled pods whose history was dropped early: the pods are gone, no VPA wants it, and their namespace had more than 25,000 such groups.',
      registers,
    })
  }

  /** Times the steps of one loop. */
  startLoop(): ExecutionTimer {
    return startTimer(this.#latency, this.#clock)
  }

  countVpas(vpas: Iterable<VpaFacts>): void {
    for (const update_mode of UPDATE_MODES) {
      for (const api of API_VERSIONS) {
        for (const has_recommendation of BOOLEANS) {
          for (const matches_pods of BOOLEANS) {
            for (const unsupported_config of BOOLEANS) this.#vpaObjects.set({ update_mode, has_recommendation, api, matches_pods, unsupported_config }, 0)
          }
        }
      }
    }
    for (const { vpa, hasRecommendation, matchesPods, unsupported } of vpas) {
      this.#vpaObjects.inc({
        update_mode: updateModeOf(vpa),
        has_recommendation: String(hasRecommendation),
        api: vpa.apiVersion.split('/').at(-1) ?? '',
        matches_pods: String(matchesPods),
        unsupported_config: String(unsupported),
      })
    }
  }

  firstRecommendation(vpa: Vpa): void {
    if (vpa.createdAt !== undefined) this.#recommendationLatency.observe((this.#clock.now() - vpa.createdAt) / 1000)
  }

  aggregates(count: number): void {
    this.#aggregates.set(count)
  }

  countSamples(tally: SampleTally): void {
    for (const [result, count] of Object.entries(tally)) this.#samples.inc({ result }, count)
  }

  countResourceReads({ fromStatus, fromSpec }: { readonly fromStatus: number; readonly fromSpec: number }): void {
    this.#resourceReads.inc({ source: 'Pod.Status.ContainerStatuses' }, fromStatus)
    this.#resourceReads.inc({ source: 'Pod.Spec.Containers' }, fromSpec)
  }

  crowdedOut(groups: number): void {
    this.#crowdedOut.inc(groups)
  }

  /** The method in small letters, as Go's promhttp has it. */
  prometheusAnswer({ method, status, after }: PrometheusAnswer): void {
    const labels = { code: String(status), method: method.toLowerCase() }
    this.#prometheusRequests.inc(labels)
    this.#prometheusDurations.observe(labels, after / 1000)
  }

  metricsServerResponse(isError: boolean): void {
    this.#metricsServerResponses.inc({ is_error: String(isError), client_name: 'default-metrics-client' })
  }
}
