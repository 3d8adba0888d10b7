import type { Labels } from '../selector.ts'

const PREFIX = 'vpa-post-processor.kubernetes.io/'
const INTEGER_CPU = '_integerCPU'
/** As many as a VPA may have container policies. */
const MOST_KEPT = 100

/** The annotation of a VPA that is `true` where the container is to get whole cores (upstream: the integer CPU post-processor). */
export function integerCpuAnnotation(containerName: string): string {
  return `${PREFIX}${containerName}${INTEGER_CPU}`
}

/** Of a VPA's annotations, those that we read: who may write a VPA may write 256 KiB of others. */
export function keptVpaAnnotations(all: Labels): Labels {
  const kept = Object.entries(all).filter(([key, value]) => value === 'true' && key.startsWith(PREFIX) && key.endsWith(INTEGER_CPU))
  return Object.fromEntries(kept.slice(0, MOST_KEPT))
}
