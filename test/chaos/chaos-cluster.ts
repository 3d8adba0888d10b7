import type { EpochMs } from '@vpa/core/time.ts'
import type { ProgramName } from '../../hack/program-names.ts'

/** As much of an object as the trials look at. */
export interface KubeObject {
  readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string; readonly annotations?: Readonly<Record<string, string>> }
  readonly spec?: unknown
  readonly status?: unknown
}

/** An object to be made. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: object; readonly annotations?: object }
  readonly spec?: object
}

/** The cluster that a trial is made on, as its administrator sees it: faults are meant for the programs, and pass the administrator by where they can. */
export interface ChaosCluster {
  /** A kubeconfig file for each. */
  readonly kubeconfig: Readonly<Record<ProgramName | 'auditor', string>>
  /** Creates the object, or gives it this spec. */
  apply(manifest: Manifest): Promise<void>
  remove(manifest: Manifest): Promise<void>
  get(manifest: Manifest): Promise<KubeObject | undefined>
  pods(namespace: string): Promise<readonly KubeObject[]>
  /** When the usage of the steady workload has been measured since then, oldest first; only what could be read. */
  measurementsSince(time: EpochMs): readonly EpochMs[]
  /** How often it is. */
  readonly metricResolutionMs: number
  /** Its usage when it was measured, where that is not always the same: then each measurement is known again in the histogram. */
  steadyMillicores?(at: EpochMs): number
  close(): Promise<void>
}
