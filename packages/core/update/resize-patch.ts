import type { Pod, Resources } from '../api/pod.ts'
import { projectResourceList } from '../api/pod.ts'
import { BOOST_ANNOTATION_PREFIX } from '../api/pod-annotations.ts'
import { updateModeOf } from '../api/vpa.ts'
import { type JsonPatch, pointerSegment } from '../admit/json-patch.ts'
import { resourcesPatch } from '../admit/patch.ts'
import { containerResources } from '../admit/resources.ts'
import type { CapInput } from '../policy/cap-to-pod.ts'
import type { ResourceList } from '../quantity.ts'
import type { EpochMs } from '../time.ts'
import { qosClassOf } from './qos-class.ts'
import { boostedContainers, expiredBoosts } from './startup-boost-expiry.ts'

export type ResizePlan =
  | {
      readonly do: 'resize'
      /** For the pod's `resize` subresource. Empty: only a mark is to be taken away. */
      readonly resources: JsonPatch
      /** For the pod itself, once the resize is accepted. */
      readonly annotations: JsonPatch
    }
  /**
   * `asked-for-already`: the pod's spec says what is wanted, and it is up to the kubelet.
   * `qos-class`: what is wanted would make a pod of another quality-of-service class, which the API server refuses.
   */
  | { readonly do: 'nothing'; readonly why: 'nothing-recommended' | 'asked-for-already' | 'qos-class' }

/**
 * What a running pod should have by now: what its VPA recommends, as it would be admitted with; containers that are still
 * boosted are left out, and those whose boost is over go back to what they had before it where nothing is recommended.
 * Only what changes is patched, so that nothing is asked for again while the kubelet is at it.
 * Upstream: the updater's resource and unboost calculators.
 *
 * A memory limit is lowered as recommended: the kubelet refuses while the container uses more, which shows as a failed resize;
 * Kubernetes 1.33 refuses it at once unless the container restarts for it.
 */
export function planResize(input: CapInput, now: EpochMs): ResizePlan {
  const { vpa, pod } = input
  const isOff = updateModeOf(vpa) === 'Off'
  const boosted = boostedContainers(pod)
  const expired = expiredBoosts(pod, vpa, now)
  const recommended = isOff ? [] : containerResources(input)
  const wanted = pod.containers.map(({ name }, index): Resources => {
    if (boosted.includes(name) && !expired.includes(name)) return {}
    const own: Resources = recommended[index] ?? {}
    return expired.includes(name) && !hasAny(own) ? resourcesBeforeBoost(pod, name) : own
  })
  if (!wanted.some(hasAny)) return { do: 'nothing', why: 'nothing-recommended' }
  const resources = pod.containers.flatMap((container, index) => {
    const changes = changesOf(container, wanted[index] ?? {})
    return hasAny(changes) ? resourcesPatch(index, container, changes) : []
  })
  if (resources.length === 0 && expired.length === 0) return { do: 'nothing', why: 'asked-for-already' }
  if (changesQosClass(pod, wanted)) return { do: 'nothing', why: 'qos-class' }
  return {
    do: 'resize',
    resources,
    annotations: [
      ...(pod.annotations === undefined ? [{ op: 'add', path: '/metadata/annotations', value: {} } as const] : []),
      { op: 'add', path: '/metadata/annotations/vpaInPlaceUpdated', value: 'true' },
      ...expired.map((name) => ({ op: 'remove', path: `/metadata/annotations/${pointerSegment(BOOST_ANNOTATION_PREFIX + name)}` }) as const),
    ],
  }
}

/** Only what the pod's spec does not say already. */
function changesOf({ requests, limits }: Resources, wanted: Resources): Resources {
  return { requests: changed(requests, wanted.requests), limits: changed(limits, wanted.limits) }
}

function changed(current: ResourceList = {}, wanted: ResourceList = {}): ResourceList {
  return Object.fromEntries(Object.entries(wanted).filter(([resource, amount]) => current[resource]?.nanos !== amount.nanos))
}

/** Where init containers have a say, which are not looked at here, the API server's word counts. */
function changesQosClass({ containers, initContainerNames }: Pod, wanted: readonly Resources[]): boolean {
  const after = containers.map(({ requests, limits }, index) => ({ requests: { ...requests, ...wanted[index]?.requests }, limits: { ...limits, ...wanted[index]?.limits } }))
  return initContainerNames.length === 0 && qosClassOf(after) !== qosClassOf(containers)
}

function hasAny({ requests = {}, limits = {} }: Resources): boolean {
  return Object.keys({ ...requests, ...limits }).length > 0
}

/** An annotation that was tampered with is as good as none: the container keeps what it has. */
function resourcesBeforeBoost(pod: Pod, containerName: string): Resources {
  try {
    const original = JSON.parse(pod.annotations?.[BOOST_ANNOTATION_PREFIX + containerName] ?? '') as { requests?: Record<string, string>; limits?: Record<string, string> }
    return { requests: projectResourceList(original.requests ?? {}), limits: projectResourceList(original.limits ?? {}) }
  } catch {
    return {}
  }
}
