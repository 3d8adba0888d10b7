/**
 * Lets the three programs work on a cluster whose pods come and go, and looks whether they grow:
 *
 *   npm run soak -- [--minutes 60] [--changes 20] [--on sandbox|control-plane]
 *
 * Each change is a pod created or deleted; `--changes` is how many a second in the second half of the time, which is judged. In the first
 * half there are more of them. Besides, VPAs change their minds, and pods are evicted and come back; each minute a workload is rolled out. The
 * programs' loops take a second, so that half an hour is a day of default flags.
 *
 * One growth is by design: each roll-out leaves 1.6 KB of history behind until the collection of garbage, which is each hour and drops what
 * is old enough: by default, 8 days. Here that is 0.1 MiB/h of the recommender's.
 *
 * Ends with 1 where memory grows faster than 1 MiB/h by linear fit, or goes up and down too much to tell, file descriptors grow, the event
 * loop's p99 is 50 ms or more in any minute, or a program ends or has nothing to do. The error of the fit is printed with it: it is small
 * enough after an hour.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { freePort } from '../../hack/demo/free-port.ts'
import type { ProgramName } from '../../hack/program-names.ts'
import { CONTROL_PLANE, type Count, interrupted, run, runStages, stopControlPlane } from '../../hack/test-stage.ts'
import type { ChaosCluster } from '../chaos/chaos-cluster.ts'
import { openRealCluster } from '../chaos/real-cluster.ts'
import { openSandboxCluster } from '../chaos/sandbox-cluster.ts'
import { bundlePrograms } from '../bench/bundled-program.ts'
import { addGroups, churn } from './churn.ts'
import { SoakedProgram } from './soaked-program.ts'

const SAMPLE_EVERY_MS = 2000
/** An answer holds up the event loop by itself: not often while that is judged; often before, so that its code is hot by then. */
const ASK_EVERY_MS = 60_000
const ASK_EVERY_MS_WHILE_HURRIED = 250
const PROGRESS_EVERY_MS = 60_000
/** For an hour and more, pages of V8's heap fill up and one function after the other becomes machine code. With more changes than later, that comes to an end sooner. */
const HURRIED_RATE = 8
/** Of the time. */
const WARM_UP_SHARE = 1 / 2

interface Options {
  readonly minutes: number
  readonly changesPerSecond: number
  readonly on: string
}

const options = optionsFromArguments()
await runStages(async (scratch) => {
  const plane = join(scratch, 'control-plane')
  try {
    const cluster = options.on === 'sandbox' ? await openSandboxCluster() : await openControlPlane(plane)
    try {
      return await soak(cluster, scratch)
    } finally {
      await cluster.close()
    }
  } finally {
    if (options.on !== 'sandbox') stopControlPlane(plane)
  }
})

function optionsFromArguments(): Options {
  const { values } = parseArgs({ options: { minutes: { type: 'string', default: '60' }, changes: { type: 'string', default: '20' }, on: { type: 'string', default: 'sandbox' } } })
  const [minutes, changesPerSecond] = [Number(values.minutes), Number(values.changes)]
  if (!(minutes > 0 && changesPerSecond > 0)) fail(`expected --minutes and --changes above 0, got ${values.minutes} and ${values.changes}`)
  if (values.on !== 'sandbox' && values.on !== 'control-plane') fail(`expected --on sandbox or --on control-plane, got ${values.on}`)
  return { minutes, changesPerSecond, on: values.on }
}

function fail(message: string): never {
  console.error(message)
  process.exit(2)
}

async function openControlPlane(plane: string): Promise<ChaosCluster> {
  const { code } = await run('bash', [CONTROL_PLANE, 'start', '--dir', plane, '--nodes', '2'])
  if (code !== 0) throw new Error('the control plane could not be started (see above)')
  return openRealCluster(join(plane, 'kubeconfig'))
}

/** @param directory for logs */
async function soak(cluster: ChaosCluster, directory: string): Promise<readonly Count[]> {
  const programs: SoakedProgram[] = []
  try {
    await bundlePrograms()
    await addGroups(cluster)
    const port = await freePort()
    const start = async (name: ProgramName, flags: readonly string[]) => void programs.push(await SoakedProgram.start({ name, kubeconfig: cluster.kubeconfig[name], flags, directory }))
    await start('recommender', ['--recommender-interval=1s', '--memory-aggregation-interval=1m', '--memory-aggregation-interval-count=1', '--checkpoints-gc-interval=10s'])
    await start('updater', ['--updater-interval=1s'])
    await start('admission-controller', [`--port=${port}`, '--register-by-url', '--webhook-address=https://127.0.0.1', `--webhook-port=${port}`, '--shutdown-delay=0s'])
    await work(cluster, programs)
    return programs.map((program) => {
      const failures = program.judge((WARM_UP_SHARE * options.minutes) / 60)
      return { passed: Number(failures.length === 0), failed: Number(failures.length > 0), skipped: 0, failures }
    })
  } finally {
    for (const program of programs) await program.stop()
  }
}

/** Changes pods and looks at the programs until the time is over; if the one fails, the other ends too. */
async function work(cluster: ChaosCluster, programs: readonly SoakedProgram[]): Promise<void> {
  const begin = Date.now()
  const after = (share: number) => begin + share * options.minutes * 60_000
  const [warm, end] = [after(WARM_UP_SHARE), after(1)]
  const isHurried = () => Date.now() < warm
  const hours = () => (Date.now() - begin) / 3_600_000
  const failed = new AbortController()
  const signal = AbortSignal.any([interrupted, failed.signal])
  const every = async (intervalMs: () => number, look: () => Promise<void>) => {
    for (; Date.now() < end; await sleep(Math.min(intervalMs(), Math.max(0, end - Date.now())), undefined, { signal })) await look()
  }
  const ask = async () => {
    for (const program of programs) await program.ask(hours())
  }
  try {
    const [changes] = await Promise.all([
      churn(cluster, { end, changesPerSecond: () => options.changesPerSecond * (isHurried() ? HURRIED_RATE : 1), signal }),
      every(() => SAMPLE_EVERY_MS, async () => {
        for (const program of programs) await program.sample(hours())
      }),
      every(() => (isHurried() ? ASK_EVERY_MS_WHILE_HURRIED : ASK_EVERY_MS), ask),
      every(() => PROGRESS_EVERY_MS, async () => console.log(`soak: ${Math.round(hours() * 60)} of ${options.minutes} minutes`)),
    ])
    await ask()
    const judged = changes.filter((at) => at >= warm).length
    console.log(`soak: ${changes.length} pod changes, ${((judged * 1000) / (end - warm)).toFixed(1)} a second in the half that is judged`)
  } finally {
    failed.abort()
  }
}
