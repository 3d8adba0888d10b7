/**
 * Lets the three programs work on a cluster whose pods come and go, and looks whether they grow: npm run soak -- [--minutes 30] [--changes 20]
 *
 * The sandbox serves the API; each change is a pod created or deleted. The first third of the time is for warming up: caches fill, V8 settles.
 * Ends with 1 where memory grows faster than 1 MB/h by linear fit, file descriptors grow, or the event loop's p99 is 50 ms or more. A fit over
 * minutes has a wide error, which is printed with it; the bound is held for what is surely above it.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type Sandbox, startSandbox } from '@vpa/sandbox/sandbox.ts'
import { freePort } from '../../hack/demo/free-port.ts'
import { type Point, slopeOf } from './linear-fit.ts'

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '30' }, changes: { type: 'string', default: '20' } } })
const minutes = Number(values.minutes)
const changesPerSecond = Number(values.changes)
if (!(minutes > 0 && changesPerSecond > 0)) throw new RangeError(`expected --minutes and --changes above 0, got ${values.minutes} and ${values.changes}`)

const MOST_MB_PER_HOUR = 1
const MOST_LAG_SECONDS = 0.05
const SAMPLE_EVERY_MS = 2000
const GROUPS = 20
const PODS = 100

interface Program {
  readonly name: string
  readonly pid: number
  readonly metrics: string
  readonly memory: Point[]
  readonly descriptors: Point[]
  lag: number
  stop(): Promise<void>
}

async function start(name: string, kubeconfig: string, flags: readonly string[]): Promise<Program> {
  const own = [`--kubeconfig=${kubeconfig}`, '--address=127.0.0.1:0', '--log-format=json', '--v=2', ...flags]
  const child = spawn(process.execPath, [`packages/${name}/main.ts`, ...own], { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, NAMESPACE: 'kube-system' } })
  let port: number | undefined
  for await (const line of createInterface(child.stderr)) {
    ;({ port } = JSON.parse(line) as { port?: number })
    if (port !== undefined) break
  }
  child.stderr.resume()
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`vpa-${name} ended on its own`)
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  return { name, pid: child.pid ?? 0, metrics: `http://127.0.0.1:${port}/metrics`, memory: [], descriptors: [], lag: 0, stop }
}

async function sample(program: Program, hours: number): Promise<void> {
  const status = await readFile(`/proc/${program.pid}/status`, 'utf8')
  program.memory.push({ x: hours, y: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024 })
  program.descriptors.push({ x: hours, y: (await readdir(`/proc/${program.pid}/fd`)).length })
  const text = await (await fetch(program.metrics)).text()
  program.lag = Number(/^nodejs_eventloop_lag_p99_seconds (\S+)/m.exec(text)?.[1])
}

/** Keeps the number of pods, with others all the time: the oldest of a group goes, a new one comes. */
async function churn(sandbox: Sandbox, until: number): Promise<number> {
  const alive: string[] = []
  let changes = 0
  const begin = Date.now()
  for (let count = 0; Date.now() < until; changes += 1) {
    if (alive.length < PODS || count % 2 === 0) {
      const name = `web-${count % GROUPS}-${count}`
      await sandbox.apply(pod(name, `web-${count % GROUPS}`))
      alive.push(name)
    } else sandbox.delete('Pod', { namespace: 'default', name: alive.shift() ?? '' })
    count += 1
    const due = begin + ((changes + 1) * 1000) / changesPerSecond
    if (due > Date.now()) await sleep(due - Date.now())
  }
  return changes
}

function pod(name: string, group: string): object {
  const owner = { apiVersion: 'v1', kind: 'ReplicationController', name: group, uid: group, controller: true }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'default', name, labels: { app: group, 'pod-hash': name }, annotations: { owner: JSON.stringify(owner) } },
    spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'app', image: 'none', resources: { requests: { cpu: '1m', memory: '1Mi' } } }] },
  }
}

async function addVpas(sandbox: Sandbox): Promise<void> {
  for (let group = 0; group < GROUPS; group += 1) {
    const name = `web-${group}`
    const template = { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'app', image: 'none' }] } }
    await sandbox.apply({ apiVersion: 'v1', kind: 'ReplicationController', metadata: { namespace: 'default', name }, spec: { replicas: 0, selector: { app: name, never: 'adopts' }, template } })
    await sandbox.apply({ apiVersion: 'autoscaling.k8s.io/v1', kind: 'VerticalPodAutoscaler', metadata: { namespace: 'default', name }, spec: { targetRef: { apiVersion: 'v1', kind: 'ReplicationController', name }, updatePolicy: { updateMode: 'Off' } } })
  }
}

/** @returns what is wrong; empty for nothing */
function judge({ name, memory, descriptors, lag }: Program): readonly string[] {
  const settled = memory.slice(Math.floor(memory.length / 3))
  const slope = slopeOf(settled)
  const error = slopeError(settled, slope)
  const files = descriptors.slice(Math.floor(descriptors.length / 3)).map(({ y }) => y)
  const [first = 0, last = 0] = [files[0], files.at(-1)]
  console.log(`soak: ${name}: RSS ${settled.at(-1)?.y.toFixed(0)} MB, slope ${slope.toFixed(1)} ± ${(2 * error).toFixed(1)} MB/h; file descriptors ${first} at first, ${last} at last, ${Math.max(...files)} at most; event loop p99 ${(lag * 1000).toFixed(0)} ms`)
  return [
    ...(slope - 2 * error > MOST_MB_PER_HOUR ? [`${name}: memory grows`] : []),
    ...(last > first + 5 ? [`${name}: file descriptors grow`] : []),
    ...(lag >= MOST_LAG_SECONDS ? [`${name}: the event loop is held up`] : []),
  ]
}

/** The standard error of the slope. */
function slopeError(points: readonly Point[], slope: number): number {
  const [meanX, meanY] = [points.reduce((sum, { x }) => sum + x, 0) / points.length, points.reduce((sum, { y }) => sum + y, 0) / points.length]
  const residual = points.reduce((sum, { x, y }) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0)
  const spread = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0)
  return Math.sqrt(residual / Math.max(points.length - 2, 1) / spread)
}

const directory = await mkdtemp(join(tmpdir(), 'vpa-soak-'))
const sandbox = await startSandbox({ metricResolution: 1000, step: 500 })
const programs: Program[] = []
try {
  const kubeconfig = join(directory, 'kubeconfig')
  await writeFile(kubeconfig, sandbox.kubeconfig)
  await addVpas(sandbox)
  const port = await freePort()
  programs.push(await start('recommender', kubeconfig, ['--recommender-interval=1s', '--memory-aggregation-interval=1m', '--memory-aggregation-interval-count=1', '--checkpoints-gc-interval=10s']))
  programs.push(await start('updater', kubeconfig, ['--updater-interval=1s']))
  programs.push(await start('admission-controller', kubeconfig, [`--port=${port}`, '--register-by-url', '--webhook-address=https://127.0.0.1', `--webhook-port=${port}`, '--shutdown-delay=0s']))
  const begin = Date.now()
  const end = begin + minutes * 60_000
  const churning = churn(sandbox, end)
  for (; Date.now() < end; await sleep(SAMPLE_EVERY_MS)) {
    for (const program of programs) await sample(program, (Date.now() - begin) / 3_600_000)
  }
  console.log(`soak: ${await churning} pod changes in ${minutes} minutes`)
  const problems = programs.flatMap(judge)
  for (const problem of problems) console.log(`FAILED: ${problem}`)
  const failed = new Set(problems.map((problem) => problem.split(':')[0])).size
  console.log(`${programs.length - failed} passed, ${failed} failed`)
  process.exitCode = Number(failed > 0)
} finally {
  for (const program of programs) await program.stop().catch((error: unknown) => { console.log(String(error)); process.exitCode = 1 })
  await sandbox.stop()
  await rm(directory, { recursive: true })
}
