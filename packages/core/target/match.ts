import type { Pod } from '../api/pod.ts'
import { type Vpa, isOlder } from '../api/vpa.ts'
import { matchesSelector } from '../selector.ts'
import { controllerOf, topmostController } from './owner.ts'
import { selectorOfTarget } from './target-check.ts'
import type { WorkloadLookup } from './workload.ts'

/** VPAs by what they target, so that a pod's VPA is found without looking at all of them. Who owns the index keeps it up to date. */
export class VpaIndex {
  /** By namespace, then by the target's name: both are keys as they are, so that a look-up builds no text. */
  readonly #byTarget = new Map<string, Map<string, Vpa[]>>()

  constructor(vpas: Iterable<Vpa> = []) {
    for (const vpa of vpas) this.add(vpa)
  }

  /** A VPA without a target controls nothing and is passed over. */
  add(vpa: Vpa): void {
    const { namespace, spec: { targetRef } } = vpa
    if (targetRef === undefined) return
    this.remove(vpa)
    const targets = this.#byTarget.get(namespace) ?? new Map<string, Vpa[]>()
    this.#byTarget.set(namespace, targets.set(targetRef.name, [...(targets.get(targetRef.name) ?? []), vpa]))
  }

  /** @param vpa as it was when it was added */
  remove({ namespace, name, spec: { targetRef } }: Vpa): void {
    const targets = this.#byTarget.get(namespace)
    const rest = targetRef && targets?.get(targetRef.name)?.filter((vpa) => vpa.name !== name)
    if (targets === undefined || rest === undefined) return
    if (rest.length > 0) targets.set(targetRef?.name ?? '', rest)
    else targets.delete(targetRef?.name ?? '')
    if (targets.size === 0) this.#byTarget.delete(namespace)
  }

  /**
   * The VPA that decides on a pod: of those that target the pod's topmost controller and whose selector matches,
   * the oldest, then the first by name (upstream: GetControllingVPAForPod). The target's API version does not count.
   */
  controllingVpa(pod: Pod, lookup: WorkloadLookup): Vpa | undefined {
    const targets = this.#byTarget.get(pod.namespace)
    const owner = controllerOf(pod)
    // To look for owners may mean to ask the API server for whatever a pod names.
    if (targets === undefined || owner === undefined) return undefined
    const answer = topmostController(pod.namespace, owner, lookup)
    if ('failed' in answer || answer.topmost === undefined) return undefined

    const { kind, name } = answer.topmost
    let winner: Vpa | undefined
    for (const vpa of targets.get(name) ?? []) {
      if (vpa.spec.targetRef?.kind !== kind || (winner !== undefined && !isOlder(vpa, winner))) continue
      const target = selectorOfTarget(vpa, lookup)
      if ('selector' in target && matchesSelector(target.selector, pod.labels)) winner = vpa
    }
    return winner
  }
}
