import { isDeepStrictEqual } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'
import { CHECKPOINTS, VPAS, objectPath } from '@vpa/kube/resources.ts'
import { type Admin, type ApiObject, forEach } from '../bench/admin.ts'
import type { Bench } from '../bench/bench.ts'
import type { Side } from '../bench/trio.ts'
import { type ContainerUse, type Workload, namespaceManifest, vpaManifest, workloadManifest } from '../bench/workload.ts'
import type { Account, CheckpointStatus, VpaStatus } from './account.ts'
import { type Difference, differencesOf } from './difference.ts'

const MIB = 2 ** 20
const SIDES: readonly Side[] = ['go', 'ours']
/** More than one interval of the recommenders. */
const QUIET_MS = 4000
const POLL_MS = 1000
const PATIENCE_MS = 180_000

type State = ReadonlyMap<string, Account>

/** Workloads with two VPAs each: `web-7-go` for the Go recommender, `web-7-ours` for ours. */
export class Pairs {
  readonly namespace = 'side-by-side'
  readonly #admin: Admin
  readonly #bench: Bench
  readonly #workloads: readonly Workload[]
  readonly #found = new Map<string, { readonly difference: Difference; count: number }>()
  /** As it was seen last. */
  #state: State = new Map()
  #passed = 0
  #failed = 0

  constructor(admin: Admin, bench: Bench, count: number) {
    this.#admin = admin
    this.#bench = bench
    this.#workloads = Array.from({ length: count }, (_, index) => workloadOf(this.namespace, index))
  }

  get podCount(): number {
    return this.#workloads.reduce((sum, { replicas }) => sum + replicas, 0)
  }

  /** VPAs first, so that both recommenders know them before the first pod is measured. */
  async create(): Promise<void> {
    await this.#admin.create(namespaceManifest(this.namespace))
    await forEach(this.#workloads.entries(), async ([index, workload]) => {
      for (const side of SIDES) await this.#admin.create(vpaManifest(workload, `${workload.name}-${side}`, { recommenders: [{ name: side }], updatePolicy: { updateMode: 'Off' }, resourcePolicy: policyOf(index) }))
    })
    // One in a dozen has no workload.
    await forEach(this.#workloads.filter(({ replicas }) => replicas > 0), (workload) => this.#admin.create(workloadManifest(workload)))
  }

  /** Waves of different height and length, with a rare peak; each pod has its own. */
  usageOf({ metadata }: ApiObject, second: number): ContainerUse {
    const seed = [...metadata.uid].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 9973, 7)
    const wave = (periodSeconds: number) => 1 + Math.sin((2 * Math.PI * second) / periodSeconds + seed)
    const peak = (Math.floor(second / 5) + seed) % 23 === 0 ? 3 : 1
    const size = 1 + (seed % 40)
    return { cpuMillicores: 2 + size * 20 * wave(40 + (seed % 200)) * peak, memoryBytes: MIB * (5 + size * 30 * wave(60 + (seed % 300)) * peak) + seed }
  }

  /** Compares all pairs once both recommenders have taken the same samples. */
  async compare(moment: string): Promise<void> {
    await this.settled()
    const state = this.#state
    const failedBefore = this.#failed
    for (const { name } of this.#workloads) {
      const [go, ours] = SIDES.map((side) => state.get(`${name}-${side}`))
      this.#judge(name, moment, go && ours ? differencesOf(go, ours) : [{ where: 'VPA', go: String(go), ours: String(ours), cause: 'the VPA is missing' }])
    }
    const samples = [...state.values()].flatMap(({ checkpoints }) => Object.values(checkpoints)).reduce((sum, { totalSamplesCount = 0 }) => sum + totalSamplesCount, 0)
    this.#bench.say(`${moment}: ${this.#workloads.length - (this.#failed - failedBefore)} of ${this.#workloads.length} pairs are the same, ${samples / 2} samples each`)
  }

  /** How many VPAs have a recommendation. */
  async recommended(): Promise<number> {
    return [...(await this.#read()).values()].filter(({ status }) => (status.recommendation?.containerRecommendations ?? []).length > 0).length
  }

  /** Statuses and annotations: ours keeps there what Go's format has no place for. */
  async exchangeCheckpoints(): Promise<void> {
    const all = await this.#admin.list<CheckpointObject>(CHECKPOINTS, this.namespace)
    const byName = new Map(all.map((checkpoint) => [checkpoint.metadata.name, checkpoint]))
    await forEach(all, async ({ metadata, spec }) => {
      const other = byName.get(`${otherName(spec.vpaObjectName)}-${spec.containerName}`)
      if (other === undefined) throw new Error(`${metadata.name} has no counterpart`)
      const body = [
        { op: 'add', path: '/status', value: other.status },
        { op: 'add', path: '/metadata/annotations', value: other.metadata.annotations ?? {} },
      ]
      await this.#admin.request({ method: 'PATCH', path: objectPath(CHECKPOINTS, metadata), body })
    })
  }

  async clearStatuses(): Promise<void> {
    await forEach(await this.#admin.list(VPAS, this.namespace), ({ metadata }) =>
      this.#admin.request({ method: 'PATCH', path: `${objectPath(VPAS, metadata)}/status`, body: [{ op: 'add', path: '/status', value: {} }] }),
    )
  }

  /** Prints the kinds of differences that were found. @returns the exit code */
  close(): number {
    for (const { difference: { where, go, ours, cause }, count } of this.#found.values()) console.log(`${count} x ${where}: ${cause}\n    Go:   ${go}\n    ours: ${ours}`)
    console.log(`${this.#passed} passed, ${this.#failed} failed`)
    return this.#failed === 0 ? 0 : 1
  }

  /** By the name of the VPA. */
  async #read(): Promise<State> {
    const [vpas, checkpoints] = await Promise.all([this.#admin.list(VPAS, this.namespace), this.#admin.list<CheckpointObject>(CHECKPOINTS, this.namespace)])
    const kept = Map.groupBy(checkpoints, ({ spec }) => spec.vpaObjectName)
    return new Map(
      vpas.map(({ metadata, status }) => [
        metadata.name,
        { status: (status ?? {}) as VpaStatus, checkpoints: Object.fromEntries((kept.get(metadata.name) ?? []).map(({ spec, status: checkpoint }) => [spec.containerName, { ...checkpoint, lastUpdateTime: null }])) },
      ]),
    )
  }

  #judge(name: string, moment: string, differences: readonly Difference[]): void {
    for (const difference of differences) {
      const key = `${difference.where}: ${difference.cause}`
      const known = this.#found.get(key)
      if (known === undefined) this.#found.set(key, { difference: { ...difference, cause: `${difference.cause}, first in ${name} (${moment})` }, count: 1 })
      else known.count += 1
    }
    if (differences.every(({ byDesign }) => byDesign)) this.#passed += 1
    else this.#failed += 1
  }

  /** Waits until both have as many samples, and nothing changes for more than an interval. @returns whether that came in time */
  async settled(): Promise<boolean> {
    const deadline = Date.now() + PATIENCE_MS
    this.#state = await this.#read()
    for (let since = Date.now(); Date.now() < deadline; await sleep(POLL_MS)) {
      const next = await this.#read()
      if (!isDeepStrictEqual(this.#state, next)) since = Date.now()
      this.#state = next
      if (Date.now() - since >= QUIET_MS && this.#sameSamples(next)) return true
    }
    return false
  }

  #sameSamples(state: State): boolean {
    const samplesOf = (name: string, side: Side) => Object.entries(state.get(`${name}-${side}`)?.checkpoints ?? {}).map(([container, { totalSamplesCount, lastSampleStart }]) => [container, totalSamplesCount, lastSampleStart])
    return this.#workloads.every(({ name }) => isDeepStrictEqual(samplesOf(name, 'go'), samplesOf(name, 'ours')))
  }
}

interface CheckpointObject extends ApiObject {
  readonly spec: { readonly vpaObjectName: string; readonly containerName: string }
  readonly status: CheckpointStatus
}

function otherName(vpa: string): string {
  return vpa.endsWith('-go') ? vpa.replace(/-go$/, '-ours') : vpa.replace(/-ours$/, '-go')
}

/** All kinds of targets; the last of a dozen has no pods, the one before it has no policy for half of its containers. */
function workloadOf(namespace: string, index: number): Workload {
  const kinds = ['Deployment', 'ReplicaSet', 'StatefulSet'] as const
  return {
    namespace,
    name: `web-${index}`,
    kind: kinds[index % kinds.length] ?? 'Deployment',
    replicas: index % 12 === 11 ? 0 : 1 + (index % 3),
    containers: index % 4 === 0 ? ['app', 'sidecar'] : ['app'],
    requests: { cpu: '100m', memory: '128Mi' },
    usage: { cpuMillicores: 10 + index, memoryBytes: (20 + index) * MIB },
  }
}

function policyOf(index: number): object {
  const policies: readonly (readonly object[])[] = [
    [],
    [{ containerName: '*', minAllowed: { cpu: '150m', memory: '300Mi' } }],
    [{ containerName: 'app', maxAllowed: { cpu: '500m', memory: '1Gi' } }],
    [{ containerName: 'app', controlledResources: ['cpu'] }],
    [{ containerName: 'sidecar', mode: 'Off' }],
    [{ containerName: '*', controlledValues: 'RequestsOnly', controlledResources: ['memory'] }],
    [{ containerName: '*', mode: 'Off' }, { containerName: 'app', minAllowed: { cpu: '1' }, maxAllowed: { memory: '700M' } }],
  ]
  return { containerPolicies: policies[index % policies.length] }
}
