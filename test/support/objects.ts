import { type Pod, projectPod } from '@vpa/core/api/pod.ts'
import { type Recommendation, type Vpa, projectVpa } from '@vpa/core/api/vpa.ts'

type Amounts = Readonly<Record<string, string>>

export interface PodFacts {
  readonly name?: string
  readonly phase?: string
  readonly startTime?: string
  readonly annotations?: Amounts
  /** Requests by container. */
  readonly requests?: Readonly<Record<string, Amounts>>
  readonly resizePolicy?: readonly object[]
  readonly conditions?: readonly object[]
  readonly containerStatuses?: readonly object[]
  /** Kind and name; empty for none. */
  readonly owner?: string
}

/** A running pod of ReplicaSet `web` with one container `app`, unless told otherwise. */
export function podWith(facts: PodFacts = {}): Pod {
  const { name = 'pod', phase = 'Running', startTime = '2026-02-27T00:00:00Z', requests = { app: { cpu: '1', memory: '1Gi' } }, owner = 'ReplicaSet/web' } = facts
  const [kind, ownerName] = owner.split('/')
  return projectPod({
    metadata: {
      namespace: 'default',
      name,
      uid: `uid-${name}`,
      labels: { app: 'web' },
      annotations: facts.annotations,
      ownerReferences: owner === '' ? [] : [{ apiVersion: 'apps/v1', kind, name: ownerName, controller: true }],
    },
    spec: { containers: Object.entries(requests).map(([name, list]) => ({ name, resources: { requests: list }, resizePolicy: facts.resizePolicy })) },
    status: { phase, startTime, conditions: facts.conditions, containerStatuses: facts.containerStatuses },
  })
}

/** Targets Deployment `web`, unless told otherwise. */
export function vpaWith(spec: object = {}, status: object = {}): Vpa {
  const targetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }
  return projectVpa({ apiVersion: 'autoscaling.k8s.io/v1', metadata: { namespace: 'default', name: 'vpa', uid: 'uid-vpa' }, spec: { targetRef, ...spec }, status })
}

/** As in a status: target, lowerBound, upperBound by container. */
export function recommendationWith(containers: Readonly<Record<string, { readonly target: Amounts; readonly lowerBound?: Amounts; readonly upperBound?: Amounts }>>): Recommendation {
  const containerRecommendations = Object.entries(containers).map(([containerName, amounts]) => ({ containerName, ...amounts }))
  return vpaWith({}, { recommendation: { containerRecommendations } }).status.recommendation?.containerRecommendations ?? []
}
