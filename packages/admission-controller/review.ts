import { denialOf } from '@vpa/core/admit/denial.ts'
import type { JsonPatch } from '@vpa/core/admit/json-patch.ts'
import { type PatchInput, podPatch } from '@vpa/core/admit/patch.ts'
import { isAppliedAtCreation, podToAdmit } from '@vpa/core/admit/pod-to-admit.ts'
import { type VpaGates, reviewVpa } from '@vpa/core/admit/validate.ts'
import { VpaIndex } from '@vpa/core/target/match.ts'
import type { Cluster } from '@vpa/kube/cluster.ts'
import { LimitsByNamespace } from '@vpa/kube/limits-by-namespace.ts'
import * as z from 'zod'

const group = z.object({ group: z.string().default(''), version: z.string().default(''), kind: z.string().default('') })

/** The envelope of what the API server asks (admission.k8s.io/v1). */
export const AdmissionReview = z.object({
  request: z.object({
    uid: z.string(),
    kind: group.optional(),
    requestKind: group.optional(),
    resource: z.object({ group: z.string().default(''), version: z.string().default(''), resource: z.string() }),
    name: z.string().default(''),
    namespace: z.string().default(''),
    operation: z.string().default(''),
    object: z.unknown().optional(),
    oldObject: z.unknown().optional(),
  }),
})
export type AdmissionRequest = z.output<typeof AdmissionReview>['request']

/** What is answered, and why; `resource` and `outcome` are the labels of the metrics. */
export interface Answer {
  readonly resource: 'Pod' | 'VPA' | 'unknown'
  readonly outcome: 'applied' | 'skipped' | 'error'
  /** For the log. */
  readonly why: string
  /** Where absent: allowed. */
  readonly denied?: ReturnType<typeof denialOf>
  readonly patch: JsonPatch
  readonly warnings: readonly string[]
}

export interface ReviewOptions {
  readonly gates: VpaGates
  readonly startupBoost: PatchInput['startupBoost']
}

/** Decides on requests, from what is watched alone: no request waits for the API server. */
export class Reviewer {
  readonly #workload: Cluster['workload']
  readonly #limits: LimitsByNamespace
  readonly #vpas: VpaIndex
  readonly #options: ReviewOptions

  constructor({ vpas, limitRanges, workload }: Pick<Cluster, 'vpas' | 'limitRanges' | 'workload'>, options: ReviewOptions) {
    this.#workload = workload
    this.#options = options
    this.#limits = new LimitsByNamespace(limitRanges)
    this.#vpas = new VpaIndex([...vpas.list()].filter(isAppliedAtCreation))
    vpas.subscribe(({ before, now }) => {
      if (before) this.#vpas.remove(before)
      if (now && isAppliedAtCreation(now)) this.#vpas.add(now)
    })
  }

  /** @throws what is wrong with an object that the API server should not have let through */
  review(request: AdmissionRequest): Answer {
    const { group, version, resource } = request.resource
    if (group === '' && version === 'v1' && resource === 'pods') return this.#reviewPod(request)
    if (group === 'autoscaling.k8s.io' && resource === 'verticalpodautoscalers') return this.#reviewVpa(request)
    return { resource: 'unknown', outcome: 'error', why: 'not a resource that we are asked about', patch: [], warnings: [] }
  }

  #reviewPod({ object, namespace }: AdmissionRequest): Answer {
    const pod = podToAdmit(object, namespace)
    const vpa = this.#vpas.controllingVpa(pod, this.#workload)
    if (vpa === undefined) return { resource: 'Pod', outcome: 'skipped', why: 'no matching VPA', patch: [], warnings: [] }
    const answer = podPatch({ vpa, pod, ...this.#limits.of(pod.namespace), startupBoost: this.#options.startupBoost })
    if ('failed' in answer) return { resource: 'Pod', outcome: 'error', why: answer.failed, patch: [], warnings: [] }
    return { resource: 'Pod', outcome: 'applied', why: `by VPA ${vpa.name}`, patch: answer.patch, warnings: [] }
  }

  #reviewVpa({ object, oldObject, name, requestKind, kind }: AdmissionRequest): Answer {
    const { errors, warnings: known, advice, patch } = reviewVpa(object, oldObject, this.#options.gates)
    const warnings = [...known, ...advice]
    const outcome = patch.length > 0 ? 'applied' : 'skipped'
    if (errors.length === 0) return { resource: 'VPA', outcome, why: 'valid', patch, warnings }
    const denied = denialOf({ kind: 'VerticalPodAutoscaler', group: 'autoscaling.k8s.io', ...(requestKind ?? kind), name }, errors)
    return { resource: 'VPA', outcome: 'error', why: denied.message, denied, patch: [], warnings }
  }
}
