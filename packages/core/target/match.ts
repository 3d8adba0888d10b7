import type { Pod } from '../api/pod.ts'
import { type Vpa, isOlder } from '../api/vpa.ts'
import { matchesSelector } from '../selector.ts'
import { controllerOf, topmostController } from './owner.ts'
import { selectorOfTarget } from './target-check.ts'
import type { WorkloadLookup } from './workload.ts'

/** VPAs by what they target, so that a pod's VPA is found without looking at all of them. Who owns the index keeps it up to date. */
export class VpaIndex {
  readonly #byTarget = new Map<string, Map<string, Vpa>>()

  constructor(vpas: Iterable<Vpa> = []) {
    for (const vpa of vpas) this.add(vpa)
  }

  /** A VPA without a target controls nothing and is passed over. */
  add(vpa: Vpa): void {
    const { targetRef } = vpa.spec
    if (targetRef === undefined) return
    const key = keyOf(vpa.namespace, targetRef)
    const siblings = this.#byTarget.get(key) ?? new Map<string, Vpa>()
    this.#byTarget.set(key, siblings.set(vpa.name, vpa))
  }

  /** @param vpa as it was when it was added */
  remove({ namespace, name, spec: { targetRef } }: Vpa): void {
    if (targetRef === undefined) return
    const key = keyOf(namespace, targetRef)
    const siblings = this.#byTarget.get(key)
    siblings?.delete(name)
    if (siblings?.size === 0) this.#byTarget.delete(key)
  }

  /**
   * The VPA that decides on a pod: of those that target the pod's topmost controller and whose selector matches,
   * the oldest, then the first by name (upstream: GetControllingVPAForPod). The target's API version does not count.
   */
  controllingVpa(pod: Pod, lookup: WorkloadLookup): Vpa | undefined {
    const owner = controllerOf(pod)
    if (owner === undefined) return undefined
    const answer = topmostController(pod.namespace, owner, lookup)
    if ('failed' in answer || answer.topmost === undefined) return undefined

    let winner: Vpa | undefined
    for (const vpa of this.#byTarget.get(keyOf(pod.namespace, answer.topmost))?.values() ?? []) {
      if (winner !== undefined && !isOlder(vpa, winner)) continue
      const target = selectorOfTarget(vpa, lookup)
      if ('selector' in target && matchesSelector(target.selector, pod.labels)) winner = vpa
    }
    return winner
  }
}

function keyOf(namespace: string, { kind, name }: { kind: string; name: string }): string {
  return `${namespace}/${kind}/${name}`
}
