import type { JsonPatch } from '@vpa/core/admit/json-patch.ts'
import { podPatch } from '@vpa/core/admit/patch.ts'
import { podToAdmit } from '@vpa/core/admit/pod-to-admit.ts'
import { type ContainerResources, containerResources } from '@vpa/core/admit/resources.ts'
import { podOfTemplate } from '@vpa/core/admit/template-pod.ts'
import type { Pod } from '@vpa/core/api/pod.ts'
import type { UpdateMode } from '@vpa/core/api/update-mode.ts'
import { type Vpa, updateModeOf } from '@vpa/core/api/vpa.ts'
import type { CapInput } from '@vpa/core/policy/cap-to-pod.ts'
import { Problem } from './problem.ts'

/** A pod as its workload's controller would create it, before anybody has changed it. */
export function newPodOf(manifest: object, namespace: string): Pod {
  const pod = podOfTemplate(manifest)
  if (pod === undefined) throw new Problem(`${(manifest as { kind?: string }).kind ?? 'this object'} has no pod template`)
  return podToAdmit(pod, namespace)
}

export interface NewPodPreview {
  readonly patch: JsonPatch
  /** In the order of the pod's containers; empty where nothing is changed. */
  readonly resources: readonly ContainerResources[]
}

/** What the admission controller would make of a new pod. Startup boosts are behind a feature gate, and left out. */
export function previewOf(input: CapInput): NewPodPreview {
  const answer = podPatch({ ...input, startupBoost: { enabled: false, maxAllowed: undefined } })
  if ('failed' in answer) throw new Problem(`the admission controller would let the pod pass unchanged: ${answer.failed}`)
  return { patch: answer.patch, resources: updateModeOf(input.vpa) === 'Off' ? [] : containerResources(input) }
}

export function inMode(vpa: Vpa, updateMode: UpdateMode): Vpa {
  return { ...vpa, spec: { ...vpa.spec, updatePolicy: { minReplicas: undefined, evictionRequirements: undefined, evictAfterOOMSeconds: undefined, ...vpa.spec.updatePolicy, updateMode } } }
}
