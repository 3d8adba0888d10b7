import { setTimeout as sleep } from 'node:timers/promises'
import type { Pod } from '@vpa/core/api/pod.ts'
import { milliValue, wholeValue } from '@vpa/core/quantity.ts'
import type { Api } from './api.ts'
import { CONTAINER, NAMESPACE } from './demo-cluster.ts'
import { type Demand, type Limits, usageUnder } from './load.ts'

const UNLIMITED: Limits = { cpuMillicores: Number.MAX_SAFE_INTEGER, memoryBytes: Number.MAX_SAFE_INTEGER }
const STEP_MS = 1000

/** Gives the story's pods the usage that the model says, by the annotations that KWOK, and the sandbox too, report as measured. */
export class KwokLoad {
  readonly #api: Api
  readonly #stop = new AbortController()
  readonly #ended: Promise<void>
  /** What the pods are asked for; the argument is seconds since an arbitrary start. */
  demand: (second: number) => Demand

  constructor(api: Api, demand: (second: number) => Demand) {
    this.#api = api
    this.demand = demand
    this.#ended = this.#run()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#ended
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      // A pod that goes away between list and patch is no reason to stop; the next round sees what is there then.
      await this.#apply().catch(() => {})
      await sleep(STEP_MS, undefined, { signal }).catch(() => {})
    }
  }

  async #apply(): Promise<void> {
    const demand = this.demand(Date.now() / 1000)
    for (const pod of await this.#api.pods(NAMESPACE)) {
      const usage = usageUnder(demand, limitsOf(pod))
      await this.#api.annotatePod(pod, { 'kwok.x-k8s.io/usage-cpu': `${usage.cpuMillicores}m`, 'kwok.x-k8s.io/usage-memory': `${usage.memoryBytes}` })
    }
  }
}

function limitsOf({ containers }: Pod): Limits {
  const limits = containers.find(({ name }) => name === CONTAINER)?.limits
  return {
    cpuMillicores: limits?.['cpu'] === undefined ? UNLIMITED.cpuMillicores : Number(milliValue(limits['cpu'])),
    memoryBytes: limits?.['memory'] === undefined ? UNLIMITED.memoryBytes : Number(wholeValue(limits['memory'])),
  }
}
