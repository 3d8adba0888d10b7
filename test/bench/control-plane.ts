import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Admin } from './admin.ts'
import { type Bench, NotAvailable } from './bench.ts'
import { run, usageOf } from './measured-program.ts'

const SCRIPT = fileURLToPath(new URL('../../hack/control-plane/control-plane.sh', import.meta.url))
const NOT_AVAILABLE = 3
/** Less than a tenth of a processor: what leases and probes take. */
const QUIET = 0.1
/** In a row: controllers pause between two rounds. */
const QUIET_SECONDS = 2
const QUIET_PATIENCE_S = 300

export interface ControlPlane {
  readonly kubeconfig: string
  readonly admin: Admin
  /** For logs and other files. */
  readonly directory: string
  /** CPU time of its processes, together, from their beginning. */
  cpuSeconds(): Promise<number>
}

export interface ControlPlaneOptions {
  readonly nodes: number
  /** How often usage is read from the nodes; 10 at least. */
  readonly metricResolutionSeconds: number
  /** Leaves the logs behind. */
  readonly keep: boolean
}

/** A real control plane of the bench's own, with the VPA kinds installed. It is gone when the bench ends. */
export async function openControlPlane(bench: Bench, { nodes, metricResolutionSeconds, keep }: ControlPlaneOptions): Promise<ControlPlane> {
  const directory = await mkdtemp(join(tmpdir(), 'vpa-bench-'))
  const place = ['--dir', join(directory, 'control-plane')]
  bench.onEnd(async () => {
    await run('bash', [SCRIPT, 'stop', ...place])
    if (keep) bench.say(`logs are kept in ${directory}`)
    else await rm(directory, { recursive: true, force: true })
  })
  const { code } = await run('bash', [SCRIPT, 'start', ...place, '--nodes', `${nodes}`, '--metric-resolution', `${metricResolutionSeconds}s`])
  if (code === NOT_AVAILABLE) throw new NotAvailable('no control plane here')
  if (code !== 0) throw new Error('the control plane did not start')
  const kubeconfig = (await run('bash', [SCRIPT, 'kubeconfig', ...place])).output
  const admin = await Admin.open(kubeconfig)
  bench.onEnd(() => admin.close())
  await admin.createAll(new URL('../../manifests/crd.yaml', import.meta.url))
  return { kubeconfig, admin, directory, cpuSeconds: () => cpuSecondsOf(join(directory, 'control-plane', 'pids')) }
}

/** What was done before is worked off: no part of it counts as the work of what comes next. */
export async function untilQuiet(bench: Bench, { cpuSeconds }: ControlPlane): Promise<void> {
  let before = await cpuSeconds()
  for (let second = 0, quiet = 0; second < QUIET_PATIENCE_S; second += 1) {
    await sleep(1000)
    const now = await cpuSeconds()
    quiet = now - before < QUIET ? quiet + 1 : 0
    if (quiet === QUIET_SECONDS) return
    before = now
  }
  bench.say(`the control plane is still at work after ${QUIET_PATIENCE_S} s`)
}

async function cpuSecondsOf(pidFiles: string): Promise<number> {
  const pids = await Promise.all((await readdir(pidFiles)).map((name) => readFile(join(pidFiles, name), 'utf8')))
  const usages = await Promise.all(pids.map((pid) => usageOf(Number(pid))))
  return usages.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0)
}
