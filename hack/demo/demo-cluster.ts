import type { ProgramName } from '../program-names.ts'

/** Where the story happens. Whoever opens it closes it. */
export interface DemoCluster {
  /** A kubeconfig file with the rights of an administrator. */
  readonly kubeconfig: string
  /** One kubeconfig file per program: on a real API server each with the token of its own ServiceAccount. */
  readonly programs: Readonly<Record<ProgramName, string>>
  /** Seconds between two loops of the programs: usage comes no faster than it is measured. */
  readonly intervalSeconds: number
  /** How long the story waits for anything that must happen. */
  readonly patienceSeconds: number
  /** Ends everything that was started for the demo. */
  close(): Promise<void>
}

/** What the story's objects are called; the labels are the article's. */
export const NAMESPACE = 'kong'
export const DEPLOYMENT = 'kong-kong'
export const CONTAINER = 'proxy'
export const VPA = 'kong-vpa'
export const LABELS = { 'app.kubernetes.io/component': 'app', 'app.kubernetes.io/instance': 'kong', 'app.kubernetes.io/name': 'kong' }
