import { type JsonPatch, pointerSegment } from '../admit/json-patch.ts'
import { type Pod, projectResourceList } from '../api/pod.ts'
import { INFEASIBLE_ANNOTATION } from '../api/pod-annotations.ts'
import { type Recommendation, resourceListJson } from '../api/vpa.ts'

/** undefined where the pod has none, or one that was tampered with. */
export function infeasibleTold({ annotations }: Pod): Recommendation | undefined {
  const text = annotations?.[INFEASIBLE_ANNOTATION]
  if (text === undefined) return undefined
  try {
    const targets = JSON.parse(text) as Record<string, Record<string, string>>
    return Object.entries(targets).map(([containerName, target]) => ({ containerName, target: projectResourceList(target), lowerBound: undefined, upperBound: undefined, uncappedTarget: undefined }))
  } catch {
    return undefined
  }
}

/** @returns undefined where the pod says so already */
export function infeasiblePatch({ annotations }: Pod, refused: Recommendation): JsonPatch | undefined {
  const value = JSON.stringify(Object.fromEntries(refused.map(({ containerName, target }) => [containerName, resourceListJson(target ?? {})])))
  if (annotations?.[INFEASIBLE_ANNOTATION] === value) return undefined
  return [
    ...(annotations === undefined ? [{ op: 'add', path: '/metadata/annotations', value: {} } as const] : []),
    { op: 'add', path: `/metadata/annotations/${pointerSegment(INFEASIBLE_ANNOTATION)}`, value },
  ]
}
