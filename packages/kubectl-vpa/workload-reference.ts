import { type ObjectRef, type WellKnownKind, isWellKnown } from '@vpa/core/target/workload.ts'
import type { Session } from './session.ts'
import type { FullSnapshot } from '@vpa/kube/snapshot.ts'
import { EXIT, Problem } from './problem.ts'

/** What kubectl calls them, beside their kind and its plural. */
const SHORT_NAMES: Readonly<Record<string, WellKnownKind>> = { deploy: 'Deployment', sts: 'StatefulSet', ds: 'DaemonSet', rs: 'ReplicaSet', rc: 'ReplicationController', cj: 'CronJob' }
const KINDS: readonly WellKnownKind[] = ['Deployment', 'StatefulSet', 'DaemonSet', 'CronJob', 'Job', 'ReplicaSet', 'ReplicationController']

/**
 * The workload that a user means by `deployment/web`, `deploy/web`, or `web` alone where only one is called that.
 *
 * @throws Problem that says what was expected, or what there is
 */
export function workloadNamed(text: string, { workloads }: Pick<FullSnapshot, 'workloads'>, { home }: Pick<Session, 'home'>): FullSnapshot['workloads'][number] {
  const [first = '', second] = text.split('/')
  const kind = second === undefined ? undefined : kindNamed(first)
  const name = second ?? first
  if (second !== undefined && kind === undefined) throw new Problem(`not a kind of workload: ${JSON.stringify(first)}; expected one of ${KINDS.map((each) => each.toLowerCase()).join(', ')}`, EXIT.usage)
  const found = workloads.filter((workload) => workload.namespace === home && workload.name === name && (kind === undefined || workload.kind === kind))
  const [only] = found
  if (only === undefined) throw new Problem(`no ${kind?.toLowerCase() ?? 'workload'} ${JSON.stringify(name)} in namespace ${home}, and no such file`)
  if (found.length > 1) throw new Problem(`${JSON.stringify(name)} may be ${found.map(({ kind }) => `${kind.toLowerCase()}/${name}`).join(' or ')}: say which`, EXIT.usage)
  return only
}

function kindNamed(text: string): WellKnownKind | undefined {
  const word = text.toLowerCase().replace(/\..*/, '')
  return SHORT_NAMES[word] ?? KINDS.find((kind) => [kind.toLowerCase(), `${kind.toLowerCase()}s`].includes(word))
}

/** `Deployment/web`. */
export function refText({ kind, name }: Pick<ObjectRef, 'kind' | 'name'>): string {
  return `${kind}/${name}`
}

export function wellKnown(kind: string): WellKnownKind | undefined {
  return isWellKnown(kind) ? kind : undefined
}
