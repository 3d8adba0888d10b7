import { MINUTE } from '@vpa/core/time.ts'
import { messageOf } from '@vpa/kube/error-message.ts'
import { readLease } from '@vpa/kube/lease.ts'
import { readWebhookTrust } from '@vpa/kube/webhook-registration.ts'
import type { Session } from './session.ts'

/** Under these names the programs look for each other, unless their flags say otherwise. */
const LEASE = 'vpa-admission-controller'
const WEBHOOK = 'vpa-webhook-config'
/** The updater's --admission-controller-status-lease-timeout. */
const LEASE_TIMEOUT = MINUTE

/**
 * What is wrong with the admission controller, in words; undefined when new pods are set as recommended, as far as can be seen from outside.
 *
 * @param systemNamespace where the programs run
 */
export async function admissionProblem({ client, clock, missing }: Session, systemNamespace: string): Promise<string | undefined> {
  try {
    const [lease, trust] = await Promise.all([readLease(client, { namespace: systemNamespace, name: LEASE }), readWebhookTrust(client, WEBHOOK)])
    if (trust === undefined) return `There is no MutatingWebhookConfiguration ${WEBHOOK}: new pods are not changed.`
    const seenAt = [lease?.createdAt, lease?.renewedAt].reduce<number>((latest, at) => Math.max(latest, at ?? 0), 0)
    if (lease === undefined) return `There is no lease ${systemNamespace}/${LEASE}: the admission controller does not run there, and the updater does nothing without it.`
    if (clock.now() - seenAt >= LEASE_TIMEOUT) return `The lease ${systemNamespace}/${LEASE} is not renewed any more: the admission controller is away, and the updater does nothing without it.`
    return undefined
  } catch (error) {
    missing(`whether the admission controller works is not known: ${messageOf(error)}`)
    return undefined
  }
}
