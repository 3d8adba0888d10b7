/** Something that keeps a recommendation from having its effect. */
interface Obstacle {
  readonly condition: string
  readonly reason: string
  /** A part of the message. */
  readonly message: string
  /** To be there before VPA `web`. */
  readonly objects: readonly Manifest[]
  /** Of VPA `web`. */
  readonly policy: object
}

interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace: string }
  readonly spec: object
}

/** The recommendation is 2 cores and 1Gi, whatever is used. */
const TWO_CORES = { minAllowed: { cpu: '2', memory: '1Gi' }, maxAllowed: { cpu: '2', memory: '1Gi' } }
const DEPLOYMENT = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }

/** Each stands in the way of VPA `web`, whose Deployment has one pod with container `app`. A row is what there is, and what becomes of it. */
export function obstaclesIn(namespace: string): readonly (readonly [name: string, Obstacle])[] {
  const named = (name: string) => ({ namespace, name })
  const byUse = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } }
  return [
    [
      'an older VPA with the same target',
      {
        condition: 'TargetConflict',
        reason: 'OlderVerticalPodAutoscaler',
        message: 'VerticalPodAutoscaler a is older and has the same target: its recommendation is applied, and not this one.',
        objects: [{ apiVersion: 'autoscaling.k8s.io/v1', kind: 'VerticalPodAutoscaler', metadata: named('a'), spec: { targetRef: DEPLOYMENT } }],
        policy: TWO_CORES,
      },
    ],
    [
      'an HPA on the same resource',
      {
        condition: 'ScalingConflict',
        reason: 'HorizontalPodAutoscaler',
        message: 'HorizontalPodAutoscaler web scales the same pods by how much of their cpu request they use, which this VerticalPodAutoscaler changes.',
        objects: [{ apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: named('web'), spec: { scaleTargetRef: DEPLOYMENT, maxReplicas: 1, metrics: [byUse] } }],
        policy: TWO_CORES,
      },
    ],
    [
      'nodes that are too small',
      {
        condition: 'TargetExceedsNodes',
        reason: 'LargerThanAllocatable',
        message: 'A pod would request 2k cpu and 1Gi memory, which no node can hold: the largest have ',
        objects: [],
        policy: { minAllowed: { cpu: '2000', memory: '1Gi' }, maxAllowed: { memory: '1Gi' } },
      },
    ],
    [
      'a LimitRange',
      {
        condition: 'LimitedByLimitRange',
        reason: 'PodsRefused',
        message: 'LimitRange small allows less than this policy demands: app would request 2 cpu, and its pod would be refused.',
        objects: [{ apiVersion: 'v1', kind: 'LimitRange', metadata: named('small'), spec: { limits: [{ type: 'Container', max: { cpu: '1' } }] } }],
        policy: TWO_CORES,
      },
    ],
    [
      'a ResourceQuota',
      {
        condition: 'LimitedByQuota',
        reason: 'ResourceQuota',
        message: 'ResourceQuota team allows requests.cpu of 1; with this target the pod here would bring them to 2.',
        objects: [{ apiVersion: 'v1', kind: 'ResourceQuota', metadata: named('team'), spec: { hard: { 'requests.cpu': '1' } } }],
        policy: TWO_CORES,
      },
    ],
  ]
}
