import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../hack/demo/free-port.ts'
import type { ProgramName } from '../../hack/program-names.ts'
import { accountOf, millicoresOf } from './account.ts'
import type { ChaosCluster, KubeObject, Manifest } from './chaos-cluster.ts'
import { KeptProgram } from './kept-program.ts'
import { type Audit, WatchAuditor } from './watch-auditor.ts'

const NAMESPACE = 'chaos'
/** An updater may evict half of a group at a time. */
const REPLICAS = 4
const FEWEST = REPLICAS / 2
/**
 * So long all may take to come to rest. The programs' own limits are two minutes, and must not be cut short: for that long an eviction of which
 * nobody knows whether it was done counts as done, and a watch that fell silent is waited for. The rest is for a machine that is busy.
 */
const PATIENCE_MS = 200_000

/** What came of one scenario. */
export interface Report extends Audit {
  readonly scenario: string
  readonly faults: number
  /** From the end of the last fault until all pods had a recommendation that was changed then: each of the three programs does its part. */
  readonly convergedMs: number
  /** Measurements of usage that were made, and those that never reached a checkpoint; less than zero: some were counted twice. */
  readonly measurements: number
  readonly samplesLost: number
  /** The fewest pods that ran below what a group must keep. */
  readonly evictionsBeyondBudget: number
  /** Programs that ended although nobody ended them. */
  readonly crashes: number
}

export interface TrialOptions {
  /** Such as `--leader-elect`, for recommender and updater. */
  readonly flags?: readonly string[]
  /** How many of recommender and updater. */
  readonly replicas?: number
  /** How long a change may take to be seen once there are no faults. */
  readonly patienceMs?: number
}

/** The three programs at work on a Deployment whose recommendation is changed by hand, again and again. */
export class Trial {
  readonly auditor: WatchAuditor
  readonly programs: Readonly<Record<ProgramName, readonly KeptProgram[]>>
  readonly #cluster: ChaosCluster
  readonly #running = new Set<string>()
  #fewest = REPLICAS
  #millicores = 100

  /** Resolves when all works. */
  static async start(cluster: ChaosCluster, options: TrialOptions = {}): Promise<Trial> {
    await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } })
    await cluster.apply(deployment('steady', 1))
    await cluster.apply(vpa('steady', { updatePolicy: { updateMode: 'Off' } }))
    const auditor = await WatchAuditor.open(cluster, options.patienceMs ?? 10_000)
    const trial = new Trial(cluster, auditor, await startPrograms(cluster, options))
    try {
      await trial.#want()
      await cluster.apply(deployment('probe', REPLICAS))
      await trial.#converged()
      await trial.#until(async () => (await trial.#samples()) > 1, 'a checkpoint')
      return trial
    } catch (error) {
      await trial.stop()
      throw error
    }
  }

  private constructor(cluster: ChaosCluster, auditor: WatchAuditor, programs: Trial['programs']) {
    this.#cluster = cluster
    this.auditor = auditor
    this.programs = programs
    auditor.cluster.pods.subscribe(({ before, now }) => {
      const pod = now ?? before
      if (pod?.labels['app'] !== 'probe') return
      if (now?.phase === 'Running' && !now.deleting) this.#running.add(pod.uid)
      else if (this.#running.delete(pod.uid)) this.#fewest = Math.min(this.#fewest, this.#running.size)
    })
  }

  /**
   * Has updates go on, makes faults, and sees all come to rest.
   *
   * @param inject resolves with how many faults it made, when the last one is over
   */
  async run(scenario: string, inject: () => Promise<number>): Promise<Report> {
    this.#fewest = this.#running.size
    const before = { crashes: this.#crashes, samples: await this.#samples(), measurements: this.#cluster.measurements() }
    this.auditor.begin()
    await this.#want()
    const faults = await inject()
    const ended = Date.now()
    await this.#want()
    await this.#converged()
    const convergedMs = Date.now() - ended
    const audit = await this.auditor.end()
    // What was measured last is read in the next loop, and saved at its end.
    const measurements = this.#cluster.measurements() - before.measurements
    await this.#until(async () => (await this.#samples()) - before.samples >= measurements, 'all samples', 6000).catch(() => {})
    const samples = (await this.#samples()) - before.samples
    const later = this.#cluster.measurements() - before.measurements
    return {
      scenario,
      faults,
      convergedMs,
      ...audit,
      measurements,
      // One that was measured before may have been saved since.
      samplesLost: samples > later + 1 ? later + 1 - samples : Math.max(0, measurements - samples),
      evictionsBeyondBudget: Math.max(0, FEWEST - this.#fewest),
      crashes: this.#crashes - before.crashes,
    }
  }

  get #all(): readonly KeptProgram[] {
    return Object.values(this.programs).flat()
  }

  get #crashes(): number {
    return this.#all.reduce((sum, program) => sum + program.crashes, 0)
  }

  /** Sets the clocks of all programs an hour ahead, and after a while back; the number of faults. */
  async misleadClocks(whileMs: number): Promise<number> {
    for (const program of this.#all) program.stepClock()
    await sleep(whileMs)
    for (const program of this.#all) program.stepClock()
    return 2 * this.#all.length
  }

  async stop(): Promise<void> {
    await Promise.all(this.#all.map((program) => program.stop()))
    await this.auditor.close()
  }

  /** Changes the recommendation, by way of the bounds that it must keep to. */
  async #want(): Promise<void> {
    this.#millicores += 10
    const bound = { cpu: `${this.#millicores}m`, memory: '100Mi' }
    const resourcePolicy = { containerPolicies: [{ containerName: '*', minAllowed: bound, maxAllowed: bound }] }
    await persistently(() => this.#cluster.apply(vpa('probe', { updatePolicy: { updateMode: 'Recreate' }, resourcePolicy })))
  }

  async #converged(): Promise<void> {
    await this.#until(async () => {
      const pods = (await this.#cluster.pods(NAMESPACE)).filter(({ metadata }) => metadata.name.startsWith('probe-') && metadata.deletionTimestamp === undefined)
      return pods.length === REPLICAS && pods.every((pod) => runs(pod) && millicoresOf(pod) === this.#millicores)
    }, `${REPLICAS} pods that run and request ${this.#millicores}m`)
  }

  async #samples(): Promise<number> {
    const checkpoint = await persistently(() => this.#cluster.get({ apiVersion: 'autoscaling.k8s.io/v1', kind: 'VerticalPodAutoscalerCheckpoint', metadata: { namespace: NAMESPACE, name: 'steady-app' } }))
    return (checkpoint?.status as { totalSamplesCount?: number } | undefined)?.totalSamplesCount ?? 0
  }

  async #until(holds: () => Promise<boolean>, what: string, patienceMs = PATIENCE_MS): Promise<void> {
    for (const end = Date.now() + patienceMs; !(await holds().catch(() => false)); await sleep(100)) {
      if (Date.now() > end) throw new Error(`not within ${patienceMs / 1000} s: ${what}\n${await accountOf(this.#cluster, this.#all)}`)
    }
  }
}

async function startPrograms({ kubeconfig }: ChaosCluster, { flags = [], replicas = 1 }: TrialOptions): Promise<Trial['programs']> {
  const port = await freePort()
  const several = (name: 'recommender' | 'updater', own: readonly string[]) => Array.from({ length: replicas }, () => new KeptProgram(name, kubeconfig[name], [...own, ...flags]))
  return {
    recommender: several('recommender', ['--recommender-interval=1s']),
    // A VPA whose pods came while no webhook answered is left alone for minutes otherwise.
    updater: several('updater', ['--updater-interval=1s', '--outcome-back-off-base=1s', '--outcome-back-off-cap=2s']),
    'admission-controller': [new KeptProgram('admission-controller', kubeconfig['admission-controller'], [`--port=${port}`, '--register-by-url', '--webhook-address=https://127.0.0.1', `--webhook-port=${port}`, '--shutdown-delay=0s', '--status-lease-update-interval=1s'])],
  }
}

async function persistently<T>(action: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await action()
    } catch (error) {
      if (tries === 300) throw error
      await sleep(200)
    }
  }
}

function runs({ status }: KubeObject): boolean {
  return (status as { phase?: string } | undefined)?.phase === 'Running'
}

function deployment(name: string, replicas: number): Manifest {
  const labels = { app: name }
  const container = { name: 'app', image: 'none', resources: { requests: { cpu: '50m', memory: '50Mi' } } }
  const template = { metadata: { labels, annotations: { 'kwok.x-k8s.io/usage-cpu': '50m', 'kwok.x-k8s.io/usage-memory': '50Mi' } }, spec: { terminationGracePeriodSeconds: 0, containers: [container] } }
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { namespace: NAMESPACE, name }, spec: { replicas, selector: { matchLabels: labels }, template } }
}

function vpa(name: string, spec: object): Manifest {
  return { apiVersion: 'autoscaling.k8s.io/v1', kind: 'VerticalPodAutoscaler', metadata: { namespace: NAMESPACE, name }, spec: { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name }, ...spec } }
}
