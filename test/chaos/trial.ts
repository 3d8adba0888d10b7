import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../hack/demo/free-port.ts'
import type { ProgramName } from '../../hack/program-names.ts'
import { accountOf } from './account.ts'
import type { ChaosCluster } from './chaos-cluster.ts'
import { KeptProgram } from './kept-program.ts'
import { damageOf, keptCheckpoint, keptState, persistently, targetOf } from './kept-state.ts'
import { PodCount } from './pod-count.ts'
import { type SampleAudit, SampleAuditor } from './sample-auditor.ts'
import { type Audit, WatchAuditor } from './watch-auditor.ts'
import { NAMESPACE, PROBE, REPLICAS, STEADY, deployment, exactly, millicoresOf, runningPods, vpa } from './workloads.ts'

const FEWEST = REPLICAS / 2
/**
 * So long all may take to come to rest. The programs' own limits are two minutes, and must not be cut short: for that long an eviction of which
 * nobody knows whether it was done counts as done, and a watch that fell silent is waited for. The rest is for a machine that is busy.
 */
const PATIENCE_MS = 200_000

/** What came of one scenario. */
export interface Report extends Audit, SampleAudit {
  readonly scenario: string
  readonly faults: number
  /** From the end of the last fault until a recommendation that was changed then was published, and all pods had it: each of the three programs does its part. */
  readonly convergedMs: number
  /** How often the running pods were counted. */
  readonly podCounts: number
  /** How many pods too few ran, at worst. */
  readonly evictionsBeyondBudget: number
  /** Programs that ended although nobody ended them. */
  readonly crashes: number
  /** What is wrong with checkpoints and statuses in the end. */
  readonly damage: readonly string[]
}

export interface TrialOptions {
  /** Such as `--leader-elect`, for recommender and updater. */
  readonly flags?: readonly string[]
  /** How many of recommender and updater. */
  readonly replicas?: number
}

/** The three programs at work on a Deployment whose recommendation is changed by hand, again and again. */
export class Trial {
  readonly programs: Readonly<Record<ProgramName, readonly KeptProgram[]>>
  readonly #auditor: WatchAuditor
  readonly #cluster: ChaosCluster
  #millicores = 100

  /** Resolves when all works. */
  static async start(cluster: ChaosCluster, options: TrialOptions = {}): Promise<Trial> {
    await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } })
    await cluster.apply(deployment(STEADY, 1))
    await cluster.apply(vpa(STEADY, { updatePolicy: { updateMode: 'Off' } }))
    const auditor = await WatchAuditor.open(cluster)
    const trial = new Trial(cluster, auditor, await startPrograms(cluster, options))
    try {
      await trial.#want()
      await cluster.apply(deployment(PROBE, REPLICAS))
      await trial.#converged()
      await trial.#until(async () => ((await keptCheckpoint(cluster))?.status.totalSamplesCount ?? 0) > 1, 'a checkpoint')
      return trial
    } catch (error) {
      await trial.stop()
      throw error
    }
  }

  private constructor(cluster: ChaosCluster, auditor: WatchAuditor, programs: Trial['programs']) {
    this.#cluster = cluster
    this.#auditor = auditor
    this.programs = programs
  }

  /**
   * Has updates go on, makes faults, and sees all come to rest.
   *
   * @param inject resolves with how many faults it made, when the last one is over
   * @param unread whether the faults keep the recommender from reading usage
   */
  async run(scenario: string, inject: () => Promise<number>, { unread = false }: { readonly unread?: boolean } = {}): Promise<Report> {
    const crashes = this.#crashes
    const kept = await keptState(this.#cluster)
    const samples = await SampleAuditor.begin(this.#cluster, this.programs.recommender)
    const pods = new PodCount(this.#cluster)
    this.#auditor.begin()
    try {
      await this.#want()
      const faults = await inject()
      const faultsEndedAt = Date.now()
      this.#auditor.faultsEnded()
      await this.#want()
      await this.#converged()
      const convergedMs = Date.now() - faultsEndedAt
      const seen = await this.#auditor.end()
      const sampled = await samples.end(unread ? faultsEndedAt : undefined)
      const { fewest, readings } = await pods.end()
      return {
        scenario,
        faults,
        convergedMs,
        ...seen,
        ...sampled,
        podCounts: readings,
        evictionsBeyondBudget: Math.max(0, FEWEST - fewest),
        crashes: this.#crashes - crashes,
        damage: await damageOf(this.#cluster, { ...kept, targets: { ...kept.targets, [PROBE]: this.#wanted } }),
      }
    } finally {
      await Promise.all([this.#auditor.end(), pods.end()])
    }
  }

  /** Sets the clocks of all programs an hour ahead, and after a while back; the number of faults. */
  async misleadClocks(whileMs: number): Promise<number> {
    for (const program of this.all) program.stepClock()
    await sleep(whileMs)
    for (const program of this.all) program.stepClock()
    return 2 * this.all.length
  }

  async stop(): Promise<void> {
    await Promise.all(this.all.map((program) => program.stop()))
    await this.#auditor.close()
  }

  get all(): readonly KeptProgram[] {
    return Object.values(this.programs).flat()
  }

  get #crashes(): number {
    return this.all.reduce((sum, program) => sum + program.crashes, 0)
  }

  get #wanted(): string {
    return `cpu ${this.#millicores}m, memory 100Mi`
  }

  /** Changes the recommendation. */
  async #want(): Promise<void> {
    this.#millicores += 10
    await persistently(() => this.#cluster.apply(vpa(PROBE, exactly({ cpu: `${this.#millicores}m`, memory: '100Mi' }))))
  }

  /** The pods alone would not tell: webhook and updater keep to the bounds by themselves, whatever is recommended. */
  async #converged(): Promise<void> {
    await this.#until(async () => {
      const pods = await runningPods(this.#cluster)
      return pods.length === REPLICAS && pods.every((pod) => millicoresOf(pod) === this.#millicores) && (await targetOf(this.#cluster, PROBE)) === this.#wanted
    }, `${REPLICAS} pods that run and request ${this.#millicores}m, as recommended`)
  }

  async #until(holds: () => Promise<boolean>, what: string): Promise<void> {
    for (const end = Date.now() + PATIENCE_MS; !(await holds().catch(() => false)); await sleep(100)) {
      if (Date.now() > end) throw new Error(`not within ${PATIENCE_MS / 1000} s: ${what}\n${await accountOf(this.#cluster, this.all)}`)
    }
  }
}

async function startPrograms({ kubeconfig }: ChaosCluster, { flags = [], replicas = 1 }: TrialOptions): Promise<Trial['programs']> {
  const port = await freePort()
  const several = (name: 'recommender' | 'updater', own: readonly string[]) => Array.from({ length: replicas }, () => new KeptProgram(name, kubeconfig[name], [...own, ...flags]))
  return {
    recommender: several('recommender', ['--recommender-interval=500ms']),
    // A VPA whose pods came while no webhook answered is left alone for minutes otherwise.
    updater: several('updater', ['--updater-interval=1s', '--outcome-back-off-base=1s', '--outcome-back-off-cap=2s']),
    'admission-controller': [new KeptProgram('admission-controller', kubeconfig['admission-controller'], [`--port=${port}`, '--register-by-url', '--webhook-address=https://127.0.0.1', `--webhook-port=${port}`, '--shutdown-delay=0s', '--status-lease-update-interval=1s'])],
  }
}
