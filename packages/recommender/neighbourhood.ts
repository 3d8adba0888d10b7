import type { HorizontalAutoscaler } from '@vpa/core/api/horizontal-autoscaler.ts'
import type { LimitRange } from '@vpa/core/api/limit-range.ts'
import type { Pod } from '@vpa/core/api/pod.ts'
import type { ResourceQuota } from '@vpa/core/api/resource-quota.ts'
import type { Vpa } from '@vpa/core/api/vpa.ts'
import type { ResourceList } from '@vpa/core/quantity.ts'
import { type Surroundings, largestOf } from '@vpa/core/recommend/obstacles.ts'
import type { Cluster } from '@vpa/kube/cluster.ts'

/** What VPAs share their targets and namespaces with, as it is in one turn of the loop. */
export class Neighbourhood {
  readonly #vpas: ReadonlyMap<string, readonly Vpa[]>
  readonly #horizontalAutoscalers: ReadonlyMap<string, readonly HorizontalAutoscaler[]>
  readonly #limitRanges: ReadonlyMap<string, readonly LimitRange[]>
  readonly #quotas: ReadonlyMap<string, readonly ResourceQuota[]>
  readonly #allocatable: readonly ResourceList[]

  constructor({ vpas, nodes, horizontalAutoscalers, limitRanges, resourceQuotas }: Cluster) {
    this.#vpas = Map.groupBy(vpas.list(), targetOf)
    this.#horizontalAutoscalers = Map.groupBy(horizontalAutoscalers.list(), ({ namespace, target }) => keyOf(namespace, target))
    this.#limitRanges = Map.groupBy(limitRanges.list(), ({ namespace }) => namespace)
    this.#quotas = Map.groupBy(resourceQuotas.list(), ({ namespace }) => namespace)
    this.#allocatable = largestOf([...nodes.list()].map(({ allocatable }) => allocatable))
  }

  /** @param vpa the subject's, with the recommendation that is about to be published */
  around(vpa: Vpa, pods: readonly Pod[]): Surroundings {
    const target = targetOf(vpa)
    return {
      vpa,
      sameTarget: this.#vpas.get(target) ?? [],
      horizontalAutoscalers: this.#horizontalAutoscalers.get(target) ?? [],
      pods: pods.filter(({ phase }) => phase !== 'Succeeded' && phase !== 'Failed'),
      allocatable: this.#allocatable,
      limitRanges: this.#limitRanges.get(vpa.namespace) ?? [],
      quotas: this.#quotas.get(vpa.namespace) ?? [],
    }
  }
}

/** The API version does not count, as in upstream's match of pods and VPAs. One without a target shares it with none. */
function targetOf({ namespace, uid, spec: { targetRef } }: Vpa): string {
  return targetRef ? keyOf(namespace, targetRef) : uid
}

function keyOf(namespace: string, { kind, name }: { readonly kind: string; readonly name: string }): string {
  return `${namespace}/${kind}/${name}`
}
