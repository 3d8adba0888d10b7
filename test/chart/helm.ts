import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { parseAllDocuments } from 'yaml'

const FINDER = new URL('../../hack/helm.sh', import.meta.url).pathname
const REPOSITORY = new URL('../../', import.meta.url).pathname
export const CHART = 'manifests/charts/vertical-pod-autoscaler'

/** A Kubernetes object as a manifest has it. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Record<string, string>; readonly annotations?: Record<string, string> }
  readonly [field: string]: unknown
}

export interface Helm {
  /** @throws Error with Helm's own words */
  run(args: readonly string[], options?: { readonly input?: string; readonly env?: NodeJS.ProcessEnv }): string
  /**
   * The objects of the chart as release `vpa` in kube-system, tests and CRDs too.
   *
   * @throws Error with Helm's own words
   */
  render(values?: object, ...args: readonly string[]): Manifest[]
}

/** Undefined where there is no Helm and none can be compiled; what is missing was said on the error stream. */
export function findHelm(): Helm | undefined {
  const found = spawnSync('bash', [FINDER], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], timeout: 1_200_000 })
  if (found.status !== 0) return undefined
  const helm = found.stdout.trim()
  const run: Helm['run'] = (args, { input = '', env = {} } = {}) => outputOf(spawnSync(helm, args, { encoding: 'utf8', cwd: REPOSITORY, input, env: { ...process.env, ...env } }))
  return { run, render: (values = {}, ...args) => manifestsIn(run(['template', 'vpa', CHART, '--namespace=kube-system', '--values=-', ...args], { input: JSON.stringify(values) })) }
}

export function manifestsIn(text: string): Manifest[] {
  return parseAllDocuments(text).flatMap((document) => {
    if (document.errors.length > 0) throw document.errors[0]
    const manifest = document.toJS() as Manifest | null
    return manifest === null ? [] : [manifest]
  })
}

function outputOf({ status, stdout, stderr, error }: SpawnSyncReturns<string>): string {
  if (status !== 0) throw new Error(error?.message ?? stderr)
  return stdout
}
