import type { Manifest } from './admin.ts'

/** A controller and its pods, as KWOK plays them. */
export interface Workload {
  readonly namespace: string
  readonly name: string
  readonly kind: 'Deployment' | 'ReplicaSet' | 'StatefulSet'
  readonly replicas: number
  readonly containers: readonly string[]
  /** Of each container. */
  readonly requests: Readonly<Record<string, string>>
  readonly usage: ContainerUse
  /** Puts its pods on this node, past the scheduler. */
  readonly nodeName?: string
}

/** What each container uses. */
export interface ContainerUse {
  readonly cpuMillicores: number
  readonly memoryBytes: number
}

/** What KWOK says that each container of the pod uses. */
export function usageAnnotations({ cpuMillicores, memoryBytes }: ContainerUse): Readonly<Record<string, string>> {
  return { 'kwok.x-k8s.io/usage-cpu': `${Math.round(cpuMillicores)}m`, 'kwok.x-k8s.io/usage-memory': `${Math.round(memoryBytes)}` }
}

export function workloadManifest({ namespace, name, kind, replicas, containers, requests, usage, nodeName }: Workload): Manifest {
  const labels = { app: name }
  const spec = {
    replicas,
    selector: { matchLabels: labels },
    template: {
      metadata: { labels, annotations: usageAnnotations(usage) },
      spec: { ...(nodeName && { nodeName }), terminationGracePeriodSeconds: 0, containers: containers.map((container) => ({ name: container, image: 'example.test/app', resources: { requests } })) },
    },
    ...(kind === 'StatefulSet' && { serviceName: name, podManagementPolicy: 'Parallel' }),
  }
  return { apiVersion: 'apps/v1', kind, metadata: { namespace, name }, spec } as Manifest
}

export function vpaManifest(target: Pick<Workload, 'namespace' | 'kind' | 'name'>, name: string, spec: object): Manifest {
  return {
    apiVersion: 'autoscaling.k8s.io/v1',
    kind: 'VerticalPodAutoscaler',
    metadata: { namespace: target.namespace, name },
    spec: { targetRef: { apiVersion: 'apps/v1', kind: target.kind, name: target.name }, ...spec },
  } as Manifest
}

export function namespaceManifest(name: string): Manifest {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }
}
