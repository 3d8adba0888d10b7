import { CheckpointStatus, checkpointStatusJson } from '@vpa/core/api/checkpoint.ts'
import { type Recommendation, type Vpa, projectVpa, vpaStatusJson } from '@vpa/core/api/vpa.ts'
import type { Aggregate } from '@vpa/core/history/aggregate.ts'
import { type AggregationOptions, aggregationOptionsFor } from '@vpa/core/history/aggregation-options.ts'
import { loadCheckpoint, saveCheckpoint } from '@vpa/core/history/checkpoint.ts'
import { mergedUsage, usageToSave } from '@vpa/core/history/merged-usage.ts'
import type { PodFacts, PodGroup } from '@vpa/core/history/pod-group.ts'
import { UsageHistory } from '@vpa/core/history/usage-history.ts'
import { policyFor } from '@vpa/core/policy/container-policy.ts'
import { type ResourceList, milliValue, wholeValue } from '@vpa/core/quantity.ts'
import { postProcess } from '@vpa/core/recommend/post-process.ts'
import { recommend } from '@vpa/core/recommend/recommendation.ts'
import { nextStatus, sameStatus } from '@vpa/core/recommend/status.ts'
import { type LabelSelector, type Labels, matchesSelector } from '@vpa/core/selector.ts'
import { type EpochMs, HOUR, formatTime } from '@vpa/core/time.ts'
import { parseConfig } from '@vpa/kube/config.ts'
import { Config, type RecommenderOptions, recommenderOptions } from 'vpa-recommender/config.ts'
import { type Vector, type Verdict, compare } from './verdict.ts'

interface Input {
  readonly flags: Readonly<Record<string, string | number | boolean>>
  readonly featureGates: Readonly<Record<string, boolean>>
  readonly vpa: { readonly metadata: { readonly generation?: number }; readonly spec: object; readonly status?: unknown }
  readonly selector: Labels
  readonly targetExists: boolean
  readonly steps: readonly Step[]
}

type Step =
  | { op: 'pod'; now: number; pod: string; labels: Labels; phase: PodFacts['phase']; containers: readonly { name: string }[] }
  | { op: 'deletePod'; now: number; pod: string }
  | { op: 'series'; pod: string; container: string; resource: 'cpu' | 'memory'; start: number; step: number; values: readonly (number | [number, number])[] }
  | { op: 'oom'; pod: string; container: string; t: number; memoryBytes: number }
  | { op: 'setResourcePolicy'; resourcePolicy: unknown }
  | { op: 'loadCheckpoint'; container: string; status: unknown }
  | { op: 'restart'; now: number }
  | { op: 'tick'; now: number }

const NAMESPACE = 'default'

/** What one step was refused, in the Go implementation's words. */
type Refusal = { readonly rejected: readonly number[] } | { readonly error: string }

export function runRecommender(vector: Vector): Verdict {
  const replay = new Replay(vector.input as Input)
  const { steps } = vector.input as Input
  const stepResults: object[] = []
  const ticks: object[] = []
  for (const [step, action] of steps.entries()) {
    if (action.op === 'tick') {
      ticks.push({ step, ...replay.tick(action.now * 1000) })
      continue
    }
    const refusal = replay.apply(action)
    if (refusal !== undefined) stepResults.push({ step, ...refusal })
  }
  return compare({ stepResults, ticks }, vector)
}

/** A recommender of one VPA whose cluster is the list of steps. */
class Replay {
  readonly #input: Input
  readonly #options: RecommenderOptions
  readonly #selector: LabelSelector
  #history: UsageHistory
  #fromCheckpoints = new Map<string, Aggregate>()
  #vpa: Vpa
  #now: EpochMs = 0
  #checkpoints: Readonly<Record<string, unknown>> = {}
  #garbageDroppedAt: EpochMs = -Infinity

  constructor(input: Input) {
    this.#input = input
    this.#options = optionsOf(input)
    this.#selector = { matchLabels: input.selector }
    this.#history = new UsageHistory(this.#options.halfLives)
    this.#vpa = projectVpa(input.vpa)
  }

  apply(step: Exclude<Step, { op: 'tick' }>): Refusal | undefined {
    if ('now' in step) this.#now = Math.max(this.#now, step.now * 1000)
    switch (step.op) {
      case 'pod':
        this.#history.setPod({ namespace: NAMESPACE, name: step.pod, labels: step.labels, phase: step.phase, containers: step.containers }, this.#now)
        return undefined
      case 'deletePod':
        this.#history.deletePod(NAMESPACE, step.pod)
        return undefined
      case 'series':
        return this.#feed(step)
      case 'oom':
        return this.#oom(step)
      case 'setResourcePolicy':
        this.#vpa = { ...this.#vpa, generation: this.#vpa.generation + 1, spec: projectVpa({ spec: { ...this.#input.vpa.spec, resourcePolicy: step.resourcePolicy } }).spec }
        return undefined
      case 'loadCheckpoint':
        return this.#load(step.container, step.status)
      case 'restart':
        this.#history = new UsageHistory(this.#options.halfLives)
        this.#fromCheckpoints.clear()
        this.#garbageDroppedAt = -Infinity
        for (const [container, status] of Object.entries(this.#checkpoints)) this.#load(container, status)
        return undefined
    }
  }

  tick(at: EpochMs): object {
    this.#now = Math.max(this.#now, at)
    const { halfLives, recommend: recommendOptions, postProcess: postProcessOptions } = this.#options
    const vpa = this.#vpa
    const policies = vpa.spec.resourcePolicy?.containerPolicies
    const groups = [...this.#history.groups()].filter(({ labels }) => matchesSelector(this.#selector, labels))

    const recommendation = postProcess(recommend(mergedUsage(groups, this.#fromCheckpoints, halfLives), policies, recommendOptions), vpa, postProcessOptions)
    const podCount = groups.reduce((count, { pods }) => count + pods.size, 0)
    const status = nextStatus(vpa, { recommendation, podCount, unsupported: undefined }, this.#now)
    const statusWritten = !sameStatus(status, vpa.status)
    // As it is read back from the API: 5531500000 bytes are written so, and read and written again are 5531500k.
    if (statusWritten) this.#vpa = { ...vpa, status: projectVpa({ status: vpaStatusJson(status) }).status }

    const saved = [...usageToSave(groups, this.#fromCheckpoints, halfLives, this.#now)].map(([name, usage]) => [name, checkpointStatusJson(saveCheckpoint(usage, this.#now))])
    this.#checkpoints = Object.fromEntries(saved)
    this.#dropGarbage()
    return {
      statusWritten,
      status: vpaStatusJson(this.#vpa.status),
      integers: integersOf(this.#vpa.status.recommendation?.containerRecommendations ?? []),
      checkpoints: this.#checkpoints,
      aggregatesAfterGC: this.#history.aggregateCount(),
    }
  }

  #feed({ pod, container, resource, start, step, values }: Extract<Step, { op: 'series' }>): Refusal | undefined {
    const rejected: number[] = []
    const usages = values.flatMap((value) => (typeof value === 'number' ? [value] : Array<number>(value[1]).fill(value[0])))
    for (const [index, usage] of usages.entries()) {
      const at = (start + index * step) * 1000
      const tracked = this.#history.container({ namespace: NAMESPACE, podName: pod, containerName: container }, this.#now)
      const accepted =
        tracked !== undefined &&
        (resource === 'cpu'
          ? tracked.history.addCpu(tracked.aggregate, usage, at)
          : tracked.history.addMemory(tracked.aggregate, { bytes: usage, at }, this.#aggregationOf(tracked.group, container)))
      if (!accepted) rejected.push(index)
    }
    return rejected.length > 0 ? { rejected } : undefined
  }

  #oom({ pod, container, t, memoryBytes }: Extract<Step, { op: 'oom' }>): Refusal | undefined {
    const tracked = this.#history.container({ namespace: NAMESPACE, podName: pod, containerName: container }, this.#now)
    if (tracked === undefined) {
      const hasPod = this.#history.hasPod(NAMESPACE, pod)
      return { error: `KeyError: ${hasPod ? container : `{${NAMESPACE} ${pod}}`}` }
    }
    const at = t * 1000
    const needed = tracked.history.recordOom(tracked.aggregate, { requested: memoryBytes, at }, this.#aggregationOf(tracked.group, container))
    if (needed !== undefined) return undefined
    const time = formatTime(at).replace('T', ' ').replace('Z', ' +0000 UTC')
    return { error: `error while recording OOM for {{${NAMESPACE} ${pod}} ${container}}, Reason: OOM event will be discarded - it is too old (${time})` }
  }

  #load(container: string, status: unknown): Refusal | undefined {
    try {
      this.#fromCheckpoints.set(container, loadCheckpoint(CheckpointStatus.parse(status), this.#options.halfLives))
      return undefined
    } catch (error) {
      return { error: (error as Error).message }
    }
  }

  #aggregationOf({ labels }: PodGroup, container: string): AggregationOptions {
    const { aggregation, perVpaConfig } = this.#options
    if (!perVpaConfig || !matchesSelector(this.#selector, labels)) return aggregation
    return aggregationOptionsFor(policyFor(this.#vpa.spec.resourcePolicy?.containerPolicies, container), aggregation)
  }

  #dropGarbage(): void {
    if (this.#now - this.#garbageDroppedAt < HOUR) return
    this.#garbageDroppedAt = this.#now
    this.#history.dropGarbage(this.#now, {
      isWanted: ({ labels }) => this.#input.targetExists && matchesSelector(this.#selector, labels),
      keepFor: (group, container) => {
        const { memoryInterval, memoryIntervalCount } = this.#aggregationOf(group, container)
        return memoryInterval * memoryIntervalCount
      },
    })
  }
}

/** The flags as a command line; an empty one is one that is not given. */
function optionsOf({ flags, featureGates }: Input): RecommenderOptions {
  const given = Object.entries(flags).filter(([, value]) => value !== '').map(([name, value]) => `--${name}=${value}`)
  const gates = Object.entries(featureGates).map(([gate, on]) => `${gate}=${on}`)
  const parsed = parseConfig(Config, [...given, `--feature-gates=${gates.join(',')}`])
  if ('config' in parsed) return recommenderOptions(parsed.config)
  throw new RangeError('problem' in parsed ? parsed.problem : parsed.help)
}

function integersOf(recommendation: Recommendation): object {
  return Object.fromEntries(
    recommendation.map(({ containerName, target, lowerBound, upperBound, uncappedTarget }) => [
      containerName,
      { target: integers(target), lowerBound: integers(lowerBound), upperBound: integers(upperBound), uncappedTarget: integers(uncappedTarget) },
    ]),
  )
}

function integers(amounts: ResourceList | undefined): object | null {
  if (amounts === undefined) return null
  return Object.fromEntries(Object.entries(amounts).map(([resource, amount]) => [resource, String(resource === 'cpu' ? milliValue(amount) : wholeValue(amount))]))
}
