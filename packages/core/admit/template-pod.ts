import type { RawMeta } from '../api/object.ts'
import type { WellKnownKind } from '../target/workload.ts'

interface Template {
  readonly metadata?: RawMeta | null
  readonly spec?: object
}

/** A workload as its manifest has it, as far as its pods are concerned. */
interface RawWorkload {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata?: RawMeta
  readonly spec?: { readonly template?: Template; readonly jobTemplate?: { readonly spec?: { readonly template?: Template } } }
}

/** Kinds whose pods look like `spec.template`; a CronJob has it one level deeper. */
const KINDS: readonly (WellKnownKind | 'Pod')[] = ['CronJob', 'DaemonSet', 'Deployment', 'Job', 'ReplicaSet', 'ReplicationController', 'StatefulSet', 'Pod']

/**
 * The pod that a workload's controller would create now, on its way to admission. The workload itself stands for the ReplicaSet or Job
 * in between: whose pod it is comes out the same.
 *
 * @param raw a manifest, or an object as the API server sends it
 * @returns a v1 Pod; undefined for an object that makes no pods
 */
export function podOfTemplate(raw: unknown): object | undefined {
  const { apiVersion = '', kind = '', metadata = {}, spec } = raw as RawWorkload
  if (!(KINDS as readonly string[]).includes(kind) && spec?.template === undefined) return undefined
  if (kind === 'Pod') return raw as object
  const template = kind === 'CronJob' ? spec?.jobTemplate?.spec?.template : spec?.template
  if (template?.spec === undefined) return undefined
  const { name = '', namespace } = metadata
  return {
    metadata: { ...template.metadata, namespace, generateName: `${name}-`, ownerReferences: [{ apiVersion, kind, name, controller: true }] },
    spec: template.spec,
  }
}
