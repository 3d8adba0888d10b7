import { isDeepStrictEqual } from 'node:util'
import { invalid } from './api-error.ts'
import { withRequestsFromLimits } from './defaults.ts'
import type { Kind } from './kind.ts'
import type { Container, KubeObject, Pod, PodSpec } from './object.ts'
import { qosClassOf } from './qos.ts'

const CHANGEABLE = 'spec.containers[*].image,spec.initContainers[*].image,spec.activeDeadlineSeconds,spec.tolerations (only additions to existing tolerations),spec.terminationGracePeriodSeconds (allow it to be set to 1 if it was previously negative)'

/**
 * A pod's spec is fixed, but for images and the like.
 *
 * @throws ApiError 422
 */
export function checkPodChange(kind: Kind, before: KubeObject, after: KubeObject): void {
  if (isDeepStrictEqual(fixedPart((before as Pod).spec), fixedPart((after as Pod).spec))) return
  throw invalid(kind, before.metadata.name, [{ reason: 'FieldValueForbidden', field: 'spec', message: `Forbidden: pod updates may not change fields other than ${CHANGEABLE}` }])
}

/**
 * What the resize subresource makes of an edited pod: resources change, any other edit is passed over.
 *
 * @throws ApiError 422 when the QoS class would change, or requests or limits would be removed
 */
export function checkResize(kind: Kind, current: KubeObject, edited: KubeObject): KubeObject {
  const { spec } = current as Pod
  const containers = spec.containers.map((container, at) => withRequestsFromLimits({ ...container, resources: (edited as Pod).spec.containers[at]?.resources ?? {} }))
  containers.forEach((container, at) => {
    for (const list of ['requests', 'limits'] as const) {
      const removed = resourcesOf(spec.containers[at], list).some((name) => !resourcesOf(container, list).includes(name))
      if (removed) throw invalid(kind, current.metadata.name, [{ reason: 'FieldValueForbidden', field: `spec.containers[${at}].resources.${list}`, message: `Forbidden: resource ${list} cannot be removed` }])
    }
  })
  const after = qosClassOf(containers)
  if (after !== qosClassOf(spec.containers)) throw invalid(kind, current.metadata.name, [{ reason: 'FieldValueInvalid', field: 'spec', message: `Invalid value: "${after}": Pod QOS Class may not change as a result of resizing` }])
  return { ...current, spec: { ...spec, containers } }
}

function fixedPart({ containers, activeDeadlineSeconds: _deadline, tolerations: _tolerations, ...rest }: PodSpec): object {
  return { ...rest, containers: containers.map(({ image: _image, ...container }) => container) }
}

function resourcesOf(container: Container | undefined, list: 'requests' | 'limits'): readonly string[] {
  return Object.keys(container?.resources?.[list] ?? {})
}
