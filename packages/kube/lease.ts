import { type DurationMs, type EpochMs, parseTime } from '@vpa/core/time.ts'
import { isConflict } from './api-error.ts'
import type { Client } from './client.ts'
import type { LeaseFacts, ObjectName } from './cluster.ts'
import { LEASES, objectPath, pathOf } from './resources.ts'

/** undefined where there is no such lease. */
export async function readLease(client: Client, name: ObjectName): Promise<LeaseFacts | undefined> {
  const lease = await getLease(client, name)
  return lease && { createdAt: parseTime(lease.metadata?.creationTimestamp), renewedAt: parseTime(lease.spec?.renewTime) }
}

export interface StatusLease extends ObjectName {
  readonly holder: string
  readonly duration: DurationMs
}

/**
 * Tells the cluster that we are alive, as the admission controller does for the updater to see. All replicas write the same
 * lease, so losing a race against another one is as good as winning it. Source: upstream's utils/status.
 *
 * @throws ApiError or Error when it could not be told
 */
export async function renewStatusLease(client: Client, { namespace, name, holder, duration }: StatusLease, now: EpochMs): Promise<void> {
  const lease = await getLease(client, { namespace, name })
  try {
    if (lease === undefined) {
      const spec = { holderIdentity: holder, leaseDurationSeconds: Math.round(duration / 1000) }
      const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { namespace, name }, spec }
      await client.request({ method: 'POST', path: pathOf(LEASES, namespace), body })
    } else {
      const spec = { ...lease.spec, holderIdentity: holder, renewTime: microTime(now) }
      await client.request({ method: 'PUT', path: objectPath(LEASES, { namespace, name }), body: { ...lease, spec } })
    }
  } catch (error) {
    if (!isConflict(error)) throw error
  }
}

function getLease(client: Client, name: ObjectName): Promise<RawLease | undefined> {
  return client.find<RawLease>({ path: objectPath(LEASES, name) })
}

/** Leases have times in microseconds: `2026-03-01T00:00:00.000000Z`. */
export function microTime(time: EpochMs): string {
  return new Date(time).toISOString().replace('Z', '000Z')
}

interface RawLease {
  readonly metadata?: { readonly creationTimestamp?: string | null }
  readonly spec?: { readonly renewTime?: string | null }
}
