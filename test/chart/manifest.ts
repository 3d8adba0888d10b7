import { parseConfig } from '@vpa/kube/config.ts'
import { Config as AdmissionConfig } from 'vpa-admission-controller/config.ts'
import { Config as RecommenderConfig } from 'vpa-recommender/config.ts'
import { Config as UpdaterConfig } from 'vpa-updater/config.ts'
import type { ProgramName } from '../../hack/program-names.ts'
import type { Manifest } from './helm.ts'

const FLAGS = { recommender: RecommenderConfig, updater: UpdaterConfig, 'admission-controller': AdmissionConfig } satisfies Record<ProgramName, unknown>

export interface Container {
  readonly name: ProgramName
  readonly image: string
  readonly args: string[]
  readonly [field: string]: unknown
}

export interface Deployment extends Manifest {
  readonly spec: {
    readonly replicas?: number
    readonly selector: { readonly matchLabels: Record<string, string> }
    readonly template: { readonly metadata: { readonly labels: Record<string, string> }; readonly spec: { readonly containers: readonly [Container]; readonly [field: string]: unknown } }
  }
}

export const ofKind = (kind: string) => (manifest: Manifest) => manifest.kind === kind
export const named = (manifests: readonly Manifest[], kind: string, name: string) => manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name)
export const nameOf = ({ kind, metadata }: Manifest) => `${kind} ${metadata.namespace === undefined ? '' : `${metadata.namespace}/`}${metadata.name}`

export const deploymentsIn = (manifests: readonly Manifest[]) => manifests.filter(ofKind('Deployment')) as Deployment[]
export const containerOf = ({ spec }: Deployment) => spec.template.spec.containers[0]

export function deploymentOf(manifests: readonly Manifest[], program: ProgramName): Deployment {
  const found = deploymentsIn(manifests).find((deployment) => containerOf(deployment).name === program)
  if (found === undefined) throw new Error(`there is no Deployment of the ${program}`)
  return found
}

/**
 * The flags as the program understands them.
 *
 * @throws Error with the program's own words when it does not
 */
export function configOf({ name, args }: Pick<Container, 'name' | 'args'>): object {
  const parsed = parseConfig<object>(FLAGS[name], args)
  if ('config' in parsed) return parsed.config
  throw new Error(JSON.stringify(parsed))
}
