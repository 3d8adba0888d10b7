/** The controllers of a case's pods, from the top down; the last one makes the pods. A Gear is a custom resource with scale. */
export type Owner = 'Deployment' | 'ReplicaSet' | 'StatefulSet' | 'ReplicationController' | 'DaemonSet' | 'Job' | 'CronJob' | 'Gear'

/** Pods that request 100m and 100Mi, and a VPA that recommends 500m. */
export interface UpdaterCase {
  readonly title: string
  /** The first is the VPA's target. Default: a Deployment. */
  readonly owners?: readonly Owner[]
  /** Default: 4. A DaemonSet has one pod on each of the two nodes. */
  readonly replicas?: number
  readonly mode?: string
  readonly vpa?: object
  readonly recommended?: Readonly<Record<string, string>>
  readonly limits?: Readonly<Record<string, string>>
  /** What the kubelet says of a resize that it never gives. */
  readonly resizeCondition?: object
  /**
   * `evicted`: all pods are new ones, with what is recommended. `resized`: all are the first ones, with what is recommended.
   * `asked`: as `resized`, but the kubelet has not given it. `untouched`: all are as they were.
   */
  readonly becomes: 'evicted' | 'resized' | 'asked' | 'untouched'
}

const LONG_AGO = '2020-01-01T00:00:00Z'
const pending = (reason: string, lastTransitionTime = new Date().toISOString()) => ({ type: 'PodResizePending', status: 'True', reason, message: 'no room', lastTransitionTime })
const inProgress = (lastTransitionTime = new Date().toISOString()) => ({ type: 'PodResizeInProgress', status: 'True', lastTransitionTime })
const requirements = (changeRequirement: string) => ({ updatePolicy: { updateMode: 'Recreate', evictionRequirements: [{ resources: ['cpu'], changeRequirement }] } })
const minReplicas = (count: number) => ({ updatePolicy: { updateMode: 'Recreate', minReplicas: count } })
const requestsOnly = { resourcePolicy: { containerPolicies: [{ containerName: '*', controlledValues: 'RequestsOnly' }] } }

const OWNERS: readonly UpdaterCase[] = [
  { title: 'a Deployment', becomes: 'evicted' },
  { title: 'a ReplicaSet of three', owners: ['ReplicaSet'], replicas: 3, becomes: 'evicted' },
  { title: 'a StatefulSet', owners: ['StatefulSet'], becomes: 'evicted' },
  { title: 'a ReplicationController', owners: ['ReplicationController'], replicas: 2, becomes: 'evicted' },
  { title: 'a DaemonSet', owners: ['DaemonSet'], becomes: 'evicted' },
  { title: 'a Job', owners: ['Job'], replicas: 2, becomes: 'evicted' },
  { title: 'a CronJob', owners: ['CronJob', 'Job'], replicas: 2, becomes: 'evicted' },
  { title: 'a ReplicaSet of a custom resource with scale', owners: ['Gear', 'ReplicaSet'], replicas: 2, becomes: 'evicted' },
  { title: 'a custom resource with scale that makes its pods itself', owners: ['Gear'], becomes: 'evicted' },
]

const POLICIES: readonly UpdaterCase[] = [
  { title: 'a single pod, as --min-replicas is 2', replicas: 1, becomes: 'untouched' },
  { title: 'a single pod whose VPA says that one is enough', replicas: 1, vpa: minReplicas(1), becomes: 'evicted' },
  { title: 'two pods whose VPA asks for three', replicas: 2, vpa: minReplicas(3), becomes: 'untouched' },
  { title: 'pods that must grow and may', replicas: 2, vpa: requirements('TargetHigherThanRequests'), becomes: 'evicted' },
  { title: 'pods that must grow and may only shrink', replicas: 2, vpa: requirements('TargetLowerThanRequests'), becomes: 'untouched' },
  { title: 'mode Off', replicas: 2, mode: 'Off', becomes: 'untouched' },
  { title: 'mode Initial', replicas: 2, mode: 'Initial', becomes: 'untouched' },
  { title: 'pods within their range', replicas: 2, recommended: { cpu: '100m', memory: '100Mi' }, becomes: 'untouched' },
]

const IN_PLACE: readonly UpdaterCase[] = ['InPlaceOrRecreate', 'InPlace'].flatMap((mode): UpdaterCase[] => [
  { title: `${mode}, and the kubelet gives it`, mode, becomes: 'resized' },
  { title: `${mode}, just deferred`, mode, replicas: 2, resizeCondition: pending('Deferred'), becomes: 'asked' },
  { title: `${mode}, just begun`, mode, replicas: 2, resizeCondition: inProgress(), becomes: 'asked' },
  { title: `${mode}, deferred for long`, mode, replicas: 2, resizeCondition: pending('Deferred', LONG_AGO), becomes: mode === 'InPlace' ? 'asked' : 'evicted' },
  { title: `${mode}, never finished`, mode, replicas: 2, resizeCondition: inProgress(LONG_AGO), becomes: mode === 'InPlace' ? 'asked' : 'evicted' },
  { title: `${mode}, infeasible`, mode, replicas: 2, resizeCondition: pending('Infeasible'), becomes: mode === 'InPlace' ? 'asked' : 'evicted' },
  { title: `${mode}, failed`, mode, replicas: 2, resizeCondition: { ...inProgress(), reason: 'Error', message: 'cgroup' }, becomes: mode === 'InPlace' ? 'asked' : 'evicted' },
  {
    title: `${mode}, and the pods would become Guaranteed`,
    mode,
    replicas: 2,
    vpa: requestsOnly,
    limits: { cpu: '500m', memory: '100Mi' },
    becomes: mode === 'InPlace' ? 'untouched' : 'evicted',
  },
])

/** What is untouched comes last: by then the updater has had its loops. */
export const CASES = [...OWNERS, ...POLICIES, ...IN_PLACE].toSorted((a, b) => Number(a.becomes === 'untouched') - Number(b.becomes === 'untouched'))
