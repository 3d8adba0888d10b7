import { checkpointStatusJson } from '@vpa/core/api/checkpoint.ts'
import type { OwnerReference } from '@vpa/core/api/object.ts'
import { projectPod } from '@vpa/core/api/pod.ts'
import { type Vpa, projectVpa, vpaStatusJson } from '@vpa/core/api/vpa.ts'
import type { ObjectRef } from '@vpa/core/target/workload.ts'
import type { EpochMs } from '@vpa/core/time.ts'
import type { Cluster, ContainerUsage } from '@vpa/kube/cluster.ts'
import { Interner } from '@vpa/kube/intern.ts'
import { ObjectStore, type StoredObject } from '@vpa/kube/store.ts'

export interface MemoryClusterSize {
  readonly namespaces: number
  /** All together; each targets a Deployment of its own. */
  readonly vpas: number
  readonly podsPerVpa: number
  readonly containersPerPod: number
  /** Each VPA recommends four times what its pods request, in mode Recreate instead of Off. */
  readonly outOfRange?: boolean
}

export interface MemoryCluster {
  readonly cluster: Cluster
  /** What the metrics API tells next. */
  measure(at: EpochMs): void
  /** Bytes of JSON that would have been sent. */
  readonly written: { bytes: number; statuses: number; checkpoints: number }
}

/** A cluster as the programs see it, without an API server: what a loop costs by itself. Writes are encoded, and go nowhere. */
export function memoryCluster(size: MemoryClusterSize): MemoryCluster {
  const interner = new Interner()
  const vpas = storeOf(Array.from({ length: size.vpas }, (_, index) => interner.intern(vpaOf(index, size), { size: index })))
  const pods = storeOf(Array.from({ length: size.vpas * size.podsPerVpa }, (_, index) => interner.intern(podOf(index, size), { size: index })))
  const written = { bytes: 0, statuses: 0, checkpoints: 0 }
  let usage: readonly ContainerUsage[] = []
  const cluster: Cluster = {
    vpas,
    pods,
    limitRanges: storeOf([]),
    checkpoints: storeOf([]),
    evictions: storeOf([]),
    horizontalAutoscalers: storeOf([]),
    nodes: storeOf([]),
    resourceQuotas: storeOf([]),
    workload: (namespace, ref) => ({ found: { ...ref, namespace, owners: ownersOf(ref), selector: { matchLabels: { app: ref.name } }, replicas: size.podsPerVpa } }),
    eventsAbout: () => Promise.resolve([]),
    usage: async () => usage,
    externalMetric: async () => [],
    vpaExists: async () => true,
    async patchVpaStatus({ namespace, name }, status) {
      written.statuses += 1
      written.bytes += JSON.stringify(vpaStatusJson(status)).length
      const vpa = vpas.get(namespace, name)
      if (vpa !== undefined) vpas.set({ ...vpa, status, resourceVersion: `${Number(vpa.resourceVersion) + 1}` })
    },
    editVpaStatus: done,
    async writeCheckpoint({ status, annotations }) {
      written.checkpoints += 1
      written.bytes += JSON.stringify([annotations, checkpointStatusJson(status)]).length
    },
    deleteCheckpoint: async () => {},
    evict: done,
    resize: done,
    patchPod: done,
    servesResize: async () => true,
    readLease: async () => undefined,
    event: () => {},
    synced: async () => {},
    stop: async () => {},
  }
  return { cluster, written, measure: (at) => void (usage = usageOf(pods, at)) }
}

const done = async () => ({ outcome: 'done' }) as const

function storeOf<T extends StoredObject>(objects: Iterable<T>): ObjectStore<T> {
  const store = new ObjectStore<T>((error) => {
    throw error
  })
  for (const object of objects) store.set(object)
  return store
}

/** ReplicaSet `web-5-7d4b9c6f5d` is of Deployment `web-5`. */
function ownersOf({ apiVersion, kind, name }: ObjectRef): readonly OwnerReference[] {
  return kind === 'ReplicaSet' ? [{ apiVersion, kind: 'Deployment', name: name.replace(/-[^-]*$/, ''), controller: true }] : []
}

const namespaceOf = (vpa: number, { namespaces }: MemoryClusterSize) => `team-${vpa % namespaces}`

function vpaOf(index: number, size: MemoryClusterSize): Vpa {
  const metadata = { namespace: namespaceOf(index, size), name: `web-${index}`, uid: `vpa-${index}`, resourceVersion: '1', generation: 1, creationTimestamp: '2026-01-01T00:00:00Z' }
  const amounts = { cpu: '400m', memory: '512Mi' }
  const containerRecommendations = Array.from({ length: size.containersPerPod }, (_, container) => ({ containerName: `app-${container}`, target: amounts, lowerBound: amounts, upperBound: amounts }))
  return projectVpa({
    apiVersion: 'autoscaling.k8s.io/v1',
    metadata,
    spec: { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: `web-${index}` }, updatePolicy: { updateMode: size.outOfRange ? 'Recreate' : 'Off' } },
    ...(size.outOfRange && { status: { recommendation: { containerRecommendations } } }),
  })
}

function podOf(index: number, size: MemoryClusterSize) {
  const vpa = Math.floor(index / size.podsPerVpa)
  const containers = Array.from({ length: size.containersPerPod }, (_, container) => ({ name: `app-${container}`, resources: { requests: { cpu: '100m', memory: '128Mi' } } }))
  return projectPod({
    metadata: {
      namespace: namespaceOf(vpa, size),
      name: `web-${vpa}-7d4b9c6f5d-${index.toString(36)}`,
      uid: `pod-${index}`,
      resourceVersion: `${index}`,
      labels: { app: `web-${vpa}`, 'pod-template-hash': '7d4b9c6f5d' },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `web-${vpa}-7d4b9c6f5d`, controller: true }],
    },
    spec: { nodeName: `node-${index % 500}`, containers },
    status: { phase: 'Running', startTime: '2026-01-01T00:00:00Z', containerStatuses: containers.map(({ name, resources }) => ({ name, resources, restartCount: 0, state: { running: {} } })) },
  })
}

/** Usage that moves: each container's own course, so that neither buckets nor peaks stay the same. */
function usageOf(pods: Cluster['pods'], at: EpochMs): readonly ContainerUsage[] {
  const usage: ContainerUsage[] = []
  for (const { namespace, name: podName, containers } of pods.list()) {
    for (const { name: containerName } of containers) {
      const phase = usage.length * 0.7 + at / 600_000
      usage.push({ namespace, podName, containerName, at, cpu: Math.round(200 + 150 * Math.sin(phase)), memory: Math.round(3e8 + 2e8 * Math.sin(phase / 3)) })
    }
  }
  return usage
}
