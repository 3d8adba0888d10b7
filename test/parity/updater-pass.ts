import type { JsonPatch } from '@vpa/core/admit/json-patch.ts'
import { projectLimitRange } from '@vpa/core/api/limit-range.ts'
import { type Pod, projectPod } from '@vpa/core/api/pod.ts'
import { VpaStatus, projectVpa } from '@vpa/core/api/vpa.ts'
import type { WorkloadLookup } from '@vpa/core/target/workload.ts'
import { SECOND, parseDuration, parseTime } from '@vpa/core/time.ts'
import { ResizeTimes } from '@vpa/core/update/resize-status.ts'
import { systemClock } from '@vpa/kube/clock.ts'
import type { Outcome, Store } from '@vpa/kube/cluster.ts'
import { LimitsByNamespace } from '@vpa/kube/limits-by-namespace.ts'
import { RateLimit } from '@vpa/kube/rate-limit.ts'
import { Hourly } from '../../packages/updater/hourly.ts'
import { emptyTally } from '../../packages/updater/tally.ts'
import { type LoopContext, type VpaPass, vpaPass } from '../../packages/updater/vpa-pass.ts'
import { logTo } from '../support/recorded-log.ts'

/** `input` of a vector of kind `updater`. */
export interface UpdaterInput {
  readonly now: string
  readonly featureGates: Readonly<Record<string, boolean>>
  readonly flags: Readonly<Record<string, unknown>>
  readonly vpa: unknown
  readonly pods: readonly unknown[]
  readonly limitRanges: readonly unknown[]
  readonly controller: { readonly kind: string; readonly name: string; readonly replicas: number }
  readonly infeasibleAttempts?: Readonly<Record<string, unknown>>
  readonly resizeFirstSeenSecondsAgo?: number
}

export interface Action {
  readonly action: 'evict' | 'patch'
  readonly pod: string
  readonly subresource?: string
  readonly patches?: JsonPatch
}

export interface ResizeError {
  readonly pod: string
  readonly error: string
}

/** What an updater did to its cluster. */
export interface Notes {
  readonly actions: Action[]
  readonly events: string[]
  readonly errors: ResizeError[]
}

/** The updater's pass over the vector's VPA, before anything was done, on a cluster that only takes notes. */
export function newPass(input: UpdaterInput): { pass: VpaPass; pods: readonly Pod[]; notes: Notes } {
  const now = parseTime(input.now) ?? 0
  const pods = input.pods.map(projectPod)
  const { cluster, notes } = notingCluster(input)
  const resizeTimes = new ResizeTimes()
  resizeTimes.observe(pods, now - (input.resizeFirstSeenSecondsAgo ?? 0) * SECOND)
  const infeasible = Object.entries(input.infeasibleAttempts ?? {}).map(([uid, attempt]) => [uid, VpaStatus.parse({ recommendation: attempt }).recommendation?.containerRecommendations ?? []] as const)
  const unlimited = new RateLimit({ rate: 0, burst: 1, clock: systemClock })
  const context: LoopContext = {
    cluster,
    limits: new LimitsByNamespace(storeOf(input.limitRanges.map(projectLimitRange))),
    log: resizeErrorsInto(notes.errors),
    now,
    uptime: now,
    options: options(input),
    evictionLimit: unlimited,
    resizeLimit: unlimited,
    resizeTimes,
    infeasible: new Map(infeasible),
    leaving: new Map(),
    hourly: new Hourly(),
    servesResize: true,
    allPodsOf: new Map(),
    outcomes: undefined,
    signal: new AbortController().signal,
  }
  return { pass: vpaPass(context, projectVpa(input.vpa), pods, emptyTally()), pods, notes }
}

function options({ flags, featureGates }: UpdaterInput): LoopContext['options'] {
  return {
    lifetimeThreshold: duration(flags['in-recommendation-bounds-eviction-lifetime-threshold']),
    minimumDifference: Number(flags['pod-update-threshold']),
    evictAfterOomThreshold: duration(flags['evict-after-oom-threshold']),
    perVpaConfig: featureGates['PerVPAConfig'] === true,
    waitsForOom: false,
    minReplicas: Number(flags['min-replicas']),
    evictionTolerance: Number(flags['eviction-tolerance']),
    inPlaceSkipDisruptionBudget: flags['in-place-skip-disruption-budget'] === true,
    startupBoost: featureGates['CPUStartupBoost'] === true,
    inPlaceOnly: featureGates['InPlace'] === true,
  }
}

function duration(text: unknown): number {
  return parseDuration(String(text)) ?? Number.NaN
}

function notingCluster({ controller }: UpdaterInput) {
  const notes: Notes = { actions: [], events: [], errors: [] }
  const done: Outcome = { outcome: 'done' }
  const patched = (pod: string, subresource: string, patches: JsonPatch) => {
    notes.actions.push({ action: 'patch', pod, subresource, patches: patches.map(({ op, path, value }) => ({ op, path, value: value ?? null })) })
    return Promise.resolve(done)
  }
  const workload: WorkloadLookup = (namespace, ref) =>
    ref.name !== controller.name || ref.kind === 'Custom' || ref.kind === 'Job'
      ? { missing: 'not-found', message: `${ref.kind} ${namespace}/${ref.name} does not exist` }
      : { found: { ...ref, namespace, owners: [], replicas: controller.replicas } }
  const cluster: LoopContext['cluster'] = {
    workload,
    evict: ({ name }) => {
      notes.actions.push({ action: 'evict', pod: name })
      return Promise.resolve(done)
    },
    resize: ({ name }, patch) => patched(name, 'resize', patch),
    patchPod: ({ name }, patch) => patched(name, '', patch),
    event: ({ type, reason, message }) => notes.events.push(`${type} ${reason} ${message}`),
  }
  return { cluster, notes }
}

/** Keeps what Go reports as an error: its text is the reason of a failed resize. */
function resizeErrorsInto(errors: ResizeError[]): LoopContext['log'] {
  return logTo((message, fields) => {
    if (message === 'In-place resize failed') errors.push({ pod: String(fields?.['pod']).replace(/.*\//, ''), error: String(fields?.['why']) })
  }, ['warn'])
}

function storeOf<T>(items: readonly T[]): Store<T> {
  return { get: () => undefined, list: () => items, size: items.length, heardAt: undefined, subscribe: () => () => {} }
}
