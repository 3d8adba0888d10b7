/**
 * Lets the three programs work on a cluster whose pods come and go, and looks whether they grow:
 *
 *   npm run soak -- [--minutes 30] [--changes 20] [--on sandbox|control-plane]
 *
 * Each change is a pod created or deleted; `--changes` is how many a second, after half of the time with more of them, in which nothing is
 * judged. The programs' loops take a second, so that half an hour is a day of default flags.
 * Ends with 1 where memory grows faster than 1 MB/h by linear fit, file descriptors grow, or the event loop's p99 is 50 ms or more. A fit over
 * minutes has a wide error, which is printed with it; the bound is held for what is surely above it.
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
import { addVpas, churn } from './churn.ts'
import { SoakedProgram } from './soaked-program.ts'

const SAMPLE_EVERY_MS = 2000
const PROGRESS_EVERY_MS = 60_000
/** For an hour and more, pages of V8's heap fill up and one function after the other becomes machine code. With more changes and scrapes than later, that comes to an end sooner. */
const WARM_UP_RATE = 8
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
  const { values } = parseArgs({ options: { minutes: { type: 'string', default: '30' }, changes: { type: 'string', default: '20' }, on: { type: 'string', default: 'sandbox' } } })
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
    await addVpas(cluster)
    const port = await freePort()
    const start = async (name: ProgramName, flags: readonly string[]) => void programs.push(await SoakedProgram.start({ name, kubeconfig: cluster.kubeconfig[name], flags, directory }))
    await start('recommender', ['--recommender-interval=1s', '--memory-aggregation-interval=1m', '--memory-aggregation-interval-count=1', '--checkpoints-gc-interval=10s'])
    await start('updater', ['--updater-interval=1s'])
    await start('admission-controller', [`--port=${port}`, '--register-by-url', '--webhook-address=https://127.0.0.1', `--webhook-port=${port}`, '--shutdown-delay=0s'])
    const begin = Date.now()
    const until = begin + options.minutes * 60_000
    const isWarm = () => Date.now() >= begin + WARM_UP_SHARE * (until - begin)
    const rate = () => (isWarm() ? 1 : WARM_UP_RATE)
    const churning = churn(cluster, { until, changesPerSecond: () => options.changesPerSecond * rate() })
    await watch(programs, begin, until, rate)
    console.log(`soak: ${await churning} pod changes in ${options.minutes} minutes`)
    return programs.map((program) => {
      const failures = program.judge((WARM_UP_SHARE * options.minutes) / 60)
      return { passed: Number(failures.length === 0), failed: Number(failures.length > 0), skipped: 0, failures }
    })
  } finally {
    for (const program of programs) await program.stop()
  }
}

async function watch(programs: readonly SoakedProgram[], begin: number, until: number, rate: () => number): Promise<void> {
  for (let told = begin; Date.now() < until; await sleep(SAMPLE_EVERY_MS / rate(), undefined, { signal: interrupted })) {
    for (const program of programs) await program.sample((Date.now() - begin) / 3_600_000)
    if (Date.now() - told < PROGRESS_EVERY_MS) continue
    told = Date.now()
    console.log(`soak: ${Math.round((told - begin) / 60_000)} of ${options.minutes} minutes`)
  }
}
