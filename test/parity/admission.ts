import type { JsonPatch } from '@vpa/core/admit/json-patch.ts'
import { podPatch } from '@vpa/core/admit/patch.ts'
import { isAppliedAtCreation, podToAdmit } from '@vpa/core/admit/pod-to-admit.ts'
import { projectLimitRange } from '@vpa/core/api/limit-range.ts'
import type { Resources } from '@vpa/core/api/pod.ts'
import { type Vpa, projectVpa } from '@vpa/core/api/vpa.ts'
import { effectiveLimits } from '@vpa/core/policy/limit-range.ts'
import { type Quantity, quantity } from '@vpa/core/quantity.ts'
import type { Labels } from '@vpa/core/selector.ts'
import { VpaIndex } from '@vpa/core/target/match.ts'
import type { Workload, WorkloadLookup } from '@vpa/core/target/workload.ts'
import { judgePod } from './differences.ts'
import { type Vector, type Verdict, compare } from './verdict.ts'

interface Input {
  readonly featureGates: Readonly<Record<string, boolean>>
  readonly flags: { readonly 'max-allowed-cpu-boost': string }
  readonly namespace: string
  readonly pod: unknown
  readonly vpas: readonly unknown[]
  readonly selectors: Readonly<Record<string, Labels | null>>
  readonly limitRanges: readonly unknown[]
}

/** Runs one vector of kind `admission`. */
export function runAdmission(vector: Vector): Verdict {
  const { featureGates, flags, namespace, pod: rawPod, vpas: rawVpas, selectors, limitRanges } = vector.input as Input
  const pod = podToAdmit(rawPod, namespace)
  const vpas = rawVpas.map(projectVpa)
  const vpa = new VpaIndex(vpas.filter(isAppliedAtCreation)).controllingVpa(pod, lookupFor(vpas, selectors))
  if (vpa === undefined) return compare({ matchedVpa: null, patches: [], errors: [], warnings: null }, vector)

  const ranges = limitRanges.map(projectLimitRange)
  const input = { vpa, pod, containerLimits: effectiveLimits(ranges, 'Container'), podLimits: effectiveLimits(ranges, 'Pod') }
  const maxBoost = flags['max-allowed-cpu-boost']
  const answer = podPatch({ ...input, startupBoost: { enabled: featureGates.CPUStartupBoost === true, maxAllowed: maxBoost ? quantity(maxBoost) : undefined } })
  const patches = 'patch' in answer ? answer.patch : []
  const errors = 'failed' in answer ? [`.: Internal error: ${answer.failed}`] : []
  return judgePod({ matchedVpa: vpa.name, patches, errors, warnings: null }, vector, input, patchedResources(patches))
}

/**
 * Any ReplicaSet belongs to Deployment `web`, anything else is its own topmost controller. The vectors give a selector to each VPA,
 * even where several share a target: the reference object of the VPA that asks tells them apart.
 */
function lookupFor(vpas: readonly Vpa[], selectors: Input['selectors']): WorkloadLookup {
  return (namespace, ref) => {
    const asking = vpas.find(({ spec }) => spec.targetRef === ref)
    const matchLabels = asking && selectors[asking.name]
    if (matchLabels === null) return { failed: 'the selector cannot be read' }
    const owners = ref.kind === 'ReplicaSet' && !asking ? [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', controller: true }] : []
    const found: Workload = { ...ref, namespace, owners, ...(matchLabels && { selector: { matchLabels } }) }
    return { found }
  }
}

function patchedResources(patch: JsonPatch): readonly Resources[] {
  const resources: { requests: Record<string, Quantity>; limits: Record<string, Quantity> }[] = []
  for (const { path, value } of patch) {
    const [, index = '', kind = '', resource = ''] = /^\/spec\/containers\/(\d+)\/resources\/(requests|limits)\/(.+)$/.exec(path) ?? []
    if (resource === '') continue
    const container = (resources[Number(index)] ??= { requests: {}, limits: {} })
    container[kind as 'requests' | 'limits'][resource.replaceAll('~1', '/')] = quantity(String(value))
  }
  return resources
}
