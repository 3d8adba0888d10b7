import type { Pod, Resources } from '../api/pod.ts'

/**
 * What a container requests now: what the kubelet reports it was given, otherwise what the pod's spec says
 * (upstream: ContainerRequestsAndLimits). A report without amounts counts too.
 */
export function currentResources({ containers, containerStatuses }: Pod, containerName: string): Resources {
  const reported = containerStatuses.find(({ name }) => name === containerName)?.resources
  return reported ?? containers.find(({ name }) => name === containerName) ?? {}
}
