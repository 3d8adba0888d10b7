import type { Registry } from 'prom-client'
import type { Clock } from './clock.ts'
import { TallyHistogram } from './tally-histogram.ts'

/** In seconds (upstream: pkg/utils/metrics, CreateExecutionTimeMetric). */
const BUCKETS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 120, 150, 240, 300]

/**
 * The metric `<prefix>_execution_latency_seconds`, which every program of the trio has.
 *
 * @param prefix of all the program's metrics, such as `vpa_updater`
 * @param program as people call it: `VPA Updater`
 */
export function executionLatency(registry: Registry, prefix: string, program: string): TallyHistogram<'step'> {
  return new TallyHistogram({ name: `${prefix}_execution_latency_seconds`, help: `Time spent in various parts of ${program} main loop.`, labelNames: ['step'], buckets: BUCKETS, registry })
}

export interface ExecutionTimer {
  /** Observes the time since the step before has ended, or since the start. */
  endStep(step: string): void
  /** Observes the time since the start as step `total`. */
  end(): void
}

/** Times the steps of one loop; each begins where the one before ends. By the clock's uptime: a step of the system's time is no time spent. */
export function startTimer(latency: TallyHistogram<'step'>, clock: Pick<Clock, 'uptime'>): ExecutionTimer {
  const start = clock.uptime()
  let stepStart = start
  const observe = (step: string, since: number, now: number) => latency.series({ step }).observe((now - since) / 1000)
  return {
    endStep(step) {
      const now = clock.uptime()
      observe(step, stepStart, now)
      stepStart = now
    },
    end: () => observe('total', start, clock.uptime()),
  }
}
