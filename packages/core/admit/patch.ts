import type { Container, Resources } from '../api/pod.ts'
import { BOOST_ANNOTATION_PREFIX, OBSERVED_CONTAINERS_ANNOTATION, UPDATES_ANNOTATION, updatesAnnotationStart } from '../api/pod-annotations.ts'
import { type Vpa, updateModeOf } from '../api/vpa.ts'
import type { CapInput } from '../policy/cap-to-pod.ts'
import { policyFor, scalingModeOf } from '../policy/container-policy.ts'
import { currentResources } from '../policy/current-resources.ts'
import { type Quantity, type ResourceList, formatQuantity } from '../quantity.ts'
import { type JsonPatch, type JsonPatchOperation, pointerSegment } from './json-patch.ts'
import { type ContainerResources, containerResources } from './resources.ts'
import { boostedResources, originalResourcesJson } from './startup-boost.ts'

export interface PatchInput extends CapInput {
  readonly startupBoost: { readonly enabled: boolean; readonly maxAllowed: Quantity | undefined }
}

/** `failed`: the pod is to be admitted unchanged. */
export type PatchAnswer = { readonly patch: JsonPatch } | { readonly failed: string }

/**
 * What makes a new pod as its VPA wants it: resources of the containers, and annotations that say what was done.
 * Upstream: the calculators of pkg/admission-controller/resource/pod/patch, in their order.
 */
export function podPatch(input: PatchInput): PatchAnswer {
  const { vpa, pod, startupBoost } = input
  const patch: JsonPatchOperation[] = []
  const updates: string[] = []
  if (pod.annotations === undefined) patch.push({ op: 'add', path: '/metadata/annotations', value: {} })

  for (const [index, recommended] of recommendedResources(input).entries()) {
    const container = pod.containers[index]
    if (container === undefined || (startupBoost.enabled && isOptedOut(vpa, container))) continue
    const answer = startupBoost.enabled ? boostedResources(vpa, container, recommended, startupBoost.maxAllowed) : undefined
    if (answer && 'failed' in answer) return answer
    if (answer) patch.push(addAnnotation(BOOST_ANNOTATION_PREFIX + container.name, originalResourcesJson(container)))
    const resources = answer?.boosted ?? recommended
    const operations = resourcesPatch(index, currentResources(pod, container.name), resources)
    if (operations.length === 0) continue
    patch.push(...operations)
    updates.push(`container ${index}: ${[...resources.notes, ...named(resources.requests, 'request'), ...named(resources.limits, 'limit')].join(', ')}`)
  }

  if (updates.length > 0) patch.push(addAnnotation(UPDATES_ANNOTATION, `${updatesAnnotationStart(vpa.name)}${updates.join('; ')}`))
  patch.push(addAnnotation(OBSERVED_CONTAINERS_ANNOTATION, pod.containers.map(({ name }) => name).join(', ')))
  return { patch }
}

/** In mode Off a VPA applies nothing but a startup boost. */
function recommendedResources(input: PatchInput): readonly ContainerResources[] {
  if (updateModeOf(input.vpa) === 'Off') return input.pod.containers.map(() => ({ notes: [] }))
  return containerResources(input)
}

/** Upstream skips such a container only where boosts are enabled; a recommendation that it still has is applied otherwise. */
function isOptedOut({ spec }: Vpa, { name }: Container): boolean {
  return scalingModeOf(policyFor(spec.resourcePolicy?.containerPolicies, name)) === 'Off'
}

/** Maps that are missing are added first: a patch cannot add a member to what is not there. */
export function resourcesPatch(index: number, current: Resources, { requests, limits }: Resources): JsonPatch {
  const path = `/spec/containers/${index}/resources`
  const isMissing = current.requests === undefined && current.limits === undefined
  return [
    ...(isMissing ? [{ op: 'add', path, value: {} } as const] : []),
    ...listPatch(`${path}/requests`, current.requests, requests),
    ...listPatch(`${path}/limits`, current.limits, limits),
  ]
}

function listPatch(path: string, current: ResourceList | undefined, amounts: ResourceList = {}): JsonPatch {
  // Go leaves the order to chance; by name, equal answers are equal texts.
  const names = Object.keys(amounts).toSorted()
  const isMissing = current === undefined && names.length > 0
  const operations = names.map((name) => ({ op: 'add', path: `${path}/${pointerSegment(name)}`, value: amounts[name] && formatQuantity(amounts[name]) }) as const)
  return isMissing ? [{ op: 'add', path, value: {} }, ...operations] : operations
}

function named(amounts: ResourceList = {}, kind: 'request' | 'limit'): readonly string[] {
  return Object.keys(amounts).toSorted().map((name) => `${name} ${kind}`)
}

function addAnnotation(name: string, value: string): JsonPatchOperation {
  return { op: 'add', path: `/metadata/annotations/${pointerSegment(name)}`, value }
}
