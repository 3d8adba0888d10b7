import type { DurationMs } from '@vpa/core/time.ts'
import type { Clock } from '@vpa/kube/clock.ts'
import type { Cluster, LeaseFacts, ObjectName } from '@vpa/kube/cluster.ts'
import type { Log } from '@vpa/kube/log.ts'
import type { Metrics } from './metrics.ts'

export interface AdmissionStatusOptions {
  readonly lease: ObjectName
  readonly timeout: DurationMs
}

/** Whether the admission controller tells that it lives: without it an evicted pod would come back unchanged, and be evicted again. */
export async function isAdmissionControllerAlive(
  { lease, timeout }: AdmissionStatusOptions,
  { cluster, log, clock, metrics }: { readonly cluster: Pick<Cluster, 'readLease'>; readonly log: Log; readonly clock: Clock; readonly metrics: Metrics },
): Promise<boolean> {
  let facts: LeaseFacts | undefined
  try {
    facts = await cluster.readLease(lease)
  } catch (error) {
    log.error('Error getting Admission Controller status. Skipping update loop', { lease, error })
    metrics.statusInvalid('Error')
    return false
  }
  // A new lease counts before its first renewal.
  const alive = [facts?.createdAt, facts?.renewedAt].some((time) => time !== undefined && time + timeout > clock.now())
  if (alive) return true
  log.warn('Admission Controller status is not valid. Skipping update loop', { lease, timeout, ...facts })
  metrics.statusInvalid('Expired')
  return false
}
