import { formatSelector, matchesSelector, type Labels } from '@vpa/core/selector.ts'
import type { EpochMs } from '@vpa/core/time.ts'
import { amountOf } from './amount.ts'
import type { Pod } from './object.ts'

export interface Usage {
  readonly cpuMillicores: number
  readonly memoryBytes: number
}

/** What the container may use at most; undefined where it has no such limit. */
export interface Limits {
  readonly cpuMillicores: number | undefined
  readonly memoryBytes: number | undefined
}

/** What a container would like to use at a moment. */
export type LoadCurve = (at: EpochMs, limits: Limits) => Usage

/** Whose load it is: one pod by name, or all with these labels. */
export type PodChoice = string | Labels

/** A pod that nobody gave a load. metrics-server drops what uses nothing, hence the little. */
const IDLE: Usage = { cpuMillicores: 1, memoryBytes: 1024 ** 2 }

/** Who uses how much: load curves by pod and container, or the annotations that KWOK reads too. */
export class Loads {
  readonly #curves = new Map<string, { readonly namespace: string; readonly pods: PodChoice; readonly container: string; readonly curve: LoadCurve }>()

  /** Gives a container its load; the same choice of pods replaces an earlier one. */
  set(namespace: string, pods: PodChoice, container: string, curve: LoadCurve): void {
    const choice = typeof pods === 'string' ? `name=${pods}` : formatSelector({ matchLabels: pods })
    this.#curves.set(`${namespace}/${choice}/${container}`, { namespace, pods, container, curve })
  }

  /** What the container uses at that moment: CPU no more than its limit, memory as much as it wants, for the kubelet to judge. */
  usage(pod: Pod, container: string, at: EpochMs): Usage {
    const limits = limitsOf(pod, container)
    const { cpuMillicores, memoryBytes } = this.#curveOf(pod, container)?.(at, limits) ?? annotatedUsage(pod)
    return { cpuMillicores: Math.min(cpuMillicores, limits.cpuMillicores ?? Infinity), memoryBytes }
  }

  #curveOf({ metadata }: Pod, container: string): LoadCurve | undefined {
    const meant = (pods: PodChoice) => (typeof pods === 'string' ? pods === metadata.name : matchesSelector({ matchLabels: pods }, metadata.labels ?? {}))
    return [...this.#curves.values()].findLast((load) => load.namespace === metadata.namespace && load.container === container && meant(load.pods))?.curve
  }
}

/** From what the kubelet gave the container, which lags behind the spec during a resize. */
export function limitsOf(pod: Pod, container: string): Limits {
  const { limits } = (pod.status.containerStatuses ?? []).find(({ name }) => name === container)?.resources ?? {}
  return { cpuMillicores: amountOf(limits, 'cpu'), memoryBytes: amountOf(limits, 'memory') }
}

function annotatedUsage({ metadata }: Pod): Usage {
  const { 'kwok.x-k8s.io/usage-cpu': cpu, 'kwok.x-k8s.io/usage-memory': memory } = metadata.annotations ?? {}
  return {
    cpuMillicores: (cpu === undefined ? undefined : amountOf({ cpu }, 'cpu')) ?? IDLE.cpuMillicores,
    memoryBytes: (memory === undefined ? undefined : amountOf({ memory }, 'memory')) ?? IDLE.memoryBytes,
  }
}
