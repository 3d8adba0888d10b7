import type { Pod, Resources } from '../api/pod.ts'
import { projectResourceList } from '../api/pod.ts'
import { updateModeOf } from '../api/vpa.ts'
import { type JsonPatch, pointerSegment } from '../admit/json-patch.ts'
import { resourcesPatch } from '../admit/patch.ts'
import { containerResources } from '../admit/resources.ts'
import { BOOST_ANNOTATION_PREFIX } from '../admit/startup-boost.ts'
import type { CapInput } from '../policy/cap-to-pod.ts'
import type { EpochMs } from '../time.ts'
import { boostedContainers, expiredBoosts } from './startup-boost-expiry.ts'

export interface ResizePatch {
  /** For the pod's `resize` subresource. Empty: there is nothing to resize to. */
  readonly resources: JsonPatch
  /** For the pod itself, once the resize is accepted. */
  readonly annotations: JsonPatch
}

/**
 * What a running pod should have by now: what its VPA recommends, as it would be admitted with; containers that are still
 * boosted are left out, and those whose boost is over go back to what they had before it where nothing is recommended.
 * Upstream: the updater's resource and unboost calculators.
 */
export function resizePatch(input: CapInput, now: EpochMs): ResizePatch {
  const { vpa, pod } = input
  const isOff = updateModeOf(vpa) === 'Off'
  const boosted = boostedContainers(pod)
  const expired = expiredBoosts(pod, vpa, now)
  const recommended = isOff ? [] : containerResources(input)
  const resources = pod.containers.flatMap((container, index) => {
    const { name } = container
    if (boosted.includes(name) && !expired.includes(name)) return []
    const wanted: Resources = recommended[index] ?? {}
    const isEmpty = wanted.requests === undefined && wanted.limits === undefined
    return resourcesPatch(index, container, expired.includes(name) && isEmpty ? resourcesBeforeBoost(pod, name) : wanted)
  })
  return {
    resources,
    annotations: [
      ...(pod.annotations === undefined ? [{ op: 'add', path: '/metadata/annotations', value: {} } as const] : []),
      { op: 'add', path: '/metadata/annotations/vpaInPlaceUpdated', value: 'true' },
      ...expired.map((name) => ({ op: 'remove', path: `/metadata/annotations/${pointerSegment(BOOST_ANNOTATION_PREFIX + name)}` }) as const),
    ],
  }
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
