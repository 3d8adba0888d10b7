import type { Pod } from '../api/pod.ts'
import { OBSERVED_CONTAINERS_ANNOTATION } from '../api/pod-annotations.ts'

const SEPARATOR = ', '
const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/

/**
 * Whether a container counts when the pod is judged: those injected after the VPA's admission are left alone (upstream: annotations.ParseVpaObservedContainersValue).
 * All do where the annotation is absent or unreadable, none where it is empty.
 */
export function observedContainers(pod: Pod): (containerName: string) => boolean {
  const value = pod.annotations?.[OBSERVED_CONTAINERS_ANNOTATION]
  if (value === undefined) return () => true
  const names = value === '' ? [] : value.split(SEPARATOR)
  return names.every((name) => DNS_LABEL.test(name)) ? (name) => names.includes(name) : () => true
}
