import { type Vpa, updateModeOf } from '@vpa/core/api/vpa.ts'
import type { Clock } from '@vpa/kube/clock.ts'
import { type ExecutionTimer, executionLatency, startTimer } from '@vpa/kube/execution-timer.ts'
import type { TallyHistogram } from '@vpa/kube/tally-histogram.ts'
import { MAX_SIZE_LOG2, sizeLog2 } from '@vpa/kube/vpa-size.ts'
import { Counter, Gauge, type Registry } from 'prom-client'
import type { Tally } from './tally.ts'

/** What happened to one VPA's pods in one loop. */
export interface VpaOutcome {
  readonly vpa: Vpa
  readonly podCount: number
  readonly tally: Tally
}

const OF_SIZE = ['vpa_size_log2'] as const
const OF_MODE = [...OF_SIZE, 'update_mode'] as const
const OF_VPA = [...OF_SIZE, 'vpa_name', 'vpa_namespace'] as const
type VpaLabel = (typeof OF_VPA)[number]

/** The updater's metrics, named and labelled as the Go implementation's (pkg/utils/metrics/updater). */
export class Metrics {
  readonly #clock: Clock
  readonly #latency: TallyHistogram<'step'>
  readonly #statusInvalid: Counter<'reason'>
  readonly #gauges: ReturnType<typeof loopGauges>
  readonly #counters: ReturnType<typeof vpaCounters>
  readonly #decisions: Counter<'decision' | 'why'>
  readonly #outcomes: ReturnType<typeof outcomeMetrics>

  constructor(registry: Registry, clock: Clock) {
    const registers = [registry]
    this.#clock = clock
    this.#latency = executionLatency(registry, 'vpa_updater', 'VPA Updater')
    this.#statusInvalid = new Counter({
      name: 'vpa_updater_admission_controller_status_invalid_total',
      help: 'Loops skipped because the admission controller was not known to be alive.',
      labelNames: ['reason'],
      registers,
    })
    this.#gauges = loopGauges(registers)
    this.#counters = vpaCounters(registers)
    this.#decisions = new Counter({ name: 'vpa_updater_decisions_total', help: 'What was decided about Pods, and why.', labelNames: ['decision', 'why'], registers })
    this.#outcomes = outcomeMetrics(registers)
  }

  /** Times the steps of one loop. */
  startLoop(): ExecutionTimer {
    return startTimer(this.#latency, this.#clock)
  }

  statusInvalid(reason: 'Error' | 'Expired'): void {
    this.#statusInvalid.inc({ reason })
  }

  /** Counts what was done for one VPA. Counters at zero make it visible that a VPA is looked at. */
  countVpa({ vpa, podCount, tally }: VpaOutcome): void {
    const ofVpa = { vpa_size_log2: sizeLog2(podCount), vpa_name: vpa.name, vpa_namespace: vpa.namespace }
    const update_mode = updateModeOf(vpa)
    this.#counters.evicted.inc({ ...ofVpa, update_mode }, tally.evicted)
    this.#counters.resized.inc(ofVpa, tally.resized)
    for (const { do: decision, why } of tally.decisions) this.#decisions.inc({ decision, why })
    for (const [reason, count] of Object.entries(tally.failedEvictions)) if (count > 0) this.#counters.failedEvictions.inc({ ...ofVpa, update_mode, reason }, count)
    for (const [reason, count] of Object.entries(tally.failedResizes)) if (count > 0) this.#counters.failedResizes.inc({ ...ofVpa, reason }, count)
    if (tally.infeasibleSkipped > 0) this.#counters.infeasibleSkipped.inc(ofVpa, tally.infeasibleSkipped)
  }

  /** @param outcome how a replacement was admitted, or why none is looked for any more */
  countOutcome(outcome: string): void {
    this.#outcomes.checks.inc({ outcome })
  }

  outcomeState({ inTrouble, breakerOpen }: { readonly inTrouble: number; readonly breakerOpen: boolean }): void {
    this.#outcomes.inTrouble.set(inTrouble)
    this.#outcomes.breakerOpen.set(Number(breakerOpen))
  }

  /** Drops the counters of VPAs that are gone: where VPAs come and go, they would be ever more. */
  async forgetGone(vpas: { get(namespace: string, name: string): Vpa | undefined }): Promise<void> {
    for (const counter of Object.values(this.#counters) as readonly Counter<VpaLabel>[]) {
      for (const { labels } of (await counter.get()).values) if (vpas.get(String(labels.vpa_namespace), String(labels.vpa_name)) === undefined) counter.remove(labels)
    }
  }

  /** Replaces what the gauges said of the loop before. */
  publishLoop(outcomes: readonly VpaOutcome[]): void {
    const { controlled, evictable, withEvictable, withEvicted, updatable, withUpdatable, withUpdated } = this.#gauges
    for (const gauge of Object.values(this.#gauges)) gauge.reset()
    for (let size = 0; size < MAX_SIZE_LOG2; size += 1) {
      for (const gauge of [updatable, withUpdatable, withUpdated]) gauge.set({ vpa_size_log2: size }, 0)
    }
    for (const { vpa, podCount, tally } of outcomes) {
      const ofSize = { vpa_size_log2: sizeLog2(podCount) }
      const ofMode = { ...ofSize, update_mode: updateModeOf(vpa) }
      controlled.inc(ofMode, podCount)
      evictable.inc(ofMode, tally.evictable)
      withEvictable.inc(ofMode, Math.min(tally.evictable, 1))
      withEvicted.inc(ofMode, Math.min(tally.evicted, 1))
      updatable.inc(ofSize, tally.inPlaceUpdatable)
      withUpdatable.inc(ofSize, Math.min(tally.inPlaceUpdatable, 1))
      withUpdated.inc(ofSize, Math.min(tally.resized, 1))
    }
  }
}

function loopGauges(registers: Registry[]) {
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[]) => new Gauge<L>({ name: `vpa_updater_${name}`, help, labelNames, registers })
  return {
    controlled: gauge('controlled_pods_total', 'Number of Pods controlled by VPA updater.', OF_MODE),
    evictable: gauge('evictable_pods_total', 'Number of Pods matching eviction criteria.', OF_MODE),
    withEvictable: gauge('vpas_with_evictable_pods_total', 'Number of VPA objects with at least one Pod matching eviction criteria.', OF_MODE),
    withEvicted: gauge('vpas_with_evicted_pods_total', 'Number of VPA objects with at least one evicted Pod.', OF_MODE),
    updatable: gauge('in_place_updatable_pods_total', 'Number of Pods matching in place update criteria.', OF_SIZE),
    withUpdatable: gauge('vpas_with_in_place_updatable_pods_total', 'Number of VPA objects with at least one Pod matching in place update criteria.', OF_SIZE),
    withUpdated: gauge('vpas_with_in_place_updated_pods_total', 'Number of VPA objects with at least one in-place updated Pod.', OF_SIZE),
  }
}

function vpaCounters(registers: Registry[]) {
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) => new Counter<L>({ name: `vpa_updater_${name}`, help, labelNames, registers })
  return {
    evicted: counter('evicted_pods_total', 'Number of Pods evicted by Updater to apply a new recommendation.', [...OF_VPA, 'update_mode']),
    failedEvictions: counter('failed_eviction_attempts_total', 'Number of failed attempts to update Pods by eviction.', [...OF_VPA, 'update_mode', 'reason']),
    resized: counter('in_place_updated_pods_total', 'Number of Pods updated in-place by Updater to apply a new recommendation.', OF_VPA),
    failedResizes: counter('failed_in_place_update_attempts_total', 'Number of failed attempts to update Pods in-place.', [...OF_VPA, 'reason']),
    infeasibleSkipped: counter('in_place_infeasible_skip_pods_total', 'Number of Pods left alone because the same resize was infeasible before.', OF_VPA),
  }
}

function outcomeMetrics(registers: Registry[]) {
  return {
    checks: new Counter({ name: 'vpa_updater_eviction_outcomes_total', help: 'How the replacements of evicted Pods came back.', labelNames: ['outcome'], registers }),
    inTrouble: new Gauge({ name: 'vpa_updater_apply_failed_vpas', help: 'VPA objects whose evictions are held back because of what came of earlier ones.', registers }),
    breakerOpen: new Gauge({ name: 'vpa_updater_evictions_stopped', help: '1 while evictions are stopped for all VPA objects.', registers }),
  }
}
